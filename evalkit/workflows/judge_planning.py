"""``evalkit judge plan``: how many queries people have to judge, where a judge grades all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.comparison.comparison_set import pair
from evalkit.comparison.looks import level
from evalkit.judging.dataset_raters import dataset_raters
from evalkit.judging.judge_worth import Differences, complete_differences
from evalkit.judging.judged_pairs import seconds_each
from evalkit.judging.pools import RankedSystem
from evalkit.judging.rater_grades import MissingRatersError, choose_reference, raters_named
from evalkit.metrics import evaluate, parse_metric
from evalkit.plurals import queries_of
from evalkit.records import Qrels
from evalkit.stats import (
    ASSUMED_CORRELATION,
    ASSUMED_DEVIATION,
    FEWEST_OF_PILOT,
    MIN_QUERIES,
    CorrectionPlan,
    pilot_correlation,
    queries_needed,
)
from evalkit.store import JudgmentFile
from evalkit.workflows.judge_audit import judgments_of
from evalkit.workflows.judge_next import known_pair
from evalkit.workflows.judge_plan import JudgePlan, judge_tag, plan_judge
from evalkit.workflows.judging_input import JudgingInput
from evalkit.workflows.pairs_to_judge import JudgeOptions
from evalkit.workflows.pooled_dataset import PooledDataset

ASSUMED_SECONDS = 30.0
"""Seconds for a judgment by a person, where no pace is known."""
ALPHA = 0.05
"""Level of a gate, and of a verdict, before any enlargement of a draw."""


@dataclass(frozen=True, slots=True)
class HumanPlanOptions:
    """What is planned; None where it is to be found out.

    Attributes
    ----------
    margin
        The largest loss that is acceptable (default: that of the configuration).
    power
        Probability that a system without a loss is shown to lose less than the margin.
    correlation
        Correlation of the judge's differences with those of people.
    seconds
        Seconds for a judgment by a person.
    judge
        Tag of the judge (default: the only one).
    baseline, contender
        Tags of the systems; see `compared_pair`.
    """

    margin: float | None = None
    power: float = 0.8
    correlation: float | None = None
    seconds: float | None = None
    judge: str | None = None
    baseline: str | None = None
    contender: str | None = None


@dataclass(frozen=True, slots=True)
class WidthAt:
    """What a number of queries judged by people gives.

    Attributes
    ----------
    human
        The number.
    half_width
        Expected half-width of the 95 % interval of the difference.
    alone
        The same without a judge.
    power
        Probability that a system without a loss passes at the margin.
    documents, hours
        What people rate, and for how long.
    """

    human: int
    half_width: float
    alone: float
    power: float
    documents: int
    hours: float


@dataclass(frozen=True, slots=True)
class HumanPlan:
    """How many queries of a dataset people have to judge.

    Attributes
    ----------
    judge
        Tag of the judge; None without one in the configuration.
    baseline, contender
        The systems whose differences are known; None with one system only, or where the metric has a budget of tokens
        and no run has counted the lengths of documents.
    queries
        All queries with documents to judge, which the judge grades.
    correlation, correlation_lower, correlation_upper
        Correlation of the judge's differences with those of people, with its 95 % interval if it is that of a pilot.
    correlation_from, deviation_from, pace_from
        Where each comes from.
    pilot
        Queries that both people and the judge have judged completely, of the random draw if there is one.
    deviation
        Standard deviation of the differences.
    human
        Queries that people have to judge; None if all of them are too few.
    human_lower, human_upper
        The same for the bounds of the correlation, the better one first.
    human_alone
        The same without a judge.
    human_enlarged
        The same as `human` at the level after one more enlargement; None where all are too few, or without a draw that
        people have judged.
    documents_each
        Mean number of documents that people rate for a query.
    seconds_each
        Seconds for each.
    judge_calls, judge_cost_usd
        What the judge is still sent, and what that costs; None where it is unknown.
    curve
        Widths by numbers of human-judged queries.
    """

    dataset: str
    judge: str | None
    metric: str
    margin: float
    power: float
    baseline: str | None
    contender: str | None
    queries: int
    correlation: float
    correlation_lower: float | None
    correlation_upper: float | None
    correlation_from: str
    pilot: int
    deviation: float
    deviation_from: str
    human: int | None
    human_lower: int | None
    human_upper: int | None
    human_alone: int | None
    human_enlarged: int | None
    documents_each: float
    seconds_each: float
    pace_from: str
    judge_calls: int | None
    judge_cost_usd: float | None
    curve: tuple[WidthAt, ...]


@dataclass(frozen=True, slots=True)
class _Sourced:
    """A number, its bounds, and where it comes from."""

    value: float
    source: str
    lower: float | None = None
    upper: float | None = None


def plan_people(opened: JudgingInput, options: HumanPlanOptions) -> list[HumanPlan]:
    """Return for each dataset how many queries people have to judge; nothing is sent or written.

    Raises
    ------
    UnknownNameError
        If a system or the judge is unknown.
    InputError
        If the configuration has several judges and none is named.
    """
    tag = None
    if options.judge is not None or opened.config.judges:
        tag = judge_tag(opened.config, options.judge)
    sent = [None] * len(opened.datasets) if tag is None else plan_judge(opened, tag, JudgeOptions())
    return [
        _of_dataset(pooled, opened, options, tag, planned)
        for pooled, planned in zip(opened.datasets, sent, strict=True)
    ]


def _of_dataset(
    pooled: PooledDataset,
    opened: JudgingInput,
    options: HumanPlanOptions,
    tag: str | None,
    sent: JudgePlan | None,
) -> HumanPlan:
    metric, margin = opened.config.primary, options.margin or opened.config.compare.margin
    systems = known_pair(pooled, opened.config, options.baseline, options.contender)
    human, judged = _of_raters(pooled, opened, systems, metric, tag)
    is_drawn = pooled.human_sample is not None
    correlation, pilot = _correlation(options, human, judged, is_drawn=is_drawn)
    deviation = _deviation(pooled, systems, metric, human if is_drawn else {})
    queries, each = len(pooled.pool), _documents_each(pooled)
    pace = _pace(pooled, options)
    plan = CorrectionPlan(queries, deviation.value, correlation.value)

    looks = 0 if pooled.draw is None else pooled.draw.sample.enlarged

    def needed(value: float | None, enlargements: int = 0) -> int | None:
        if value is None:
            return None
        one = CorrectionPlan(queries, deviation.value, value)
        return one.human_for_power(margin, level(ALPHA, enlargements), sides=1, power=options.power)

    alone = queries_needed(deviation.value, margin, sides=1, power=options.power)
    return HumanPlan(
        dataset=pooled.name,
        judge=tag,
        metric=metric,
        margin=margin,
        power=options.power,
        baseline=systems[0].name if systems else None,
        contender=systems[1].name if systems else None,
        queries=queries,
        correlation=correlation.value,
        correlation_lower=correlation.lower,
        correlation_upper=correlation.upper,
        correlation_from=correlation.source,
        pilot=pilot,
        deviation=deviation.value,
        deviation_from=deviation.source,
        human=(human_queries := needed(correlation.value)),
        human_lower=needed(correlation.upper),
        human_upper=needed(correlation.lower),
        human_alone=None if alone is None else max(alone, MIN_QUERIES),
        human_enlarged=needed(correlation.value, looks + 1) if pooled.draw and pooled.draw.judged else None,
        documents_each=each,
        seconds_each=pace.value,
        pace_from=pace.source,
        judge_calls=None if sent is None else sent.calls,
        judge_cost_usd=None if sent is None else sent.cost_usd,
        curve=_curve(plan, margin, human_queries, each, pace.value),
    )


def _of_raters(
    pooled: PooledDataset,
    opened: JudgingInput,
    systems: tuple[RankedSystem, RankedSystem] | None,
    metric: str,
    tag: str | None,
) -> tuple[Differences, Differences]:
    """Return the differences under the grades of people, and of the judge, on the queries that each judged completely.

    Of a recorded random draw, only its queries count for people.
    """
    if systems is None:
        return {}, {}
    raters = dataset_raters(pooled.dataset, judgments_of(pooled, opened.config.judges))
    try:
        people = choose_reference(raters, None, pooled.name).qrels
    except MissingRatersError:
        people = Qrels({})
    named = raters_named(raters, tag) if tag is not None else []
    judge = named[0].qrels if named else Qrels({})
    tokens, runs = pooled.dataset.qrels.tokens, (systems[0].run, systems[1].run)
    human, judged = (
        complete_differences(runs, one.with_tokens(tokens), metric, pooled.cutoff) for one in (people, judge)
    )
    drawn = pooled.human_sample
    return ({key: human[key] for key in human if drawn is None or key in set(drawn)}), judged


def _correlation(
    options: HumanPlanOptions, human: Differences, judged: Differences, *, is_drawn: bool
) -> tuple[_Sourced, int]:
    """Return the correlation, and the number of queries of the pilot."""
    common = [query_id for query_id in human if query_id in judged]
    if options.correlation is not None:
        return _Sourced(options.correlation, "--correlation"), len(common)
    found = pilot_correlation(*(np.array([one[query_id] for query_id in common]) for one in (human, judged)))
    if found is None:
        return _Sourced(
            ASSUMED_CORRELATION, "an assumption: the weakest of four judges on TREC DL 2019"
        ), len(common)
    value, lower, upper = found
    how = "" if is_drawn else ", not drawn at random"
    return _Sourced(value, f"a pilot of {len(common)} queries{how}", lower, upper), len(common)


def _deviation(
    pooled: PooledDataset,
    systems: tuple[RankedSystem, RankedSystem] | None,
    metric: str,
    human: Differences,
) -> _Sourced:
    """Return the standard deviation of the differences: under people's grades of a draw, else those that count."""
    if len(human) >= FEWEST_OF_PILOT and (found := _standard_deviation(list(human.values()))):
        return _Sourced(found, f"{queries_of(len(human))} of the human sample that people judged")
    if systems is not None:
        qrels, excluded = pooled.dataset.qrels.without_excluded()
        values = [evaluate(one.run.without(excluded), qrels, [parse_metric(metric)]) for one in systems]
        differences = pair(values[0], values[1], metric).differences.tolist()
        if len(differences) >= FEWEST_OF_PILOT and (found := _standard_deviation(differences)):
            return _Sourced(found, f"the judgments that count now ({len(differences)} queries)")
    return _Sourced(ASSUMED_DEVIATION, "an assumption: the median of 21 pairs of systems on TREC DL 2019")


def _standard_deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1))


def _documents_each(pooled: PooledDataset) -> float:
    return sum(map(len, pooled.pool.values())) / max(len(pooled.pool), 1)


def _pace(pooled: PooledDataset, options: HumanPlanOptions) -> _Sourced:
    if options.seconds is not None:
        return _Sourced(options.seconds, "--seconds-per-judgment")
    people = [one for one in JudgmentFile(pooled.people_file).read() if one.rater.kind == "human"]
    pace = seconds_each(people)
    if pace:
        return _Sourced(pace, "people's own pace")
    return _Sourced(ASSUMED_SECONDS, "an assumption")


def _curve(
    plan: CorrectionPlan, margin: float, human: int | None, each: float, seconds: float
) -> tuple[WidthAt, ...]:
    """Return the widths by numbers of human-judged queries, of which one is the number that is needed."""
    return tuple(
        WidthAt(
            one.human,
            one.half_width,
            one.alone,
            plan.power(one.human, margin, sides=1),
            (documents := math.ceil(one.human * each)),
            documents * seconds / 3600,
        )
        for one in plan.widths(*([] if human is None else [human]))
    )
