"""Score thresholds: chosen on half of the queries, checked on the other half."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.results.tuning_document import (
    GoalRow,
    ThresholdChoice,
    ThresholdFigures,
    ThresholdRow,
    TunedDepth,
)
from evalkit.stats import Interval, bounded_interval, clusters_at, mean_interval, mean_or_none
from evalkit.summaries.candidate_runs import (
    MADE_UP,
    candidate_lists,
    first_stage_run,
    relevance,
    scored_documents,
)
from evalkit.summaries.tuning_depths import QueryHalves, cut_to
from evalkit.tuning.depth_bands import DepthBand
from evalkit.tuning.threshold_choice import (
    Curves,
    Promise,
    ScoredLists,
    curves,
    expected_recall,
    fewest_queries,
    guaranteed_recall,
    separation,
    short_number,
    thresholds_of,
)

_GOAL = re.compile(r"(recall|precision)\s*>=\s*(0?\.\d+)")
CUT_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
"""Shares of the candidates below the thresholds of the table."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a threshold.

    Attributes
    ----------
    what
        ``recall``, ``precision`` or ``f1``.
    target
        The minimum value; None for ``f1``, which is maximised.
    confidence
        For ``recall``: probability over tuning sets that the minimum is reached; None if only the expected recall
        must reach it.
    """

    what: str = "recall"
    target: float | None = 0.9
    confidence: float | None = 0.95

    @property
    def promise(self) -> Promise:
        """The kind of guarantee that the threshold has."""
        if self.what != "recall":
            return "none"
        return "expected" if self.confidence is None else "guaranteed"


def read_goal(text: str, confidence: float | None) -> Goal:
    """Return the goal that a text such as ``recall>=0.9``, ``precision>=0.8`` or ``max_f1`` specifies.

    Raises
    ------
    InputError
        If it is none of them.
    """
    if text == "max_f1":
        return Goal("f1", None, None)
    match = _GOAL.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a valid target", "write recall>=0.9, precision>=0.8 or max_f1")
    return Goal(match[1], float(match[2]), confidence if match[1] == "recall" else None)


def find_threshold(
    comparison_set: ComparisonSet, tag: str, plan: Plan, goal: Goal, made_at: TunedDepth | None = None
) -> ThresholdChoice:
    """Choose a threshold on one half of the queries and check it on the other half.

    Only the first candidates take part, up to the depth of `made_at`; all without it. Unanswerable queries take no part
    in the choice; the share of them that keeps a document is reported. Documents without a score of their own take no
    part in anything.
    """
    at = made_at or TunedDepth(comparison_set.deepest or 1, "given")
    shallow = cut_to(comparison_set, tag, at.depth)
    run, left_out = scored_documents(shallow.systems[tag])
    judged = [q for q in comparison_set.qrels.grades if run.docs(q)]
    answerable = [q for q in judged if any(grade > 0 for grade in comparison_set.qrels.of(q).values())]
    lists = _lists(run, comparison_set, answerable)
    halves = QueryHalves.of(comparison_set, plan)
    tuning, held_out = (
        lists.only([row for row, q in enumerate(answerable) if q in half])
        for half in (halves.tuning, halves.held_out)
    )
    choice = _Choice(None, 0, MADE_UP) if left_out is None else _choose(tuning, goal, at.band)
    if choice.threshold is not None and at.band is not None and goal.promise == "guaranteed":
        choice = _lowest_of_band(choice, at.band, comparison_set, tag, goal, halves)
    unanswerable = _lists(run, comparison_set, [q for q in judged if q not in set(answerable)])
    return ThresholdChoice(
        dataset=comparison_set.dataset,
        reranker=tag,
        depth=shallow.depth,
        goal=GoalRow(goal.what, goal.target, goal.confidence, goal.promise),
        queries=len(lists),
        with_relevant_candidate=len(tuning.with_relevant()) + len(held_out.with_relevant()),
        unanswerable=len(unanswerable),
        first_stage_recall=mean_or_none(_first_stage_recall(shallow)),
        separation=separation(_best(lists), _best(unanswerable)),
        threshold=choice.threshold,
        chosen_on=choice.chosen_on,
        why_not=choice.why_not,
        tuned=None if choice.threshold is None else _figures(tuning, choice.threshold),
        held_out=None if choice.threshold is None else _figures(held_out, choice.threshold),
        false_accepts=_false_accepts(unanswerable, choice.threshold),
        rows=() if left_out is None else _rows(shallow, run, (tuning, held_out), halves, plan),
        left_out=left_out,
        clusters=choice.clusters,
        made_at=at,
        candidates=candidate_lists(comparison_set),
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """A threshold with the number of queries, and of clusters, it is chosen on; if it is None, `why_not` says why."""

    threshold: float | None
    chosen_on: int
    why_not: str | None
    clusters: int | None = None


def _lists(run: Run, comparison_set: ComparisonSet, query_ids: list[str]) -> ScoredLists:
    """Return scores and relevance of the ranked lists of some queries."""
    lists = {query_id: (docs, scores) for query_id, docs, scores in run}
    return ScoredLists(
        tuple(lists[query_id][1] for query_id in query_ids),
        tuple(relevance(lists[query_id][0], comparison_set.qrels.of(query_id)) for query_id in query_ids),
        comparison_set.clusters_of(query_ids),
    )


def _choose(tuning: ScoredLists, goal: Goal, band: DepthBand | None) -> _Choice:
    """Return the threshold for a goal on the tuning queries, at the confidence level of a band of depths."""
    if band is not None and goal.confidence is not None:
        goal = replace(goal, confidence=band.confidence(goal.confidence))
    usable = tuning.with_relevant()
    n = len(usable)
    if not n:
        return _Choice(None, 0, "no query has a relevant candidate")
    # Recall and F1 need a relevant candidate; queries without one lower precision, and must count there.
    by_threshold = curves(tuning if goal.what == "precision" else usable, thresholds_of(tuning))
    clusters = None if usable.clusters is None else usable.independent
    place, why = _place(by_threshold, usable.independent, goal)
    if place is None:
        return _Choice(None, n, why, clusters)
    below = by_threshold.thresholds[place - 1] if place else -np.inf
    return _Choice(short_number(float(by_threshold.thresholds[place]), float(below)), n, None, clusters)


def _lowest_of_band(
    choice: _Choice,
    band: DepthBand,
    comparison_set: ComparisonSet,
    tag: str,
    goal: Goal,
    halves: QueryHalves,
) -> _Choice:
    """Return the lowest of the thresholds of all depths of a band; see `band_of`."""
    widest = cut_to(comparison_set, tag, band.highest)
    run, _ = scored_documents(widest.systems[tag])
    query_ids = [q for q in comparison_set.qrels.answerable if q in halves.tuning and run.docs(q)]
    lists, ranks = _lists(run, comparison_set, query_ids), _ranks(first_stage_run(widest), run, query_ids)
    for depth in band.depths:
        found = _choose(lists.where([of_query <= depth for of_query in ranks]), goal, band)
        if found.threshold is None:
            why = f"the guarantee must hold at {depth} candidates, too, as these queries chose the depth"
            return replace(choice, threshold=None, why_not=f"{why}: {found.why_not}")
        if choice.threshold is None or found.threshold < choice.threshold:
            choice = replace(choice, threshold=found.threshold)
    return choice


def _ranks(candidates: Run, run: Run, query_ids: list[str]) -> list[NDArray[np.int64]]:
    """Return the rank in the first stage of each document of the ranked lists of some queries."""
    ranks = []
    for query_id in query_ids:
        rank_of = {doc_id: rank for rank, doc_id in enumerate(candidates.docs(query_id), 1)}
        ranks.append(np.array([rank_of[doc_id] for doc_id in run.docs(query_id)], dtype=np.int64))
    return ranks


def _place(found: Curves, n: int, goal: Goal) -> tuple[int | None, str | None]:
    """Return the index of the chosen threshold, None if no threshold reaches the goal, and the reason for that.

    `n` is the number of independent queries.
    """
    target = goal.target or 0.0
    if goal.what == "f1":
        return int(np.argmax(found.f1.mean(axis=0))), None
    if goal.what == "precision":
        reached = np.flatnonzero(np.nan_to_num(found.precisions, nan=-1.0) >= target)
        best = float(np.nanmax(found.precisions))
        why = (
            f"no threshold reaches a precision of {target:g} on the tuning queries: the maximum is {best:.4f}"
        )
        return (int(reached[0]), None) if len(reached) else (None, why)
    needed = fewest_queries(target, goal.confidence)
    why = (
        f"too few queries with a relevant candidate ({n}) to guarantee a recall of {target:g}: at"
        f" least {needed} are required for tuning (about {2 * needed} in total, with the held-out"
        " half), and more if some relevant documents have low scores"
    )
    if goal.confidence is None:
        return expected_recall(found.losses, n, target), why
    why += "; a lower confidence or an expected recall requires fewer"
    return guaranteed_recall(found.losses, n, target, goal.confidence), why


def _figures(lists: ScoredLists, threshold: float) -> ThresholdFigures:
    """Return recall, precision, F1 and kept documents at a threshold, each with n and interval."""
    at = curves(lists, np.array([-np.inf, threshold]))
    kept = at.kept[:, 1].astype(np.float64)
    has_relevant = np.isfinite(at.recall[:, 1])
    return ThresholdFigures(
        recall=_share(at.recall[:, 1], has_relevant, lists),
        precision=_share(at.precision[:, 1], np.isfinite(at.precision[:, 1]), lists),
        f1=_share(at.f1[:, 1], has_relevant, lists),
        kept=mean_interval(kept, clusters=lists.clusters),
        empty=_share((kept == 0).astype(np.float64), np.ones(len(kept), dtype=np.bool_), lists),
    )


def _share(values: NDArray[np.float64], defined: NDArray[np.bool_], lists: ScoredLists) -> Interval:
    """Return the mean of the defined ``(q,)`` values between 0 and 1, with an interval inside 0 and 1."""
    return bounded_interval(values[defined], clusters=clusters_at(lists.clusters, np.flatnonzero(defined)))


def _best(lists: ScoredLists) -> NDArray[np.float64]:
    """Return ``(q,)`` the highest score of each query."""
    return np.array([scores[0] for scores in lists.scores])


def _false_accepts(unanswerable: ScoredLists, threshold: float | None) -> Interval | None:
    """Return the share of unanswerable queries that keep a document; None without threshold or such queries."""
    if threshold is None or not len(unanswerable):
        return None
    return bounded_interval(
        (_best(unanswerable) >= threshold).astype(np.float64), clusters=unanswerable.clusters
    )


def _first_stage_recall(comparison_set: ComparisonSet) -> NDArray[np.float64]:
    """Return ``(q,)`` share of each query's relevant documents among the candidates: no threshold can keep more."""
    recall = parse_metrics([f"R@{comparison_set.depth or 1}"])
    return evaluate(first_stage_run(comparison_set), comparison_set.qrels, recall).values[:, 0]


