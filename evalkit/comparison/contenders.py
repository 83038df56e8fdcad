"""Compare contenders with a baseline: sign-flip tests, Holm or maxT correction, intervals and verdicts.

Verdicts rest on one primary metric, fixed before the results are seen. All other metrics are exploratory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import ComparisonSet, Paired, pair
from evalkit.stats import (
    MIN_QUERIES,
    RESAMPLES,
    Interval,
    holm,
    mean_interval,
    minimum_detectable_effect,
    queries_needed,
    sign_flip,
)

Verdict = Literal["better", "worse", "not told apart", "identical", "too few queries"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How systems are compared; fixed before the results are seen.

    Attributes
    ----------
    baseline
        Name of the system that the others are compared with.
    primary
        The metric that verdicts rest on.
    confidence
        Confidence level of intervals. The family-wise error rate of the verdicts, over all contenders, is at
        most ``1 - confidence``.
    margin
        Largest loss that does not matter. The report says how many queries rule out a larger one.
    correction
        For several contenders: ``holm``, or ``maxT``, which uses the dependence between contenders.
    resamples, seed
        Number of resamples of the sign-flip test, and the seed of its random generator.
    """

    baseline: str
    primary: str
    confidence: float = 0.95
    margin: float = 0.01
    correction: Literal["holm", "maxT"] = "holm"
    resamples: int = RESAMPLES
    seed: int = 0

    @property
    def alpha(self) -> float:
        """Significance level, ``1 - confidence``."""
        return 1 - self.confidence


@dataclass(frozen=True, slots=True)
class Comparison:
    """One contender against the baseline.

    Attributes
    ----------
    n, left_out
        Number of queries with a value for both systems, and with a value for only one.
    difference, lower, upper
        Mean paired difference, contender minus baseline, with its Student-t interval; None if there are too
        few queries.
    p, p_adjusted
        Two-sided p-value of the sign-flip test, and the same corrected for all contenders.
    p_t
        Two-sided p-value of Student's t test.
    fragile
        Whether `p` and `p_t` disagree about significance.
    wins, ties, losses
        Number of queries on which the contender is above, equal to, or below the baseline.
    deviation
        Standard deviation of the paired differences.
    effect
        Mean difference divided by `deviation`; None if `deviation` is 0 or unknown.
    detectable
        Minimum detectable difference with 80 % power.
    needed
        Queries needed to rule out a loss beyond the margin with 80 % power.
    """

    dataset: str
    metric: str
    baseline: str
    contender: str
    n: int
    left_out: int
    baseline_mean: float | None
    contender_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    p: float | None
    p_adjusted: float | None
    p_t: float | None
    fragile: bool
    wins: int
    ties: int
    losses: int
    deviation: float | None
    effect: float | None
    detectable: float | None
    needed: int | None
    verdict: Verdict

    @property
    def change(self) -> Interval:
        """The mean paired difference with its interval."""
        return Interval(self.difference, self.lower, self.upper, self.n)


def compare(comparison_set: ComparisonSet, plan: Plan) -> list[Comparison]:
    """Compare every system with the baseline on the primary metric."""
    contenders = [name for name in comparison_set.systems if name != plan.baseline]
    pairs = [_pair(comparison_set, plan.baseline, name, plan.primary) for name in contenders]
    tests = _p_values([pair.differences for pair in pairs], plan)
    return [
        _comparison(comparison_set.dataset, plan, name, paired, p, adjusted)
        for name, paired, (p, adjusted) in zip(contenders, pairs, tests, strict=True)
    ]


def explore(comparison_set: ComparisonSet, plan: Plan) -> list[Comparison]:
    """Compare every system with the baseline on all other metrics, without correction: exploratory only."""
    labels = next(iter(comparison_set.systems.values())).values.metrics
    found: list[Comparison] = []
    for metric in labels:
        if metric == plan.primary:
            continue
        for name in comparison_set.systems:
            if name != plan.baseline:
                paired = _pair(comparison_set, plan.baseline, name, metric)
                p = float(sign_flip(paired.differences[:, None], plan.resamples, plan.seed).p[0])
                found.append(_comparison(comparison_set.dataset, plan, name, paired, p, None, metric))
    return found


