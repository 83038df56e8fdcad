"""A threshold chosen on some queries of a result and checked on the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.summaries.figures import mean_or_none, mean_row
from evalkit.tuning import Split, split_queries
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
"""Shares of the candidates that the thresholds of the table cut off."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a threshold is for.

    Attributes
    ----------
    what
        ``recall``, ``precision`` or ``f1``.
    target
        The least value of it; None for ``f1``, which is to be as high as can be.
    confidence
        For ``recall``: chance over tuning sets with which the promise is kept; None for a promise that holds
        in expectation alone.
    """

    what: str = "recall"
    target: float | None = 0.9
    confidence: float | None = 0.95

    @property
    def promise(self) -> Promise:
        """What kind of promise the threshold carries."""
        if self.what != "recall":
            return "none"
        return "expected" if self.confidence is None else "guaranteed"


def read_goal(text: str, confidence: float | None) -> Goal:
    """Read ``recall>=0.9``, ``precision>=0.8`` or ``max_f1``.

    Raises
    ------
    InputError
        If it is none of them.
    """
    if text == "max_f1":
        return Goal("f1", None, None)
    match = _GOAL.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is no goal", "write recall>=0.9, precision>=0.8 or max_f1")
    return Goal(match[1], float(match[2]), confidence if match[1] == "recall" else None)


def find_threshold(comparison_set: ComparisonSet, tag: str, plan: Plan, goal: Goal) -> dict[str, Any]:
    """Choose a threshold on one half of the queries, check it on the other.

    Queries that nothing answers take no part in the choice; how many of them would get an answer is counted.
    """
    entry = comparison_set.systems[tag]
    judged = [q for q in comparison_set.qrels.grades if entry.run.docs(q)]
    answerable = [q for q in judged if any(grade > 0 for grade in comparison_set.qrels.of(q).values())]
    lists = _lists(entry.run, comparison_set, answerable)
    split = split_queries(len(lists), plan.seed)
    tuning, held_out = lists.only(split.tuning), lists.only(split.held_out)
    choice = _choose(tuning, goal)
    unanswerable = _lists(entry.run, comparison_set, [q for q in judged if q not in set(answerable)])
    return {
        "dataset": comparison_set.dataset,
        "reranker": tag,
        "depth": comparison_set.depth,
        "goal": {
            "what": goal.what,
            "target": goal.target,
            "confidence": goal.confidence,
            "promise": goal.promise,
        },
        "queries": len(lists),
        "with_relevant_candidate": len(tuning.with_relevant()) + len(held_out.with_relevant()),
        "unanswerable": len(unanswerable),
        "first_stage_recall": mean_or_none(_first_stage_recall(comparison_set)),
        "separation": separation(_best(lists), _best(unanswerable)),
        **choice,
        "tuned": _figures(tuning, choice["threshold"]),
        "held_out": _figures(held_out, choice["threshold"]),
        "false_accepts": _false_accepts(unanswerable, choice["threshold"]),
        "rows": _rows(comparison_set, tag, lists, [answerable[i] for i in split.held_out], split, plan),
    }


def _lists(run: Run, comparison_set: ComparisonSet, query_ids: list[str]) -> ScoredLists:
    held = {query_id: (docs, scores) for query_id, docs, scores in run}
    scores, relevant = [], []
    for query_id in query_ids:
        docs, own = held[query_id]
        grades = comparison_set.qrels.of(query_id)
        scores.append(own)
        relevant.append(np.array([grades.get(doc_id, 0) > 0 for doc_id in docs], dtype=np.bool_))
    return ScoredLists(tuple(scores), tuple(relevant))


def _choose(tuning: ScoredLists, goal: Goal) -> dict[str, Any]:
    """Return the threshold, or why there is none."""
    usable = tuning.with_relevant()
    n = len(usable)
    if not n:
        return {"threshold": None, "chosen_on": 0, "why_not": "no query has a relevant candidate"}
    # Recall and F1 need a relevant candidate; precision suffers from queries without one, and must.
    found = curves(tuning if goal.what == "precision" else usable, thresholds_of(tuning))
    place, why = _place(found, n, goal)
    if place is None:
        return {"threshold": None, "chosen_on": n, "why_not": why}
    below = found.thresholds[place - 1] if place else -np.inf
    chosen = short_number(float(found.thresholds[place]), float(below))
    return {"threshold": chosen, "chosen_on": n, "why_not": None}


def _place(found: Curves, n: int, goal: Goal) -> tuple[int | None, str | None]:
    target = goal.target or 0.0
    if goal.what == "f1":
        return int(np.argmax(found.f1.mean(axis=0))), None
    if goal.what == "precision":
        reached = np.flatnonzero(np.nan_to_num(found.precisions, nan=-1.0) >= target)
        best = float(np.nanmax(found.precisions))
        why = f"no threshold reaches a precision of {target:g} on the tuning queries: {best:.4f} is the most"
        return (int(reached[0]), None) if len(reached) else (None, why)
    needed = fewest_queries(target, goal.confidence)
    why = (
        f"{n} queries with a relevant candidate cannot promise a recall of {target:g}: that takes {needed} at least"
        f" (about {2 * needed} in all, as one half chooses and the other checks), and more where some relevant ones"
        " score low"
    )
    if goal.confidence is None:
        return expected_recall(found.losses, n, target), why
    why += "; a lower confidence, or a recall that is only expected, takes fewer"
    return guaranteed_recall(found.losses, n, target, goal.confidence), why


def _figures(lists: ScoredLists, threshold: float | None) -> dict[str, Any] | None:
    """Return what a threshold does to some queries, each figure with n and interval."""
    if threshold is None:
        return None
    found = curves(lists, np.array([-np.inf, threshold]))
    kept = found.kept[:, 1].astype(np.float64)
    has_relevant = np.isfinite(found.recall[:, 1])
    return {
        "recall": mean_row(found.recall[has_relevant, 1]),
        "precision": mean_row(found.precision[np.isfinite(found.precision[:, 1]), 1]),
        "f1": mean_row(found.f1[has_relevant, 1]),
        "kept": mean_row(kept),
        "empty": mean_row((kept == 0).astype(np.float64)),
    }


def _best(lists: ScoredLists) -> NDArray[np.float64]:
    return np.array([scores[0] for scores in lists.scores])


def _false_accepts(unanswerable: ScoredLists, threshold: float | None) -> dict[str, Any] | None:
    """Return the share of unanswerable queries of which something is kept."""
    if threshold is None or not len(unanswerable):
        return None
    return mean_row((_best(unanswerable) >= threshold).astype(np.float64))


def _first_stage_recall(comparison_set: ComparisonSet) -> NDArray[np.float64]:
    """Return the share of all relevant documents that are candidates: no threshold can keep more."""
    first = comparison_set.first_stage or Run.from_rows("", [], [], [])
    return evaluate(first, comparison_set.qrels, parse_metrics([f"R@{comparison_set.depth or 1}"])).values[
        :, 0
    ]


def _rows(
    comparison_set: ComparisonSet,
    tag: str,
    lists: ScoredLists,
    query_ids: list[str],
    split: Split,
    plan: Plan,
) -> list[dict[str, Any]]:
    """Return some thresholds with what each does to the held-out queries."""
    held_out = lists.only(split.held_out)
    tuning = lists.only(split.tuning).scores
    if not tuning or not query_ids:
        return []
    shown = np.unique(np.quantile(np.concatenate(tuning), CUT_SHARES, method="higher"))
    qrels = comparison_set.qrels.restricted_to(query_ids)
    rows = []
    for threshold in shown.tolist():
        figures = _figures(held_out, threshold) or {}
        run = comparison_set.systems[tag].run
        left = run.where(run.scores >= threshold)
        quality = evaluate(left, qrels, parse_metrics([plan.primary])).of(plan.primary)
        told = {name: interval["mean"] for name, interval in figures.items()}
        rows.append(
            {"threshold": threshold, **told, "metric": plan.primary, "quality": mean_or_none(quality)}
        )
    return rows