def _rows(
    comparison_set: ComparisonSet,
    run: Run,
    lists: tuple[ScoredLists, ScoredLists],
    halves: QueryHalves,
    plan: Plan,
) -> tuple[ThresholdRow, ...]:
    """Return thresholds at quantiles of the tuning scores, with their figures on the held-out queries.

    `lists` are those of the tuning and of the held-out queries.
    """
    tuning, held_out = lists
    query_ids = [q for q in comparison_set.qrels.answerable if q in halves.held_out and run.docs(q)]
    if not tuning.scores or not query_ids:
        return ()
    shown = np.unique(np.quantile(np.concatenate(tuning.scores), CUT_SHARES, method="higher"))
    qrels = comparison_set.qrels.restricted_to(query_ids)
    metrics = parse_metrics([plan.primary])
    rows = []
    for threshold in shown.tolist():
        figures = _figures(held_out, threshold)
        kept = run.where(run.scores >= threshold)
        rows.append(
            ThresholdRow(
                threshold=threshold,
                recall=figures.recall.estimate,
                precision=figures.precision.estimate,
                f1=figures.f1.estimate,
                kept=figures.kept.estimate or 0.0,
                empty=figures.empty.estimate or 0.0,
                metric=plan.primary,
                quality=mean_or_none(evaluate(kept, qrels, metrics).of(plan.primary)),
                figures=figures,
            )
        )
    return tuple(rows)