def _pair(comparison_set: ComparisonSet, baseline: str, contender: str, metric: str) -> Paired:
    return pair(comparison_set.systems[baseline].values, comparison_set.systems[contender].values, metric)


def _p_values(columns: Sequence[NDArray[np.float64]], plan: Plan) -> list[tuple[float, float]]:
    """Return the p-value and the adjusted p-value of each column of paired differences."""
    if not columns:
        return []
    if len({len(column) for column in columns}) == 1:
        tests = [sign_flip(np.column_stack(columns), plan.resamples, plan.seed)]
    else:  # Queries failed, so the columns have different queries and cannot share sign flips.
        tests = [sign_flip(column[:, None], plan.resamples, plan.seed) for column in columns]
    p = np.concatenate([test.p for test in tests])
    joint = plan.correction == "maxT" and len(tests) == 1
    adjusted = tests[0].p_max_t if joint else holm(p)
    return list(zip(p.tolist(), adjusted.tolist(), strict=True))


def _comparison(
    dataset: str,
    plan: Plan,
    name: str,
    paired: Paired,
    p: float,
    p_adjusted: float | None,
    metric: str | None = None,
) -> Comparison:
    differences = paired.differences
    interval = mean_interval(differences, plan.confidence)
    deviation = float(differences.std(ddof=1)) if len(differences) > 1 else None
    p_t = _p_of_t(differences)
    return Comparison(
        dataset=dataset,
        metric=metric or plan.primary,
        baseline=plan.baseline,
        contender=name,
        n=interval.n,
        left_out=paired.left_out,
        baseline_mean=_mean(paired.baseline),
        contender_mean=_mean(paired.contender),
        difference=interval.estimate,
        lower=interval.lower,
        upper=interval.upper,
        p=p if interval.n else None,
        p_adjusted=p_adjusted if interval.n else None,
        p_t=p_t,
        fragile=p_t is not None and (p <= plan.alpha) != (p_t <= plan.alpha),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
        deviation=deviation,
        effect=interval.estimate / deviation if deviation and interval.estimate is not None else None,
        detectable=minimum_detectable_effect(deviation, interval.n, plan.alpha) if deviation else None,
        needed=queries_needed(deviation, plan.margin, plan.alpha, sides=1) if deviation else None,
        verdict=_verdict(differences, p if p_adjusted is None else p_adjusted, plan.alpha),
    )


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _p_of_t(differences: NDArray[np.float64]) -> float | None:
    from scipy.special import stdtr

    if len(differences) < 2 or not differences.std():
        return None
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return 2 * float(stdtr(len(differences) - 1, -abs(float(differences.mean())) / error))


def _verdict(differences: NDArray[np.float64], p: float, alpha: float) -> Verdict:
    if len(differences) < MIN_QUERIES:
        return "too few queries"
    if not differences.any():
        return "identical"
    if p > alpha:
        return "not told apart"
    return "better" if differences.mean() > 0 else "worse"


