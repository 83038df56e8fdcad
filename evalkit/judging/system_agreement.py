"""Whether a judge ranks systems as a reference does, and how far their differences are off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from evalkit.judging.common_grades import CommonGrades
from evalkit.metrics import Metric, evaluate, parse_metric
from evalkit.records import Run
from evalkit.stats import FEWEST_CLUSTERS, mean_interval

Floats = NDArray[np.float64]
FEWEST_SYSTEMS = 3
"""Fewest systems for a rank correlation: two systems agree or not, which the pair itself shows."""


@dataclass(frozen=True, slots=True)
class SystemMean:
    """A system's mean under both raters.

    Attributes
    ----------
    system
        Tag of the run.
    judge, reference
        The means over the common queries.
    """

    system: str
    judge: float
    reference: float


@dataclass(frozen=True, slots=True)
class DifferenceBias:
    """The difference of two systems under both raters, over the same queries.

    Attributes
    ----------
    first, second
        Tags of the systems.
    judge, reference
        Mean difference, first less second.
    bias
        Judge less reference.
    lower, upper
        Bounds of the bias; None with fewer than `FEWEST_CLUSTERS` queries. They are those of one pair: the largest of
        many biases is larger than it would be again.
    confidence
        Level of the bounds.
    """

    first: str
    second: str
    judge: float
    reference: float
    bias: float
    lower: float | None
    upper: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class SystemAgreement:
    """Agreement on systems.

    Attributes
    ----------
    metric
        The metric; each rater's own grades of the common pairs are its judgments.
    queries
        Queries that have a relevant document under both raters.
    systems
        Means, the best under the reference first.
    tau
        Kendall's tau-b of the means; None with its `reason`.
    top
        Systems of the better half under the reference, at least three; all that tie with the last of them belong to it.
    top_tau
        Kendall's tau-b of these; None with its `top_reason`.
    reversed_pairs, pairs
        Pairs of systems whose difference has the other sign under the judge, and all pairs.
    largest
        The pair with the largest bias; None with fewer than two systems or without queries.
    reason, top_reason
        Why there is no tau; None with one.
    """

    metric: str
    queries: int
    systems: tuple[SystemMean, ...]
    tau: float | None
    top: tuple[str, ...]
    top_tau: float | None
    reversed_pairs: int
    pairs: int
    largest: DifferenceBias | None
    reason: str | None = None
    top_reason: str | None = None


def system_agreement(
    pairs: CommonGrades,
    runs: Sequence[Run],
    metric: Metric | str,
    confidence: float = 0.95,
    left_out: Collection[str] = (),
) -> SystemAgreement:
    """Return whether systems rank alike under the grades of both raters.

    Parameters
    ----------
    pairs
        Grades; documents that only one of the raters judged are unjudged for both.
    runs
        Ranked lists, with different tags.
    metric
        What ranks the systems.
    confidence
        Two-sided confidence level.
    left_out
        Queries without a value, such as those whose call failed for one of the systems.

    References
    ----------
    Kendall (1945), tau-b; `scipy.stats.kendalltau`.
    """
    name = metric if isinstance(metric, str) else metric.label
    values = _common_values(pairs, runs, metric, left_out)
    if isinstance(values, str):
        return SystemAgreement(name, 0, (), None, (), None, 0, 0, None, values, values)
    of_judge, of_reference = values
    tags = [run.tag for run in runs]
    means = (of_judge.mean(0), of_reference.mean(0))
    order = np.argsort(-means[1], kind="stable").tolist()
    top = _top(means[1])
    tau, reason = _tau(*means)
    top_tau, top_reason = _tau(means[0][top], means[1][top])
    signs = [
        np.sign(means[0][a] - means[0][b]) * np.sign(means[1][a] - means[1][b])
        for a, b in combinations(range(len(runs)), 2)
    ]
    return SystemAgreement(
        name,
        len(of_judge),
        tuple(SystemMean(tags[one], float(means[0][one]), float(means[1][one])) for one in order),
        tau,
        tuple(tags[one] for one in order if one in top),
        top_tau,
        sum(bool(sign < 0) for sign in signs),
        len(signs),
        _largest(tags, of_judge, of_reference, confidence),
        reason,
        top_reason,
    )


def _common_values(
    pairs: CommonGrades, runs: Sequence[Run], metric: Metric | str, left_out: Collection[str]
) -> tuple[Floats, Floats] | str:
    """Return the ``(q, s)`` values of all systems under each rater, or why there are none."""
    parsed = parse_metric(metric) if isinstance(metric, str) else metric
    if parsed.budget_tokens is not None and pairs.tokens is None:
        return "the lengths of documents in tokens are unknown: they are counted by a run"
    judged, known = pairs.qrels(pairs.judge), pairs.qrels(pairs.reference)
    usable = frozenset(judged.answerable).difference(left_out)
    common = [query_id for query_id in known.answerable if query_id in usable]
    if not common or not runs:
        return "no query has a relevant document under both raters" if runs else "no runs are known"
    columns = [
        np.column_stack([evaluate(run, qrels.restricted_to(common), [metric]).values[:, 0] for run in runs])
        for qrels in (judged, known)
    ]
    valued = ~(np.isnan(columns[0]) | np.isnan(columns[1])).any(1)
    if not valued.any():
        return "the metric is unknown for every query"
    return columns[0][valued], columns[1][valued]


def _top(means: Floats) -> list[int]:
    """Return the systems of the better half, at least three, and those that tie with the last of them."""
    count = min(max(-(-len(means) // 2), FEWEST_SYSTEMS), len(means))
    return np.flatnonzero(means >= np.sort(means)[::-1][count - 1]).tolist()


def _tau(judge: Floats, reference: Floats) -> tuple[float | None, str | None]:
    from scipy.stats import kendalltau

    if len(judge) < FEWEST_SYSTEMS:
        return None, f"fewer than {FEWEST_SYSTEMS} systems"
    for name, means in (("the judge", judge), ("the reference", reference)):
        if (means == means[0]).all():
            return None, f"all means of {name} are equal"
    return float(kendalltau(judge, reference).statistic), None


def _largest(
    tags: Sequence[str], judge: Floats, reference: Floats, confidence: float
) -> DifferenceBias | None:
    """Return the pair of systems with the largest bias, from ``(q, s)`` values."""
    biases = [
        (a, b, float((judge - reference)[:, a].mean() - (judge - reference)[:, b].mean()))
        for a, b in combinations(range(len(tags)), 2)
    ]
    if not biases:
        return None
    a, b, bias = max(biases, key=lambda one: abs(one[2]))
    differences = [values[:, a] - values[:, b] for values in (judge, reference)]
    found = mean_interval(differences[0] - differences[1], confidence)
    lower, upper = (found.lower, found.upper) if found.n >= FEWEST_CLUSTERS else (None, None)
    return DifferenceBias(
        tags[a],
        tags[b],
        float(differences[0].mean()),
        float(differences[1].mean()),
        bias,
        lower,
        upper,
        confidence,
    )
