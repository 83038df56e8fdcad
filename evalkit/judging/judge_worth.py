"""How much narrower an interval is with a judge: what decides whether it is of use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from evalkit.comparison.comparison_set import pair
from evalkit.metrics import evaluate, parse_metric
from evalkit.records import Qrels, Run
from evalkit.stats import FEWEST_OF_PILOT, CorrectionPlan, corrected_means, pilot_correlation

Differences = dict[str, float]
"""Query id -> difference of two systems, the second less the first."""


@dataclass(frozen=True, slots=True)
class JudgeWorth:
    """How much narrower the interval of a difference is with a judge than with people's grades alone.

    Attributes
    ----------
    baseline, contender
        Tags of the two systems.
    metric
        The metric of the differences.
    queries
        Queries that both raters judged completely.
    of_all
        Queries of the dataset, which the judge would grade.
    drawn
        Whether the queries are of a random draw.
    correlation, lower, upper
        Correlation of the differences under the judge's grades with those under people's, with its 95 % interval; None
        with fewer than 10 queries, or where either does not vary.
    width, least_width, most_width
        Expected width of the interval by that of the same people's grades alone, 1 at most, and the same at the bounds
        of the correlation; None without a correlation.
    unused
        Whether a correction by these grades would give the judge no weight; None without a correlation.
    differs_little
        Whether it is the size of the differences that leaves little of the judge; see `CorrectionPlan.differs_little`.
    """

    baseline: str
    contender: str
    metric: str
    queries: int
    of_all: int
    drawn: bool
    correlation: float | None = None
    lower: float | None = None
    upper: float | None = None
    width: float | None = None
    least_width: float | None = None
    most_width: float | None = None
    unused: bool | None = None
    differs_little: bool = False


@dataclass(frozen=True, slots=True)
class WorthPlan:
    """What a judge's worth is about.

    Attributes
    ----------
    baseline, contender
        The two systems, with different tags.
    cutoff
        Ranks of each that have to be judged.
    queries
        Queries of the dataset.
    drawn
        Queries of the random draw for people; None without one.
    """

    baseline: Run
    contender: Run
    cutoff: int
    queries: int
    drawn: Collection[str] | None = None


def complete_differences(runs: tuple[Run, Run], qrels: Qrels, metric: str, cutoff: int) -> Differences:
    """Return the differences of the queries of which all documents of both systems within the cutoff are judged.

    Those without a relevant document have the difference 0, as they have in a corrected comparison.

    Parameters
    ----------
    runs
        The two systems.
    qrels
        The grades of one rater.
    metric, cutoff
        The metric, and the ranks that have to be judged.
    """
    known, excluded = qrels.without_excluded()
    kept = [run.without(excluded) for run in runs]
    complete = [
        query_id
        for query_id in known.grades
        if all(doc in known.of(query_id) for run in kept for doc in run.docs(query_id)[:cutoff])
    ]
    values = [evaluate(run, known.restricted_to(complete), [parse_metric(metric)]) for run in kept]
    paired = pair(values[0], values[1], metric)
    zeros = dict.fromkeys(set(complete) & set(known.unanswerable), 0.0)
    return zeros | dict(zip(paired.query_ids, paired.differences.tolist(), strict=True))


def judge_worth(judge: Qrels, people: Qrels, metric: str, plan: WorthPlan) -> JudgeWorth:
    """Return how much narrower an interval is with a judge, from the queries that it and people judged completely.

    Parameters
    ----------
    judge, people
        All grades of each.
    metric
        The metric of the differences.
    plan
        The systems and the queries.
    """
    runs = (plan.baseline, plan.contender)
    judged, human = (complete_differences(runs, one, metric, plan.cutoff) for one in (judge, people))
    common = [key for key in human if key in judged and (plan.drawn is None or key in plan.drawn)]
    of_all = max(plan.queries, len(common))
    found = JudgeWorth(
        plan.baseline.tag, plan.contender.tag, metric, len(common), of_all, plan.drawn is not None
    )
    correlation = pilot_correlation(*(np.array([one[key] for key in common]) for one in (human, judged)))
    if correlation is None or len(common) < FEWEST_OF_PILOT:
        return found
    value, lower, upper = correlation
    deviation = float(np.std([human[key] for key in common], ddof=1))
    plans = [CorrectionPlan(of_all, deviation, one) for one in (upper, value, lower)]
    best, expected, worst = (one.width_ratio(len(common)) for one in plans)
    return JudgeWorth(
        found.baseline,
        found.contender,
        metric,
        found.queries,
        of_all,
        found.drawn,
        value,
        lower,
        upper,
        expected,
        best,
        worst,
        _is_unused(human, judged, common),
        plans[1].differs_little(len(common)),
    )


def _is_unused(human: Mapping[str, float], judged: Mapping[str, float], common: list[str]) -> bool:
    """Return whether a correction would give the judge no weight.

    Of other queries the judge's differences count as far as they are known; where none are, those of the same queries
    stand in for them.
    """
    others = [judged[key] for key in judged if key not in set(common)]
    of_common = [judged[key] for key in common]
    values = np.array([*of_common, *(others or of_common)])[:, None]
    found = corrected_means(np.array([human[key] for key in common])[:, None], values)
    return not found.weights.any()
