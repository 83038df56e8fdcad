"""Compare contenders over several datasets: the mean difference, how much it varies, and on how many it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, Paired
from evalkit.comparison.corrected_pairs import (
    compared_pair,
    corrected_basis,
    corrected_of,
    difference_of,
    with_judge,
)
from evalkit.comparison.failed_queries import reason_to_withhold
from evalkit.comparison.families import family_p_values, joint_confidence, p_of_t
from evalkit.comparison.indications import as_indication, for_people
from evalkit.comparison.looks import confidence_at, p_value
from evalkit.comparison.missing_queries import lacks_too_many, without_evidence
from evalkit.comparison.plan import Comparison, Corrected, Plan, Verdict
from evalkit.records import fewest_people
from evalkit.stats import (
    MIN_QUERIES,
    MeanError,
    SkewedMean,
    count_clusters,
    holm,
    paired_share_interval,
    third_cumulant,
)


@dataclass(frozen=True, slots=True)
class AcrossDatasets:
    """How the difference of one contender varies over datasets.

    Attributes
    ----------
    datasets
        Number of datasets.
    lowest, highest
        Smallest and largest mean difference on a dataset.
    q, q_p
        Cochran's Q and its p-value; None if a difference has no standard error. A small p-value says that the true
        differences are not all equal, so that their mean describes no dataset.
    i_squared
        Share of the variation between datasets that is not sampling error, 0 to 1; None where `q` is.
    better_on, worse_on
        Lower confidence bound of the number of datasets on which the contender is better, and worse.
    """

    contender: str
    datasets: int
    lowest: float
    highest: float
    q: float | None
    q_p: float | None
    i_squared: float | None
    better_on: int
    worse_on: int


def across_datasets(compared: Sequence[Sequence[Comparison]], plan: Plan) -> list[AcrossDatasets]:
    """Return how the difference of each contender varies over datasets.

    Parameters
    ----------
    compared
        The comparisons of each dataset; contenders that a dataset lacks, or that were not tested on one, are left out.
    plan
        Its alpha, divided by the number of contenders, is the chance that any `better_on` or `worse_on` is too large.

    References
    ----------
    Higgins and Thompson, "Quantifying heterogeneity in a meta-analysis", Statistics in Medicine 21 (2002); Benjamini
    and Heller, "Screening for partial conjunction hypotheses", Biometrics 64 (2008).
    """
    rows: dict[str, list[Comparison]] = {}
    for one in (one for row in compared for one in row if one.n > 1 and one.has_evidence):
        rows.setdefault(one.contender, []).append(one)
    whole = {name: row for name, row in rows.items() if len(row) == len(compared)}
    return [_across(name, row, plan.alpha / len(whole)) for name, row in whole.items()]


def _across(name: str, row: Sequence[Comparison], alpha: float) -> AcrossDatasets:
    from scipy.special import chdtrc

    means = np.array([one.difference for one in row], dtype=np.float64)
    errors = np.array([one.error or 0.0 for one in row])
    q = q_p = i_squared = None
    if (errors > 0).all():
        weights = 1 / errors**2
        q = float((weights * (means - (weights * means).sum() / weights.sum()) ** 2).sum())
        q_p = float(chdtrc(len(row) - 1, q))
        i_squared = max(0.0, 1 - (len(row) - 1) / q) if q > 0 else 0.0
    return AcrossDatasets(
        contender=name,
        datasets=len(row),
        lowest=float(means.min()),
        highest=float(means.max()),
        q=q,
        q_p=q_p,
        i_squared=i_squared,
        better_on=_least_number([one for one in row if not one.undecided], len(row), 1, alpha),
        worse_on=_least_number([one for one in row if not one.undecided], len(row), -1, alpha),
    )


def _least_number(row: Sequence[Comparison], datasets: int, sign: int, alpha: float) -> int:
    """Return a lower confidence bound of the number of datasets with a difference of the given sign.

    The hypothesis "fewer than u of D datasets" is rejected if ``(D - u + 1) * p_(u) <= alpha``, where p_(u) is the u-th
    smallest p-value and a difference of the other sign has p-value 1; u grows until one is not rejected.
    """
    p_values = sorted(
        one.p
        if one.p is not None and sign * (one.difference or 0.0) > 0 and one.verdict != "too few queries"
        else 1.0
        for one in row
    )
    found = 0
    for place, p in enumerate(p_values, start=1):
        if (datasets - place + 1) * p > alpha:
            break
        found = place
    return found


def pool(
    comparison_sets: Sequence[ComparisonSet], plan: Plan, compared: Sequence[Sequence[Comparison]] = ()
) -> list[Comparison]:
    """Compare contenders over several datasets by the unweighted mean of the datasets' mean differences.

    The interval covers other queries for the same datasets, not other datasets. Its degrees of freedom follow
    Welch and Satterthwaite. The sign-flip test flips the queries of every dataset.

    Systems that are not in every dataset, or that share fewer than two queries with the baseline in one of them,
    are left out.

    Parameters
    ----------
    comparison_sets, plan
        The systems of each dataset, and how they are compared.
    compared
        The comparisons of each dataset: a claim that is withheld on one of them is withheld here.
    """
    names = [name for name in comparison_sets[0].systems if name != plan.baseline] if comparison_sets else []
    parts = {
        name: [compared_pair(one, plan.baseline, name, plan.primary) for one in comparison_sets]
        for name in names
        if all({name, plan.baseline} <= set(one.systems) for one in comparison_sets)
    }
    parts = {
        name: pairs
        for name, pairs in parts.items()
        if all(count_clusters(one.clusters, len(one.query_ids)) > 1 for one in pairs)
    }
    tested = [
        name for name in parts if not any(lacks_too_many(one, plan.baseline, name) for one in comparison_sets)
    ]
    (found,) = _family([parts[name] for name in tested], plan)
    joint, tests = joint_confidence(plan.confidence, len(tested)), dict(zip(tested, found, strict=True))
    pooled = []
    for name, pairs in parts.items():
        one = _pooled(plan, name, pairs, tests.get(name, (1.0, 1.0)), joint)
        one = _withheld(one, comparison_sets, compared)
        pooled.append(one if name in tests else without_evidence(one))
    return pooled


def _family(tested: Sequence[Sequence[Paired]], plan: Plan) -> list[list[tuple[float, float]]]:
    """Return p-values and adjusted ones; those of the pooled mean where a judge's values have a weight."""
    of_people = family_p_values([[_weighted(pairs) for pairs in tested]], plan)
    if not any(paired.judged is not None for pairs in tested for paired in pairs):
        return of_people

    def p_of(pairs: Sequence[Paired], alone: float) -> float:
        if any(with_judge(paired) is not None for paired in pairs):
            corrected = _pooled_mean(pairs).p_value()
            alone = 1.0 if corrected is None else corrected
        return p_value(alone, _enlarged(pairs))

    p = np.array([p_of(pairs, alone) for pairs, (alone, _) in zip(tested, of_people[0], strict=True)])
    return [list(zip(p.tolist(), holm(p).tolist(), strict=True))]


