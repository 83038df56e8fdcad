"""Depths and thresholds of a result folder, from its stored scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.deciding.sources import open_result
from evalkit.errors import InputError, UnknownNameError
from evalkit.report.calibrations import calibrate
from evalkit.report.comparisons import plan_of
from evalkit.report.depths import DepthQuestion, sweep
from evalkit.report.thresholds import Goal, find_threshold


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
    tags = [tag for tag, about in opened.manifest["rerankers"].items() if about["pointwise"]]
    if reranker is not None and reranker not in opened.rerankers:
        raise UnknownNameError("reranker", reranker, opened.rerankers)
    if reranker is not None and reranker not in tags:
        raise InputError(
            f"{reranker!r} looks at the whole list: its scores at one depth say nothing of another",
            "give several depths in the configuration; each is a pass of its own, and a row of the report",
        )
    if not tags:
        raise InputError(
            f"every reranker of {opened.folder.path} looks at the whole list: no depth says anything of another",
            "give several depths in the configuration; each is a pass of its own, and a row of the report",
        )
    asked = question or DepthQuestion()
    plan, summary = plan_of(opened.config, opened.manifest["first_stage"]), opened.folder.read_summary()
    chosen = [tag for tag in tags if reranker in {None, tag}]
    return [sweep(on, tag, plan, summary, asked) for on in opened.fields for tag in chosen]


def tune_threshold(
    result: str | Path, reranker: str | None = None, goal: Goal | None = None
) -> list[dict[str, Any]]:
    """Choose a threshold for the scores of a result.

    Parameters
    ----------
    result
        A complete result folder.
    reranker
        Only this one.
    goal
        What the threshold is for; recall >= 0.9, guaranteed with 95 % confidence, where None.

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
    if reranker is not None and reranker not in opened.rerankers:
        raise UnknownNameError("reranker", reranker, opened.rerankers)
    plan = plan_of(opened.config, opened.manifest["first_stage"])
    chosen = [tag for tag in opened.rerankers if reranker in {None, tag}]
    return [find_threshold(on, tag, plan, goal or Goal()) for on in opened.fields for tag in chosen]


def tune_calibration(result: str | Path, reranker: str | None = None) -> list[dict[str, Any]]:
    """Fit what turns scores into probabilities; see `evalkit.report.calibrations.calibrate`.

    Raises
    ------
    InputError
        If there is no such reranker.
    """
    opened = open_result(Path(result))
    if reranker is not None and reranker not in opened.rerankers:
        raise UnknownNameError("reranker", reranker, opened.rerankers)
    plan = plan_of(opened.config, opened.manifest["first_stage"])
    kinds = {tag: about["score_kind"] for tag, about in opened.manifest["rerankers"].items()}
    chosen = [tag for tag in opened.rerankers if reranker in {None, tag}]
    return [calibrate(on, tag, kinds[tag], plan) for on in opened.fields for tag in chosen]