def tied_with(comparison_set: ComparisonSet, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return name -> the systems without a significant difference from it, highest mean first.

    Tests every pair of systems and corrects for all pairs. Ties are not transitive: A may be tied with B and
    B with C, while A is significantly better than C.
    """
    means = {name: _mean(entry.values.of(plan.primary)) for name, entry in comparison_set.systems.items()}
    names = sorted(comparison_set.systems, key=lambda name: -(means[name] or 0.0))
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    tests = _p_values([_pair(comparison_set, a, b, plan.primary).differences for a, b in pairs], plan)
    tied: dict[str, list[str]] = {name: [] for name in names}
    for (a, b), (_, adjusted) in zip(pairs, tests, strict=True):
        if adjusted > plan.alpha:
            tied[a].append(b)
            tied[b].append(a)
    return {name: tuple(other for other in names if other in tied[name]) for name in names}


def pool(comparison_sets: Iterable[ComparisonSet], plan: Plan) -> list[Comparison]:
    """Compare contenders over several datasets by the unweighted mean of the datasets' mean differences.

    The interval covers other queries for the same datasets, not other datasets. Its degrees of freedom follow
    Welch and Satterthwaite. The sign-flip test flips the queries of every dataset.

    Systems that are not in every dataset, or that share fewer than two queries with the baseline in one of them,
    are left out.
    """
    sets = list(comparison_sets)
    names = [name for name in sets[0].systems if name != plan.baseline] if sets else []
    shared = [
        name
        for name in names
        if all({name, plan.baseline} <= set(comparison_set.systems) for comparison_set in sets)
    ]
    parts = {
        name: [_pair(comparison_set, plan.baseline, name, plan.primary) for comparison_set in sets]
        for name in shared
    }
    parts = {
        name: pairs for name, pairs in parts.items() if all(len(paired.query_ids) > 1 for paired in pairs)
    }
    tests = _p_values([_weighted(pairs) for pairs in parts.values()], plan)
    return [
        _pooled(plan, name, pairs, p, adjusted)
        for (name, pairs), (p, adjusted) in zip(parts.items(), tests, strict=True)
    ]


def _weighted(pairs: Sequence[Paired]) -> NDArray[np.float64]:
    """Return the differences, scaled so that their sum is the mean of the datasets' mean differences."""
    return np.concatenate([paired.differences / (len(paired.query_ids) * len(pairs)) for paired in pairs])


def _pooled(plan: Plan, name: str, pairs: Sequence[Paired], p: float, adjusted: float) -> Comparison:
    from scipy.special import stdtr, stdtrit

    means = np.array([paired.differences.mean() for paired in pairs])
    shares = (
        np.array([paired.differences.var(ddof=1) / len(paired.query_ids) for paired in pairs])
        / len(pairs) ** 2
    )
    error = math.sqrt(shares.sum())
    degrees_of_each = np.array([len(paired.query_ids) - 1 for paired in pairs])
    degrees = (
        float(shares.sum() ** 2 / (shares**2 / degrees_of_each).sum())
        if error
        else float(degrees_of_each.sum())
    )
    half_width = float(stdtrit(degrees, 0.5 + plan.confidence / 2)) * error
    differences = np.concatenate([paired.differences for paired in pairs])
    p_t = 2 * float(stdtr(degrees, -abs(float(means.mean())) / error)) if error else None
    return Comparison(
        dataset=f"mean of {len(pairs)} datasets",
        metric=plan.primary,
        baseline=plan.baseline,
        contender=name,
        n=len(differences),
        left_out=sum(paired.left_out for paired in pairs),
        baseline_mean=float(np.mean([paired.baseline.mean() for paired in pairs])),
        contender_mean=float(np.mean([paired.contender.mean() for paired in pairs])),
        difference=float(means.mean()),
        lower=float(means.mean()) - half_width,
        upper=float(means.mean()) + half_width,
        p=p,
        p_adjusted=adjusted,
        p_t=p_t,
        fragile=p_t is not None and (p <= plan.alpha) != (p_t <= plan.alpha),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
        deviation=None,
        effect=None,
        detectable=None,
        needed=None,
        verdict=_pooled_verdict(differences, means, adjusted, plan.alpha),
    )


def _pooled_verdict(
    differences: NDArray[np.float64], means: NDArray[np.float64], p: float, alpha: float
) -> Verdict:
    verdict = _verdict(differences, p, alpha)
    if verdict in {"better", "worse"}:
        return "better" if means.mean() > 0 else "worse"
    return verdict


def extremes(paired: Paired, count: int = 5) -> Mapping[str, list[tuple[str, float, float]]]:
    """Return the queries with the largest losses and gains of the contender, largest first.

    Each entry is ``(query_id, baseline value, contender value)``.
    """
    order = np.argsort(paired.differences, kind="stable")

    def entries(rows: Iterable[int]) -> list[tuple[str, float, float]]:
        return [(paired.query_ids[i], float(paired.baseline[i]), float(paired.contender[i])) for i in rows]

    lost = [int(i) for i in order[:count] if paired.differences[i] < 0]
    won = [int(i) for i in order[::-1][:count] if paired.differences[i] > 0]
    return {"worst": entries(lost), "best": entries(won)}
