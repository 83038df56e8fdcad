"""``evalkit tune``: depth sweeps, thresholds, calibrations and searches of a result, from its stored scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit import __version__
from evalkit.comparison import ComparisonSet, Plan
from evalkit.errors import UnknownNameError
from evalkit.metrics import find_spelling, proper_name
from evalkit.results.json_shapes import document, to_plain
from evalkit.results.production_document import (
    PRODUCTION_FILE,
    Production,
    read_production,
    write_production,
)
from evalkit.results.search_document import SearchResult
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import CalibrationResult, DepthSweep, ThresholdChoice, TunedDepth
from evalkit.summaries.calibrations import CalibrationTask, calibrate_all
from evalkit.summaries.cascade_searches import search_margins
from evalkit.summaries.comparisons import plan_of
from evalkit.summaries.depth_costs import billing_rows
from evalkit.summaries.depth_sweep import DepthQuestion, default_sweep, sweep
from evalkit.summaries.opened_results import OpenedResult, open_result
from evalkit.summaries.production_rules import ProductionQuestion, production_rule
from evalkit.summaries.searches import search
from evalkit.summaries.threshold_curves import Goal, find_threshold, read_goal
from evalkit.summaries.tuning_depths import depth_to_tune
from evalkit.workflows.tuned_rerankers import (
    cascades_with_margins,
    pointwise_rerankers,
    rerankers_with_scores,
)


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
    result: str | Path,
    reranker: str | None = None,
    goal: Goal | str | None = None,
    *,
    depth: int | None = None,
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
    depth
        Candidates per query; by default the number that `tune_depth` recommends, or all if it recommends none.

    Returns
    -------
    For each dataset and reranker: the threshold, its figures on the queries of the choice and on the held-out
    ones, and the figures of other thresholds.

    Raises
    ------
    InputError
        If there is no such reranker or no such depth.
    """
    return [to_plain(one) for one in choose_thresholds(result, reranker, goal, depth=depth)]


def tune_calibration(
    result: str | Path, reranker: str | None = None, *, depth: int | None = None
) -> list[dict[str, Any]]:
    """Fit functions that turn the scores of a result into probabilities of relevance.

    Parameters
    ----------
    result
        A complete result: its folder, a folder with results (the newest complete one is taken), or ``latest``.
    reranker
        Only this one.
    depth
        Candidates per query; by default the number that `tune_depth` recommends, or all if it recommends none.

    Returns
    -------
    For each dataset and reranker: the functions, with their errors on held-out queries.

    Raises
    ------
    InputError
        If there is no such reranker or no such depth.
    """
    return [to_plain(one) for one in calibrate_result(result, reranker, depth=depth)]


def tune_all(
    result: str | Path,
    reranker: str | None = None,
    goal: Goal | str | None = None,
    question: DepthQuestion | None = None,
    *,
    dataset: str | None = None,
    save: str | Path | None = None,
) -> dict[str, Any]:
    """Tune depth, threshold and probabilities in turn, and check depth and threshold together on held-out queries.

    Parameters
    ----------
    result
        A complete result: its folder, a folder with results (the newest complete one is taken), or ``latest``.
    reranker, dataset
        Only this one.
    goal
        The goal of the threshold, ``"recall>=0.9"`` by default, with 95 % confidence.
    question
        Margin, and limits of latency and cost.
    save
        The JSON file to write; by default ``production.json`` in the result folder.

    Returns
    -------
    The content of ``production.json``.

    Raises
    ------
    InputError
        If there is no such reranker or dataset.
    StorageError
        If the file cannot be written.
    """
    found, _ = production_result(result, reranker, goal, question, dataset=dataset, save=save)
    return document(found)


def production_result(
    result: str | Path,
    reranker: str | None = None,
    goal: Goal | str | None = None,
    question: DepthQuestion | None = None,
    *,
    dataset: str | None = None,
    save: str | Path | None = None,
) -> tuple[Production, Path]:
    """Return and write the settings of each dataset and reranker, with the file; see `tune_all`."""
    opened = _open(result)
    tags, sets = rerankers_with_scores(opened, reranker), {one.dataset: one for one in opened.comparison_sets}
    if dataset is not None and dataset not in sets:
        raise UnknownNameError("dataset", dataset, sets)
    plan, summary = plan_of(opened.config, opened.manifest.first_stage), _summary(opened)
    asked = question or DepthQuestion()
    wanted = ProductionQuestion(
        read_goal(goal, Goal().confidence) if isinstance(goal, str) else goal or Goal(),
        plan.margin if asked.margin is None else asked.margin,
        asked.limits,
    )
    sources = (opened.manifest, opened.config.everything, summary)
    rules = []
    for one in opened.comparison_sets if dataset is None else [sets[dataset]]:
        for tag in tags:
            pointwise = opened.manifest.rerankers[tag].pointwise
            swept = default_sweep(one, tag, plan, summary, asked, pointwise=pointwise)
            rules.append(production_rule(one, tag, plan, sources, swept, wanted))
    found = Production(__version__, opened.folder.path.resolve().name, tuple(rules))
    file = opened.folder.path / PRODUCTION_FILE if save is None else Path(save)
    # Settings that must not be used do not replace those of an earlier call.
    if found.is_usable or not (file.exists() and read_production(file).is_usable):
        write_production(found, file, inside=opened.folder.path if save is None else None)
    return found, file


