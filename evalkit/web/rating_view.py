"""What the page shows: one pair, how far the rater is, and how well raters agree; as JSON values."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from evalkit.judging.judged_pairs import working_gaps_s
from evalkit.text_analysis import Analyzer, matched_parts
from evalkit.web.rating_log import SKIPPED, RatingLog
from evalkit.web.rating_queue import RatingQueue
from evalkit.web.rating_task import RatingTask

_RECENT = 20
"""Judgments from which the pace is computed."""
_PAUSE_S = 300.0
"""A longer time between two judgments is a pause."""

_analyzer = cache(Analyzer)


def task_view(task: RatingTask, log: RatingLog, rater: str) -> dict[str, Any]:
    """Return a pair with its texts; neither ids nor judgments, which could show what others think of it."""
    return {
        "key": task.key,
        "turn": log.turn(task, rater),
        "query": task.query,
        "instruction": task.instruction,
        "document": matched_parts(_analyzer(task.language), task.query, task.document),
    }


def progress_view(
    queue: RatingQueue, log: RatingLog, rater: str, current: RatingTask | None
) -> dict[str, Any]:
    """Return how many pairs are done: of the query, of the human sample, of all."""
    closed = queue.closed_for(rater)
    groups = list(dict.fromkeys(task.group for task in queue.tasks))
    of_query = [task for task in queue.tasks if current is not None and task.group == current.group]
    sample = [task for task in queue.tasks if task.sampled]
    return {
        "query": _done(of_query, closed),
        "sample": _done(sample, closed),
        "all": _done(queue.tasks, closed),
        "query_number": groups.index(current.group) + 1 if current else len(groups),
        "queries": len(groups),
        "own": log.count(rater),
        "skipped": log.count(rater, SKIPPED),
        "postponed": len(queue.postponed_by(rater) - closed),
    }


def _done(tasks: Sequence[RatingTask], closed: set[str]) -> dict[str, int]:
    return {"done": sum(task.key in closed for task in tasks), "total": len(tasks)}


def recent_seconds_each(times: Sequence[str]) -> float | None:
    """Return the median time between the last judgments of a rater, without pauses; None if there are too few.

    Parameters
    ----------
    times
        When the rater judged, as ISO 8601, in order.
    """
    working = working_gaps_s(times[-_RECENT - 1 :], _PAUSE_S)
    return statistics.median(working) if len(working) >= 3 else None


def agreement_view(grades: Mapping[str, Mapping[str, float]], rater: str) -> dict[str, int] | None:
    """Return how often a rater and another one gave the same pair the same grade; None if they share no pair.

    Only pairs that the rater has graded count, so that no grade of another rater can be derived before that.

    Parameters
    ----------
    grades
        Key of a pair -> rater -> grade.
    rater
        Name of the rater.
    """
    differences = [
        abs(grade - by[rater])
        for by in grades.values()
        if rater in by
        for other, grade in by.items()
        if other != rater
    ]
    if not differences:
        return None
    return {
        "pairs": len(differences),
        "equal": sum(one == 0 for one in differences),
        "within_one": sum(one <= 1 for one in differences),
    }
