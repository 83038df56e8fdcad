"""P-values of families of comparisons: all comparisons that one report answers are corrected together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import Paired
from evalkit.comparison.corrected_pairs import with_judge
from evalkit.comparison.looks import level as level_after
from evalkit.comparison.looks import p_value
from evalkit.comparison.plan import Plan
from evalkit.stats import MeanError, SignFlip, holm, sign_flip


def family_p_values(groups: Sequence[Sequence[Paired]], plan: Plan) -> list[list[tuple[float, float]]]:
    """Return the p-value and the adjusted p-value of each comparison.

    Parameters
    ----------
    groups
        The comparisons of each dataset. Those of one dataset share the random signs where they have the same queries.
        A corrected difference has the p-value of `SkewedMean` where a judge's values have a weight.
    plan
        ``holm`` corrects over all groups at once; ``maxT`` within each group, and for the number of groups.

    Returns
    -------
    A list of ``(p, adjusted p)`` for each group.
    """
    size = sum(map(len, groups))
    if not size:
        return [[] for _ in groups]
    tests = [_tests(pairs, plan, plan.alpha / size) for pairs in groups]
    p = [np.concatenate([test.p for test in found]) if found else np.empty(0) for found in tests]
    if plan.correction == "maxT" and all(len(found) <= 1 for found in tests):
        count = sum(bool(pairs) for pairs in groups)
        adjusted = [np.minimum(found[0].p_max_t * count, 1.0) if found else np.empty(0) for found in tests]
    else:
        adjusted = np.split(holm(np.concatenate(p)), np.cumsum([len(values) for values in p])[:-1])
    return [list(zip(a.tolist(), b.tolist(), strict=True)) for a, b in zip(p, adjusted, strict=True)]


def without_withheld(
    tests: Sequence[Sequence[tuple[float, float]]], withheld: Sequence[Sequence[bool]]
) -> list[list[tuple[float, float]]]:
    """Return the p-values of `family_p_values`, where a withheld claim makes the test of no other one less strict.

    Holm's correction is less strict for the rest of a family once a difference is significant. One that rests on
    missing queries is not shown, and counts as not significant.
    """
    p = [p for found in tests for p, _ in found]
    out = [flag for flags in withheld for flag in flags]
    if not any(out):
        return [list(found) for found in tests]
    again = iter(holm(np.where(out, 1.0, p)).tolist())
    return [[(p, max(adjusted, next(again))) for p, adjusted in found] for found in tests]


def _tests(pairs: Sequence[Paired], plan: Plan, level: float) -> list[SignFlip]:
    """Test the comparisons of one dataset: all with the same signs, or each alone if their queries differ."""
    if len({paired.query_ids for paired in pairs}) == 1 and all(paired.judged is None for paired in pairs):
        columns = np.column_stack([paired.differences for paired in pairs])
        return [_test(columns, pairs[0], plan, level)]
    return [_test(paired.differences[:, None], paired, plan, level) for paired in pairs]


def _test(columns: NDArray[np.float64], paired: Paired, plan: Plan, level: float) -> SignFlip:
    if paired.judged is not None:
        p = np.array([corrected_p(paired, plan, level)])
        return SignFlip(p, p, exact=False)
    return sign_flip(columns, plan.resamples, plan.seed, clusters=paired.clusters, level=level)


def joint_confidence(confidence: float, size: int) -> float:
    """Return the level at which each of `size` two-sided intervals is taken so that all hold at once.

    References
    ----------
    Šidák, "Rectangular confidence regions for the means of multivariate normal distributions", Journal of the American
    Statistical Association 62 (1967): it suffices for two-sided intervals, however they depend on each other.
    """
    return float(confidence ** (1 / max(size, 1)))


def p_of_t(found: MeanError, enlarged: int = 0) -> float | None:
    """Return the two-sided p-value of Student's t test of a mean; None without a standard error.

    After enlargements of the draw it is multiplied for the looks before; see `p_value`.
    """
    from scipy.special import stdtr

    if not found.error > 0:
        return None
    return p_value(2 * float(stdtr(found.degrees, -abs(found.mean) / found.error)), enlarged)


def corrected_p(paired: Paired, plan: Plan, level: float | None = None) -> float:
    """Return the p-value of a pair with a judge's values: that of people's values alone where these have no weight.

    It agrees with the interval of the difference; see `SkewedMean`. `level` is that of `sign_flip`.
    """
    found, differences = with_judge(paired), paired.differences[:, None]
    if found is not None:
        p = found.skewed(0).p_value()
    elif len(differences):
        strict = None if level is None else level_after(level, paired.enlarged)
        test = sign_flip(differences, plan.resamples, plan.seed, clusters=paired.clusters, level=strict)
        p = float(test.p[0])
    else:
        p = None
    return 1.0 if p is None else p_value(p, paired.enlarged)
