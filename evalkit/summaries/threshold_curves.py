"""Score thresholds: chosen on half of the queries, checked on the other half."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.looks import confidence_at
from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.candidate_ranks import ranks_in
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
    relevant_rows,
    scored_documents,
)
from evalkit.summaries.tuning_depths import QueryHalves, cut_to
from evalkit.summaries.tuning_labels import candidate_labels, people_labels
from evalkit.tuning.depth_bands import DepthBand
from evalkit.tuning.depth_check import CONFIDENCE
from evalkit.tuning.recall_losses import RankedScores, RecallLosses
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
_NO_RELEVANT = "no query has a relevant candidate"
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

    def after(self, enlarged: int) -> Goal:
        """Return the goal for a draw that was enlarged after people had judged: each time halves the error."""
        return (
            self
            if self.confidence is None
            else replace(self, confidence=confidence_at(self.confidence, enlarged))
        )


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
    part in anything. Where a judge's grades count there is no threshold, unless people judged every candidate of a
    random draw of queries: then it rests on these alone; see `people_labels`. Each enlargement of the draw halves the
    error of the guarantee and of the intervals; without a guarantee see `candidate_labels`.
    """
    at = made_at or TunedDepth(comparison_set.deepest or 1, "given")
    find_labels = people_labels if goal.promise == "guaranteed" else candidate_labels
    labels = find_labels(comparison_set, max(at.depth, at.band.highest if at.band else 0))
    goal, level = goal.after(labels.enlarged), confidence_at(CONFIDENCE, labels.enlarged)
    comparison_set = labels.comparison_set
    shallow = cut_to(comparison_set, tag, at.depth)
    run, left_out = scored_documents(shallow.systems[tag])
    qrels, candidates = comparison_set.qrels, _Candidates.of(run, comparison_set)
    lists, answerable = candidates.lists(qrels.answerable)
    halves = QueryHalves.of(comparison_set, plan)
    tuning, held_out = (
        lists.only(np.flatnonzero([q in half for q in answerable]))
        for half in (halves.tuning, halves.held_out)
    )
    choice = _Choice(None, 0, MADE_UP) if left_out is None else _choose(tuning, goal, at.band)
    if choice.threshold is not None and at.band is not None and goal.promise == "guaranteed":
        choice = _lowest_of_band(choice, at.band, comparison_set, tag, goal, halves)
    if choice.threshold is not None and labels.why_not is not None:
        suggested = f"all grades together suggest a score of at least {choice.threshold!r}"
        choice = _Choice(None, 0, f"{labels.why_not}; {suggested}")
    unanswerable, _ = candidates.lists(qrels.unanswerable)
    return ThresholdChoice(
        dataset=comparison_set.dataset,
        reranker=tag,
        depth=shallow.depth,
        goal=GoalRow(goal.what, goal.target, goal.confidence, goal.promise),
        queries=len(lists),
        with_relevant_candidate=len(tuning.with_relevant()) + len(held_out.with_relevant()),
        unanswerable=len(unanswerable),
        first_stage_recall=mean_or_none(_first_stage_recall(shallow)),
        separation=separation(lists.best, unanswerable.best),
        threshold=choice.threshold,
        chosen_on=choice.chosen_on,
        why_not=choice.why_not,
        tuned=None if choice.threshold is None else _figures(tuning, choice.threshold, level),
        held_out=None if choice.threshold is None else _figures(held_out, choice.threshold, level),
        false_accepts=_false_accepts(unanswerable, choice.threshold, level),
        rows=() if left_out is None else _rows(shallow, run, (tuning, held_out), halves, plan.primary, level),
        left_out=left_out,
        clusters=choice.clusters,
        made_at=at,
        candidates=candidate_lists(comparison_set),
        rests_on=labels.rests_on,
        enlarged=labels.enlarged or None,
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """A threshold with the number of queries, and of clusters, it is chosen on; if it is None, `why_not` says why."""

    threshold: float | None
    chosen_on: int
    why_not: str | None
    clusters: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """The scored candidates of all queries, with their relevance and, where these are needed, their ranks."""

    lists_of_run: ScoredLists
    run: Run
    comparison_set: ComparisonSet

    @classmethod
    def of(
        cls, run: Run, comparison_set: ComparisonSet, ranks: NDArray[np.int64] | None = None
    ) -> _Candidates:
        relevant = relevant_rows(run, comparison_set.qrels)
        return cls(ScoredLists(run.scores, relevant, run.offsets, ranks=ranks), run, comparison_set)

    def lists(self, query_ids: Iterable[str]) -> tuple[ScoredLists, list[str]]:
        """Return scores and relevance of those of the queries that have a ranked list, and the queries."""
        asked = list(query_ids)
        starts, stops = self.run.spans(asked)
        ranked = np.flatnonzero(stops > starts)
        rows = np.searchsorted(self.run.offsets, starts[ranked], side="right") - 1
        found = [asked[row] for row in ranked.tolist()]
        return replace(self.lists_of_run.only(rows), clusters=self.comparison_set.clusters_of(found)), found


def _choose(tuning: ScoredLists, goal: Goal, band: DepthBand | None) -> _Choice:
    """Return the threshold for a goal on the tuning queries, at the confidence level of a band of depths."""
    if goal.what == "recall":
        return _choose_by_recall(RankedScores.of(tuning).losses(), goal, band)
    usable = tuning.with_relevant()
    if not len(usable):
        return _Choice(None, 0, _NO_RELEVANT)
    # F1 needs a relevant candidate; queries without one lower precision, and must count there.
    by_threshold = curves(tuning if goal.what == "precision" else usable, thresholds_of(tuning))
    place, why = _place(by_threshold, goal)
    independent = None if usable.clusters is None else usable.independent
    return _chosen(place, why, by_threshold.thresholds, len(usable), independent)


def _choose_by_recall(found: RecallLosses, goal: Goal, band: DepthBand | None) -> _Choice:
    """Return the threshold for a recall, at the confidence level of a band of depths."""
    if not found.queries:
        return _Choice(None, 0, _NO_RELEVANT)
    if band is not None and goal.confidence is not None:
        goal = replace(goal, confidence=band.confidence(goal.confidence))
    place, why = _place_of_recall(found, goal)
    independent = found.independent if found.clustered else None
    return _chosen(place, why, found.thresholds, found.queries, independent)


def _chosen(
    place: int | None, why: str | None, thresholds: NDArray[np.float64], queries: int, independent: int | None
) -> _Choice:
    """Return the choice of one of the thresholds, as a short number."""
    if place is None:
        return _Choice(None, queries, why, independent)
    below = thresholds[place - 1] if place else -np.inf
    return _Choice(short_number(float(thresholds[place]), float(below)), queries, None, independent)


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
    candidates = _Candidates.of(run, comparison_set, ranks_in(first_stage_run(widest), run))
    asked = (q for q in comparison_set.qrels.answerable if q in halves.tuning)
    ranked = RankedScores.of(candidates.lists(asked)[0])
    for depth in band.depths:
        found = _choose_by_recall(ranked.losses(depth), goal, band)
        if found.threshold is None:
            why = f"the guarantee must hold at {depth} candidates, too, as these queries chose the depth"
            return replace(choice, threshold=None, why_not=f"{why}: {found.why_not}")
        if choice.threshold is None or found.threshold < choice.threshold:
            choice = replace(choice, threshold=found.threshold)
    return choice


def _place(found: Curves, goal: Goal) -> tuple[int | None, str | None]:
    """Return the index of the threshold for a precision or the best F1; None with the reason if there is none."""
    if goal.what == "f1":
        return int(np.argmax(found.f1.mean(axis=0))), None
    target = goal.target or 0.0
    reached = np.flatnonzero(np.nan_to_num(found.precisions, nan=-1.0) >= target)
    best = float(np.nanmax(found.precisions))
    why = f"no threshold reaches a precision of {target:g} on the tuning queries: the maximum is {best:.4f}"
    return (int(reached[0]), None) if len(reached) else (None, why)


def _place_of_recall(found: RecallLosses, goal: Goal) -> tuple[int | None, str]:
    """Return the index of the threshold for a recall, None if there is none, and the reason for that."""
    target, n = goal.target or 0.0, found.independent
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


def _figures(lists: ScoredLists, threshold: float, level: float) -> ThresholdFigures:
    """Return recall, precision, F1 and kept documents at a threshold, each with n and interval at a level."""
    at = curves(lists, np.array([-np.inf, threshold]))
    kept = at.kept[:, 1].astype(np.float64)
    has_relevant = np.isfinite(at.recall[:, 1])

    def share(values: NDArray[np.float64], defined: NDArray[np.bool_]) -> Interval:
        clusters = clusters_at(lists.clusters, np.flatnonzero(defined))
        return bounded_interval(values[defined], level, clusters)

    return ThresholdFigures(
        recall=share(at.recall[:, 1], has_relevant),
        precision=share(at.precision[:, 1], np.isfinite(at.precision[:, 1])),
        f1=share(at.f1[:, 1], has_relevant),
        kept=mean_interval(kept, level, lists.clusters),
        empty=share((kept == 0).astype(np.float64), np.ones(len(kept), dtype=np.bool_)),
    )


def _false_accepts(unanswerable: ScoredLists, threshold: float | None, level: float) -> Interval | None:
    """Return the share of unanswerable queries that keep a document; None without threshold or such queries."""
    if threshold is None or not len(unanswerable):
        return None
    accepted = (unanswerable.best >= threshold).astype(np.float64)
    return bounded_interval(accepted, level, unanswerable.clusters)


def _first_stage_recall(comparison_set: ComparisonSet) -> NDArray[np.float64]:
    """Return ``(q,)`` share of each query's relevant documents among the candidates: no threshold can keep more."""
    recall = parse_metrics([f"R@{comparison_set.depth or 1}"])
    return evaluate(first_stage_run(comparison_set), comparison_set.qrels, recall).values[:, 0]


def _rows(
    comparison_set: ComparisonSet,
    run: Run,
    lists: tuple[ScoredLists, ScoredLists],
    halves: QueryHalves,
    metric: str,
    level: float,
) -> tuple[ThresholdRow, ...]:
    """Return thresholds at quantiles of the tuning scores, with their figures on the held-out queries.

    `lists` are those of the tuning and of the held-out queries.
    """
    tuning, held_out = lists
    shown_queries = halves.held_out.intersection(run.query_ids)
    query_ids = [q for q in comparison_set.qrels.answerable if q in shown_queries]
    if not len(tuning) or not query_ids:
        return ()
    shown = np.unique(np.quantile(tuning.scores, CUT_SHARES, method="higher"))
    qrels, shown_run = comparison_set.qrels.restricted_to(query_ids), run.restricted_to(query_ids)
    metrics = parse_metrics([metric])
    rows = []
    for threshold in shown.tolist():
        figures = _figures(held_out, threshold, level)
        kept = shown_run.where(shown_run.scores >= threshold)
        rows.append(
            ThresholdRow(
                threshold=threshold,
                recall=figures.recall.estimate,
                precision=figures.precision.estimate,
                f1=figures.f1.estimate,
                kept=figures.kept.estimate or 0.0,
                empty=figures.empty.estimate or 0.0,
                metric=metric,
                quality=mean_or_none(evaluate(kept, qrels, metrics).of(metric)),
                figures=figures,
            )
        )
    return tuple(rows)
