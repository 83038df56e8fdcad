"""``evalkit tune``: depth sweeps, thresholds, calibrations and searches of a result, from its stored scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.errors import InputError, UnknownNameError, tell
from evalkit.metrics import find_spelling, proper_name
from evalkit.results.json_shapes import to_plain
from evalkit.results.manifest import CascadeFacts
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import CalibrationResult, DepthSweep, SearchResult, ThresholdChoice
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.cascade_searches import search_margins
from evalkit.summaries.comparisons import plan_of
from evalkit.summaries.depth_costs import billing_rows
from evalkit.summaries.depth_sweep import DepthQuestion, sweep
from evalkit.summaries.opened_results import OpenedResult, open_result
from evalkit.summaries.searches import search
from evalkit.summaries.threshold_curves import Goal, find_threshold, read_goal


def tune_depth(
    result: str | Path, reranker: str | None = None, question: DepthQuestion | None = None
) -> list[dict[str, Any]]:
    """Sweep every depth of a result, from its stored scores.

    Parameters
    ----------
    result
        A complete result: its folder, a folder with results (the newest complete one is taken), or ``latest``.
    reranker
        Only this one.
    question
        Metric, margin and limits.

    Returns
    -------
    For each dataset and reranker: ``rows`` with one entry for every depth, and the ``choice``.

    Raises
    ------
    InputError
        If there is no such reranker, or its scores depend on the other documents and so on the depth.
    """
    return [to_plain(one) for one in sweep_result(result, reranker, question)]


def tune_threshold(
    result: str | Path, reranker: str | None = None, goal: Goal | str | None = None
) -> list[dict[str, Any]]:
    """Choose a threshold for the scores of a result.

    Parameters
    ----------
    result
        A complete result: its folder, a folder with results (the newest complete one is taken), or ``latest``.
    reranker
        Only this one.
    goal
        A goal such as ``"recall>=0.9"``, which is the default, with 95 % confidence.

    Returns
    -------
    For each dataset and reranker: the threshold, its figures on the queries of the choice and on the held-out
    ones, and the figures of other thresholds.

    Raises
    ------
    InputError
        If there is no such reranker.
    """
    return [to_plain(one) for one in choose_thresholds(result, reranker, goal)]


def tune_calibration(result: str | Path, reranker: str | None = None) -> list[dict[str, Any]]:
    """Fit functions that turn the scores of a result into probabilities of relevance.

    Parameters
    ----------
    result
        A complete result: its folder, a folder with results (the newest complete one is taken), or ``latest``.
    reranker
        Only this one.

    Returns
    -------
    For each dataset and reranker: the functions, with their errors on held-out queries.

    Raises
    ------
    InputError
        If there is no such reranker.
    """
    return [to_plain(one) for one in calibrate_result(result, reranker)]


def sweep_result(
    result: str | Path, reranker: str | None = None, question: DepthQuestion | None = None
) -> list[DepthSweep]:
    """Return the sweep of each dataset and reranker; see `tune_depth`."""
    opened = open_result(result)
    tags = _pointwise(opened, reranker)
    plan, summary = plan_of(opened.config, opened.manifest.first_stage), _summary(opened)
    asked = question or DepthQuestion()
    if asked.metric is not None:
        asked = replace(
            asked, metric=find_spelling(asked.metric, opened.config.metrics) or proper_name(asked.metric)
        )
    return [sweep(systems, tag, plan, summary, asked) for systems in opened.comparison_sets for tag in tags]


def choose_thresholds(
    result: str | Path, reranker: str | None = None, goal: Goal | str | None = None
) -> list[ThresholdChoice]:
    """Return the threshold of each dataset and reranker; see `tune_threshold`."""
    opened = open_result(result)
    tags = _with_scores(opened, reranker)
    plan = plan_of(opened.config, opened.manifest.first_stage)
    asked = read_goal(goal, Goal().confidence) if isinstance(goal, str) else goal or Goal()
    return [find_threshold(systems, tag, plan, asked) for systems in opened.comparison_sets for tag in tags]


def calibrate_result(result: str | Path, reranker: str | None = None) -> list[CalibrationResult]:
    """Return functions from scores to probabilities for each dataset and reranker.

    Raises
    ------
    InputError
        If there is no such reranker.
    """
    opened = open_result(result)
    tags = _with_scores(opened, reranker)
    plan = plan_of(opened.config, opened.manifest.first_stage)
    kinds = {tag: facts.score_kind for tag, facts in opened.manifest.rerankers.items()}
    return [calibrate(systems, tag, kinds[tag], plan) for systems in opened.comparison_sets for tag in tags]


def search_result(result: str | Path, reranker: str | None = None) -> list[SearchResult]:
    """Search depth, fusion and threshold of each dataset and reranker; for cascades, the margin of ``skip``.

    Raises
    ------
    InputError
        If there is no such reranker, or its scores depend on the other documents.
    """
    opened = open_result(result)
    cascades = _with_margins(opened, reranker)
    tags = _pointwise(opened, reranker, others=bool(cascades))
    plan, summary = plan_of(opened.config, opened.manifest.first_stage), _summary(opened)
    return [
        *(search(systems, tag, plan, summary) for systems in opened.comparison_sets for tag in tags),
        *(
            search_margins(systems, tag, cascade, plan, summary)
            for systems in opened.comparison_sets
            for tag, cascade in cascades.items()
        ),
    ]


def _with_margins(opened: OpenedResult, reranker: str | None) -> dict[str, CascadeFacts]:
    """Return the chosen cascades whose first stage is pointwise: only its scores have a margin."""
    facts = opened.manifest.rerankers
    cascades = {tag: facts[tag].cascade for tag in _chosen(opened, reranker)}
    return {tag: one for tag, one in cascades.items() if one and facts[one.stages[0].reranker].pointwise}


def _summary(opened: OpenedResult) -> Summary:
    """Return the summary of a result, with the billing that earlier versions did not write."""
    calls = opened.folder.read_calls()
    return replace(opened.folder.read_summary(), billing=billing_rows(opened.manifest, calls))


def _chosen(opened: OpenedResult, reranker: str | None) -> list[str]:
    """Return the named reranker, or all without a name; runs are left out, with a note.

    Raises
    ------
    InputError
        If there is no such reranker, or none at all.
    """
    runs = opened.manifest.run_tags
    if reranker in runs or not opened.rerankers:
        raise InputError(
            f"{reranker or ', '.join(runs)} of {opened.folder.path}: a run cannot be tuned, as it has no depth and its"
            " scores come from another engine",
            f"name one of the rerankers: {', '.join(opened.rerankers)}"
            if opened.rerankers
            else "add a reranker to the configuration",
        )
    if reranker is None and runs:
        tell(f"runs are not tuned, as they have no depth and are not called: {', '.join(runs)}")
    if reranker is not None and reranker not in opened.rerankers:
        raise UnknownNameError("reranker", reranker, opened.rerankers)
    return [reranker] if reranker else list(opened.rerankers)


def _with_scores(opened: OpenedResult, reranker: str | None) -> list[str]:
    """Return the chosen rerankers without those whose scores are ranks.

    Raises
    ------
    InputError
        If there is none.
    """
    wanted = _chosen(opened, reranker)
    tags = [tag for tag in wanted if opened.manifest.rerankers[tag].has_scores]
    if not tags:
        raise InputError(
            f"{', '.join(wanted)} of {opened.folder.path}: the scores of a cascade are ranks (1, 1/2, 1/3, ...), which"
            " have no threshold and no calibration",
            "name one of its stages with --reranker; the last stage's scores order the top of the list",
        )
    return tags


def _pointwise(opened: OpenedResult, reranker: str | None, *, others: bool = False) -> list[str]:
    """Return the chosen rerankers whose scores do not depend on the depth.

    Raises
    ------
    InputError
        If there is none, unless there are `others` to tune.
    """
    wanted = _chosen(opened, reranker)
    tags = [tag for tag in wanted if opened.manifest.rerankers[tag].pointwise]
    if not tags and not others:
        raise InputError(
            f"{', '.join(wanted)} of {opened.folder.path}: scores of a listwise reranker or a cascade are valid"
            " only for their own depth",
            "set several depths in the configuration; each is scored separately and is a row of the report",
        )
    return tags
