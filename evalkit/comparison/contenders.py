"""Contenders against a baseline on one metric that was named beforehand; everything else is exploratory."""

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
    """How systems are compared; fixed before anybody looks.

    Attributes
    ----------
    baseline
        Name of the system that the others are held against.
    primary
        The one metric that verdicts rest on.
    confidence
        Of intervals; verdicts err with ``1 - confidence`` at most, over all contenders.
    margin
        A loss that does not matter: the report says how many queries it takes to rule out more.
    correction
        For several contenders: ``holm``, or ``maxT`` (keeps their dependence).
    resamples, seed
        Of the sign-flip test.
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
        """Chance of an error."""
        return 1 - self.confidence


@dataclass(frozen=True, slots=True)
class Comparison:
    """One contender against the baseline.

    Attributes
    ----------
    n, left_out
        Queries that both have, and those that only one has.
    difference, lower, upper
        Mean paired difference with its Student-t interval; None where it does not exist.
    p, p_adjusted
        Two-sided p-value of a sign-flip test, and after the correction for all contenders.
    p_t
        Two-sided p-value of Student's t test; where it and `p` disagree the result is `fragile`.
    wins, ties, losses
        Queries on which the contender is above, equal, below.
    effect
        Mean difference by the standard deviation of differences; None without deviation.
    detectable
        The smallest difference that these queries find with a chance of 80 %.
    needed
        Queries it would take to rule out a loss beyond the margin with a chance of 80 %.
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
    """Compare every entry of a field with its baseline on the primary metric."""
    contenders = [name for name in comparison_set.systems if name != plan.baseline]
    pairs = [_pair(comparison_set, plan.baseline, name, plan.primary) for name in contenders]
    tests = _tested([pair.differences for pair in pairs], plan)
    return [
        _comparison(comparison_set.dataset, plan, name, paired, p, adjusted)
        for name, paired, (p, adjusted) in zip(contenders, pairs, tests, strict=True)
    ]


def explore(comparison_set: ComparisonSet, plan: Plan) -> list[Comparison]:
    """Do the same for every other metric, without correction and without verdict: a look, not a finding."""
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


def _tested(columns: Sequence[NDArray[np.float64]], plan: Plan) -> list[tuple[float, float]]:
    """Return p and adjusted p of several mean differences."""
    if not columns:
        return []
    if len({len(column) for column in columns}) == 1:
        tests = [sign_flip(np.column_stack(columns), plan.resamples, plan.seed)]
    else:  # where queries failed, each pair has queries of its own and no common signs
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
    """Return name -> the entries that it cannot be told apart from, best first.

    Every pair of entries is tested, and Holm's correction made for all pairs. Being tied is not passed
    on: A may be tied with B and B with C, while A is above C.
    """
    means = {name: _mean(entry.values.of(plan.primary)) for name, entry in comparison_set.systems.items()}
    names = sorted(comparison_set.systems, key=lambda name: -(means[name] or 0.0))
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    tests = _tested([_pair(comparison_set, a, b, plan.primary).differences for a, b in pairs], plan)
    tied: dict[str, list[str]] = {name: [] for name in names}
    for (a, b), (_, adjusted) in zip(pairs, tests, strict=True):
        if adjusted > plan.alpha:
            tied[a].append(b)
            tied[b].append(a)
    return {name: tuple(other for other in names if other in tied[name]) for name in names}


def pool(comparison_sets: Iterable[ComparisonSet], plan: Plan) -> list[Comparison]:
    """Compare over several datasets, each with the same weight: the mean of their mean differences.

    The interval speaks of other queries for these datasets, not of other datasets. Its degrees of freedom
    are Welch and Satterthwaite's; the sign-flip test flips queries within their datasets.
    """
    held = list(comparison_sets)
    names = [name for name in held[0].systems if name != plan.baseline] if held else []
    shared = [
        name
        for name in names
        if all({name, plan.baseline} <= set(comparison_set.systems) for comparison_set in held)
    ]
    parts = {
        name: [_pair(comparison_set, plan.baseline, name, plan.primary) for comparison_set in held]
        for name in shared
    }
    parts = {name: pairs for name, pairs in parts.items() if all(len(one.query_ids) > 1 for one in pairs)}
    tests = _tested([_weighted(pairs) for pairs in parts.values()], plan)
    return [
        _pooled(plan, name, pairs, p, adjusted)
        for (name, pairs), (p, adjusted) in zip(parts.items(), tests, strict=True)
    ]


def _weighted(pairs: Sequence[Paired]) -> NDArray[np.float64]:
    """Return differences whose sum is the mean of the datasets' means."""
    return np.concatenate([one.differences / (len(one.query_ids) * len(pairs)) for one in pairs])


def _pooled(plan: Plan, name: str, pairs: Sequence[Paired], p: float, adjusted: float) -> Comparison:
    from scipy.special import stdtr, stdtrit

    means = np.array([one.differences.mean() for one in pairs])
    shares = np.array([one.differences.var(ddof=1) / len(one.query_ids) for one in pairs]) / len(pairs) ** 2
    error = math.sqrt(shares.sum())
    freedom = np.array([len(one.query_ids) - 1 for one in pairs])
    degrees = float(shares.sum() ** 2 / (shares**2 / freedom).sum()) if error else float(freedom.sum())
    half = float(stdtrit(degrees, 0.5 + plan.confidence / 2)) * error
    every = np.concatenate([one.differences for one in pairs])
    p_t = 2 * float(stdtr(degrees, -abs(float(means.mean())) / error)) if error else None
    return Comparison(
        dataset=f"mean of {len(pairs)} datasets",
        metric=plan.primary,
        baseline=plan.baseline,
        contender=name,
        n=len(every),
        left_out=sum(one.left_out for one in pairs),
        baseline_mean=float(np.mean([one.baseline.mean() for one in pairs])),
        contender_mean=float(np.mean([one.contender.mean() for one in pairs])),
        difference=float(means.mean()),
        lower=float(means.mean()) - half,
        upper=float(means.mean()) + half,
        p=p,
        p_adjusted=adjusted,
        p_t=p_t,
        fragile=p_t is not None and (p <= plan.alpha) != (p_t <= plan.alpha),
        wins=int((every > 0).sum()),
        ties=int((every == 0).sum()),
        losses=int((every < 0).sum()),
        deviation=None,
        effect=None,
        detectable=None,
        needed=None,
        verdict=_pooled_verdict(every, means, adjusted, plan.alpha),
    )


def _pooled_verdict(
    every: NDArray[np.float64], means: NDArray[np.float64], p: float, alpha: float
) -> Verdict:
    verdict = _verdict(every, p, alpha)
    if verdict in {"better", "worse"}:
        return "better" if means.mean() > 0 else "worse"
    return verdict


def extremes(paired: Paired, count: int = 5) -> Mapping[str, list[tuple[str, float, float]]]:
    """Return the queries that lost and won most: ``(query_id, baseline, contender)``, the strongest first."""
    order = np.argsort(paired.differences, kind="stable")

    def told(rows: Iterable[int]) -> list[tuple[str, float, float]]:
        return [(paired.query_ids[i], float(paired.baseline[i]), float(paired.contender[i])) for i in rows]

    lost = [int(i) for i in order[:count] if paired.differences[i] < 0]
    won = [int(i) for i in order[::-1][:count] if paired.differences[i] > 0]
    return {"worst": told(lost), "best": told(won)}