def _withheld(
    one: Comparison, comparison_sets: Sequence[ComparisonSet], compared: Sequence[Sequence[Comparison]]
) -> Comparison:
    """Return a pooled comparison, whose verdict is withheld where the datasets do not support it.

    The checks of unjudged documents and failed queries are made for the claims of a dataset. A pooled claim needs the
    same claim from every dataset whose queries failed or have no ranking.
    """
    of_datasets = [row for rows in compared for row in rows if row.contender == one.contender]
    reason = next((row.verdict for row in of_datasets if row.undecided), None)
    # A dataset with too few queries for a claim of its own is part of the pooled one.
    uncorrected = [
        part.judged_by
        for part, row in zip(comparison_sets if of_datasets else (), of_datasets, strict=True)
        if row.corrected is None
    ]
    if reason is None:
        held = one
        if uncorrected:
            held = as_indication(replace(one, corrected=None), fewest_people(*uncorrected))
        held = for_people(held, synthetic=any(part.rests_on_synthetic for part in comparison_sets))
        reason = held.verdict if held.undecided else None
    if reason is None and one.verdict in {"better", "worse", "identical"}:
        reasons = [
            reason_to_withhold(part, row)
            for part, row in zip(comparison_sets if of_datasets else (), of_datasets, strict=True)
            if row.verdict != one.verdict
        ]
        reason = next(filter(None, reasons), None)
    left_out = sum(row.left_out for row in of_datasets) if of_datasets else one.left_out
    return replace(
        one,
        # The queries of a dataset that is not corrected count as people's, which those with grades of models are not.
        corrected=None if set(uncorrected) - {"human"} else one.corrected,
        verdict=reason or one.verdict,
        left_out=left_out,
        unranked=sum(row.unranked for row in of_datasets),
        baseline_missing=sum(row.baseline_missing for row in of_datasets),
        contender_missing=sum(row.contender_missing for row in of_datasets),
    )


def _weighted(pairs: Sequence[Paired]) -> Paired:
    """Return the differences, scaled so that their sum is the mean of the datasets' mean differences."""
    scaled = [paired.differences / (len(paired.query_ids) * len(pairs)) for paired in pairs]
    differences = np.concatenate(scaled)
    query_ids = tuple(f"{number} {q}" for number, paired in enumerate(pairs) for q in paired.query_ids)
    clusters = None
    if any(paired.clusters is not None for paired in pairs):
        first, numbered = 0, []
        for paired in pairs:
            own = np.arange(len(paired.query_ids)) if paired.clusters is None else paired.clusters
            numbered.append(own + first)
            first += count_clusters(paired.clusters, len(paired.query_ids))
        clusters = np.concatenate(numbered)
    return Paired(query_ids, np.zeros_like(differences), differences, 0, clusters)


def _enlarged(pairs: Sequence[Paired]) -> int:
    """Return how often draws were enlarged after people had judged: each time was a look at the pooled mean."""
    return sum(paired.enlarged for paired in pairs)


