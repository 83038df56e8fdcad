"""Depths and thresholds of a result folder, from its stored scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.errors import InputError, UnknownNameError
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.comparisons import plan_of
from evalkit.summaries.depth_sweep import DepthQuestion, sweep
from evalkit.summaries.opened_results import Result, open_result
from evalkit.summaries.searches import search
from evalkit.summaries.threshold_curves import Goal, find_threshold, read_goal


def tune_depth(
    result: str | Path, reranker: str | None = None, question: DepthQuestion | None = None
) -> list[dict[str, Any]]:
    """Sweep every depth of a result, from its stored scores.

    Parameters
    ----------
    result
        A complete result folder.
    reranker
        Only this one.
    question
        Metric, margin, limits.

    Returns
    -------
    For each dataset and reranker: ``rows`` with one entry for every depth, and the ``choice``.

    Raises
    ------
    InputError
        If there is no such reranker, or it looks at the whole list: its depths are passes of their own.
    """
    opened = open_result(Path(result))
    chosen = _pointwise(opened, reranker)
    plan, summary = plan_of(opened.config, opened.manifest["first_stage"]), opened.folder.read_summary()
    asked = question or DepthQuestion()
    return [
        sweep(comparison_set, tag, plan, summary, asked)
        for comparison_set in opened.comparison_sets
        for tag in chosen
    ]


def _chosen(opened: Result, reranker: str | None) -> list[str]:
    """Return the one that is asked for, or all."""
    if reranker is not None and reranker not in opened.rerankers:
        raise UnknownNameError("reranker", reranker, opened.rerankers)
    return [reranker] if reranker else list(opened.rerankers)


def _pointwise(opened: Result, reranker: str | None) -> list[str]:
    """Return the rerankers whose scores at one depth hold at another: those asked for, at least one."""
    wanted = _chosen(opened, reranker)
    tags = [tag for tag in wanted if opened.manifest["rerankers"][tag]["pointwise"]]
    if not tags:
        raise InputError(
            f"{', '.join(wanted)} of {opened.folder.path}: a reranker that looks at the whole list has scores that say"
            " nothing of another depth",
            "give several depths in the configuration; each is a pass of its own, and a row of the report",
        )
    return tags


def tune_threshold(
    result: str | Path, reranker: str | None = None, goal: Goal | str | None = None
) -> list[dict[str, Any]]:
    """Choose a threshold for the scores of a result.

    Parameters
    ----------
    result
        A complete result folder.
    reranker
        Only this one.
    goal
        What the threshold is for, e.g. ``"recall>=0.9"``, guaranteed with 95 % confidence; that is what None means.

    Returns
    -------
    For each dataset and reranker: the threshold, what it does on the queries it was chosen on and on the
    others, and some other thresholds beside it.

    Raises
    ------
    InputError
        If there is no such reranker.
    """
    opened = open_result(Path(result))
    chosen = _chosen(opened, reranker)
    plan = plan_of(opened.config, opened.manifest["first_stage"])
    asked = read_goal(goal, Goal().confidence) if isinstance(goal, str) else goal or Goal()
    return [
        find_threshold(comparison_set, tag, plan, asked)
        for comparison_set in opened.comparison_sets
        for tag in chosen
    ]


def tune_calibration(result: str | Path, reranker: str | None = None) -> list[dict[str, Any]]:
    """Fit what turns scores into probabilities; see `evalkit.summaries.calibrations.calibrate`.

    Raises
    ------
    InputError
        If there is no such reranker.
    """
    opened = open_result(Path(result))
    chosen = _chosen(opened, reranker)
    plan = plan_of(opened.config, opened.manifest["first_stage"])
    kinds = {tag: about["score_kind"] for tag, about in opened.manifest["rerankers"].items()}
    return [
        calibrate(comparison_set, tag, kinds[tag], plan)
        for comparison_set in opened.comparison_sets
        for tag in chosen
    ]


def tune_search(result: str | Path, reranker: str | None = None) -> list[dict[str, Any]]:
    """Search depth, fusion and threshold; see `evalkit.summaries.searches.search`.

    Raises
    ------
    InputError
        If there is no such reranker, or it looks at the whole list.
    """
    opened = open_result(Path(result))
    chosen = _pointwise(opened, reranker)
    plan, summary = plan_of(opened.config, opened.manifest["first_stage"]), opened.folder.read_summary()
    return [
        search(comparison_set, tag, plan, summary)
        for comparison_set in opened.comparison_sets
        for tag in chosen
    ]