def sweep_result(
    result: str | Path, reranker: str | None = None, question: DepthQuestion | None = None
) -> list[DepthSweep]:
    """Return the sweep of each dataset and reranker; see `tune_depth`."""
    opened = _open(result)
    tags = pointwise_rerankers(opened, reranker)
    plan, summary = plan_of(opened.config, opened.manifest.first_stage), _summary(opened)
    asked = question or DepthQuestion()
    if asked.metric is not None:
        asked = replace(
            asked, metric=find_spelling(asked.metric, opened.config.metrics) or proper_name(asked.metric)
        )
    return [sweep(systems, tag, plan, summary, asked) for systems in opened.comparison_sets for tag in tags]


def choose_thresholds(
    result: str | Path,
    reranker: str | None = None,
    goal: Goal | str | None = None,
    *,
    depth: int | None = None,
) -> list[ThresholdChoice]:
    """Return the threshold of each dataset and reranker; see `tune_threshold`."""
    opened = _open(result)
    tags = rerankers_with_scores(opened, reranker)
    asked = read_goal(goal, Goal().confidence) if isinstance(goal, str) else goal or Goal()
    return [
        find_threshold(one.comparison_set, one.tag, one.plan, asked, one.made_at)
        for one in _at_depth(opened, tags, depth)
    ]


def calibrate_result(
    result: str | Path, reranker: str | None = None, *, depth: int | None = None
) -> list[CalibrationResult]:
    """Return functions from scores to probabilities for each dataset and reranker; see `tune_calibration`."""
    opened = _open(result)
    tags = rerankers_with_scores(opened, reranker)
    kinds = {tag: facts.score_kind for tag, facts in opened.manifest.rerankers.items()}
    tasks = (
        CalibrationTask(one.comparison_set, one.tag, kinds[one.tag], one.made_at)
        for one in _at_depth(opened, tags, depth)
    )
    return list(calibrate_all(tasks, plan_of(opened.config, opened.manifest.first_stage)))


def search_result(
    result: str | Path, reranker: str | None = None, *, depth: int | None = None
) -> list[SearchResult]:
    """Search depth, fusion and threshold of each dataset and reranker, up to a depth; for cascades, the margin.

    Raises
    ------
    InputError
        If there is no such reranker or no such depth, or its scores depend on the other documents.
    """
    opened = _open(result)
    cascades = cascades_with_margins(opened, reranker)
    tags = pointwise_rerankers(opened, reranker, others=bool(cascades))
    found = [
        search(one.comparison_set, one.tag, one.plan, one.summary, one.made_at)
        for one in _at_depth(opened, tags, depth)
    ]
    margins = _at_depth(opened, list(cascades), depth)
    return found + [
        search_margins(one.comparison_set, one.tag, cascades[one.tag], one.plan, one.summary)
        for one in margins
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One reranker on one dataset, and the depth at which to tune it."""

    comparison_set: ComparisonSet
    tag: str
    plan: Plan
    summary: Summary
    made_at: TunedDepth


def _at_depth(opened: OpenedResult, tags: Sequence[str], depth: int | None) -> Iterator[_Task]:
    """Yield the tasks of each dataset and reranker, at a depth or at the recommended one.

    Raises
    ------
    InputError
        If a listwise reranker was not run at this depth.
    """
    plan, summary = plan_of(opened.config, opened.manifest.first_stage), _summary(opened)
    for comparison_set in opened.comparison_sets:
        for tag in tags:
            pointwise = opened.manifest.rerankers[tag].pointwise
            swept = default_sweep(comparison_set, tag, plan, summary, pointwise=pointwise)
            scored = comparison_set
            if depth is not None and not pointwise:
                scored = opened.run_at(comparison_set, tag, depth)
            yield _Task(scored, tag, plan, summary, depth_to_tune(scored, swept, depth))


def _open(result: str | Path) -> OpenedResult:
    """Read a result, without the queries for which the primary metric is unknown; see `open_result`."""
    opened = open_result(result)
    known = tuple(one.with_known(opened.config.primary) for one in opened.comparison_sets)
    return replace(opened, comparison_sets=known)


def _summary(opened: OpenedResult) -> Summary:
    """Return the summary of a result, with the billing that earlier versions did not write."""
    calls = opened.folder.read_call_rows()
    return replace(opened.folder.read_summary(), billing=billing_rows(opened.manifest, calls))