def _pooled_mean(pairs: Sequence[Paired]) -> SkewedMean:
    """Return the mean of the datasets' means with Welch-Satterthwaite degrees of freedom.

    Where a judge's values have a weight in one of them, its bounds allow for the skewness of all, as those of a
    dataset do; else they are Student's.
    """
    parts = [part for paired in pairs if (part := _skewed(paired)) is not None]
    shares = np.array([part.found.error**2 for part in parts]) / len(parts) ** 2
    degrees = np.array([part.found.degrees for part in parts])
    error = math.sqrt(shares.sum())
    third = sum(part.third for part in parts) / len(parts) ** 3
    found = MeanError(
        mean=float(np.mean([part.found.mean for part in parts])),
        error=error,
        degrees=float(shares.sum() ** 2 / (shares**2 / degrees).sum() if error else degrees.sum()),
        n=sum(part.found.n for part in parts),
        clusters=sum(part.found.clusters for part in parts),
    )
    return SkewedMean(found, third if any(with_judge(paired) is not None for paired in pairs) else 0.0)


def _skewed(paired: Paired) -> SkewedMean | None:
    """Return the mean difference on one dataset with its skewness; None without queries."""
    corrected, alone = corrected_of(paired), difference_of(paired)
    if corrected is not None:
        return corrected.skewed(0)
    return None if alone is None else SkewedMean(alone, third_cumulant(paired.differences, paired.clusters))


def _pooled_interval(pairs: Sequence[Paired], pooled: SkewedMean, confidence: float) -> tuple[float, float]:
    """Return the bounds of the mean of the datasets' means: of Tango's intervals for values of 0 and 1, else t.

    References
    ----------
    Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008): the
    distances from the estimates to their bounds add up as squares.
    """
    if not all(paired.is_binary and paired.judged is None for paired in pairs):
        both = pooled.bounds(0.0, (1 - confidence_at(confidence, _enlarged(pairs))) / 2)
        return both.lower, both.upper
    parts = [paired_share_interval(paired.differences, confidence, paired.clusters) for paired in pairs]
    below = math.sqrt(sum(((one.estimate or 0.0) - (one.lower or 0.0)) ** 2 for one in parts)) / len(parts)
    above = math.sqrt(sum(((one.upper or 0.0) - (one.estimate or 0.0)) ** 2 for one in parts)) / len(parts)
    return pooled.found.mean - below, pooled.found.mean + above


def _pooled(
    plan: Plan,
    name: str,
    pairs: Sequence[Paired],
    test: tuple[float, float],
    joint: float,
) -> Comparison:
    (p, adjusted), differences = test, np.concatenate([paired.differences for paired in pairs])
    pooled = _pooled_mean(pairs)
    found = pooled.found
    alone, together = (_pooled_interval(pairs, pooled, level) for level in (plan.confidence, joint))
    p_t, corrected = p_of_t(found, _enlarged(pairs)), _corrected(pairs)
    baseline = float(np.mean([_baseline_mean(paired) for paired in pairs]))
    contender = float(np.mean([paired.contender.mean() for paired in pairs]))
    clustered = any(paired.clusters is not None for paired in pairs)
    independent = sum(count_clusters(paired.clusters, len(paired.query_ids)) for paired in pairs)
    return Comparison(
        dataset=f"mean of {len(pairs)} datasets",
        metric=plan.primary,
        baseline=plan.baseline,
        contender=name,
        n=len(differences),
        left_out=sum(paired.left_out for paired in pairs),
        baseline_mean=baseline,
        contender_mean=contender if corrected is None else baseline + found.mean,
        difference=found.mean,
        lower=alone[0],
        upper=alone[1],
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
        verdict=_verdict(
            found.mean,
            independent,
            differs=any(paired.differs for paired in pairs),
            significant=adjusted <= plan.alpha,
        ),
        error=found.error,
        joint_lower=together[0],
        joint_upper=together[1],
        clusters=independent if clustered else None,
        corrected=corrected,
    )


def _baseline_mean(paired: Paired) -> float:
    found = corrected_of(paired)
    return float(paired.baseline.mean() if found is None else found.means[1])


def _corrected(pairs: Sequence[Paired]) -> Corrected | None:
    """Return what a pooled difference rests on: the queries of all datasets, and the mean weight of the judges."""
    known = [(paired, found) for paired in pairs if (found := corrected_of(paired)) is not None]
    if not known:
        return None
    rests = [corrected_basis(paired, found) for paired, found in known]
    return Corrected(
        judge=", ".join(dict.fromkeys(one.judge for one in rests)),
        human=sum(len(paired.query_ids) for paired in pairs),
        judged_only=sum(one.judged_only for one in rests),
        weight=float(np.mean([one.weight for one in rests])),
        too_rarely_wrong=all(one.too_rarely_wrong for one in rests),
        declared=any(one.declared for one in rests),
        ungraded=sum(one.ungraded for one in rests),
        ungraded_drawn=sum(one.ungraded_drawn for one in rests),
        enlarged=sum(one.enlarged for one in rests),
    )


def _verdict(mean: float, independent: int, *, differs: bool, significant: bool) -> Verdict:
    if independent < MIN_QUERIES:
        return "too few queries"
    if not differs:
        return "identical"
    if not significant:
        return "not told apart"
    return "better" if mean > 0 else "worse"
