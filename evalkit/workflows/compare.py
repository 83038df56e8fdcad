"""``evalkit compare``: comparisons within one result folder, of two folders, or of TREC runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.comparison import Comparison, ComparisonSet, Plan
from evalkit.comparison.score_origins import AcceptedScores, judge_origin
from evalkit.errors import InputError, UnknownNameError, tell
from evalkit.metrics import distinct_metrics, find_spelling, parse_metric
from evalkit.results.comparison_document import Comparisons, Transfer, VersionComparisons, VersionTags
from evalkit.results.json_shapes import document
from evalkit.summaries.budget_texts import NO_TEXTS, BudgetTexts
from evalkit.summaries.comparisons import compare_sets, plan_of
from evalkit.summaries.manifest_origins import origins_of
from evalkit.summaries.opened_results import (
    BEFORE,
    OpenedResult,
    matched_tags,
    open_results,
    runs_set,
    version_sets,
)
from evalkit.summaries.scored_texts import note_scored_texts, scored_texts
from evalkit.summaries.tokenizers import named_tokenizer, with_comparable_metrics
from evalkit.summaries.transfers import scored_pairs, transfers

DEFAULT_METRICS = ("nDCG@10", "MRR@10")


def compare(*results: str | Path, **changes: Any) -> list[dict[str, Any]]:
    """Compare the rerankers and runs of one result folder, or two versions in two folders.

    Parameters
    ----------
    results
        One result, or the one before and the one after: result folders, folders with results (the newest complete one
        is compared), or ``latest``.
    changes
        Fields of `Plan` that differ from the first folder's configuration, and `allow_incomplete`.

    Returns
    -------
    One document for each family of comparisons, shaped as ``comparisons.json``.
    """
    return [document(one) for one in compare_results(results, **changes)]


def compare_results(
    paths: Sequence[str | Path],
    *,
    allow_incomplete: bool = False,
    thresholds: Sequence[float] = (),
    plots: Path | None = None,
    **changes: Any,
) -> list[Comparisons]:
    """Return typed comparisons: one document, or for two folders one for each reranker.

    Parameters
    ----------
    paths
        The folders.
    allow_incomplete
        Compare on the queries that have scores.
    thresholds
        Thresholds of the version before, to be carried to the one after; only for two folders.
    plots
        Folder for plots of both versions' scores; None for no plots.
    changes
        See `compare`.

    Raises
    ------
    InputError
        If the folders were not measured on the same queries, judgments and candidates, or the primary metric has a
        budget of tokens and different tokenizers counted them.
    IncompleteError
        If a result is not complete, unless `allow_incomplete`.
    """
    if len(paths) not in {1, 2}:
        raise InputError(
            f"got {len(paths)} result folders",
            "give one folder or two; for more, use evalkit leaderboard",
        )
    results = open_results(paths, allow_incomplete=allow_incomplete)
    plan = replace(plan_of(results[0].config, results[0].manifest.first_stage), **changes)
    plan = _with_primary(plan, results[0].config.metrics)
    if len(results) == 1:
        if thresholds:
            raise InputError(
                "--threshold requires two result folders", "give the folders of the old and the new version"
            )
        for comparison_set in results[0].comparison_sets:
            _check_baseline(plan, comparison_set.systems)
        return [compare_sets(results[0].comparison_sets, plan)]
    if "baseline" in changes:
        raise InputError("with two folders, the first one is the baseline", "remove --baseline")
    before, after = with_comparable_metrics(results[0], results[1], plan.primary)
    _with_primary(plan, after.config.metrics)  # the version after must have the metric, too
    return _compare_versions(before, after, plan, thresholds, plots)


def _compare_versions(
    before: OpenedResult, after: OpenedResult, plan: Plan, thresholds: Sequence[float], plots: Path | None
) -> list[Comparisons]:
    """Return a document for each reranker of two results."""
    note_scored_texts(
        *(
            (
                str(one.folder.path),
                {facts.name: scored_texts(facts.passages) for facts in one.manifest.datasets},
            )
            for one in (before, after)
        )
    )
    documents: list[Comparisons] = []
    for tags in matched_tags(before, after):
        comparison_sets = version_sets(before, after, tags)
        is_run = tags[0] in before.manifest.run_tags  # its scores have no threshold
        moved = () if is_run else transfers(before, after, tags, comparison_sets, thresholds)
        compared = compare_sets(comparison_sets, replace(plan, baseline=BEFORE))
        documents.append(_of_versions(_withhold_cached(compared, after, tags[1]), tags, moved))
        if plots is not None and not is_run:
            _draw_scores(plots, before, after, tags, comparison_sets)
    return documents


def _withhold_cached(compared: Comparisons, after: OpenedResult, tag: str) -> Comparisons:
    """Return comparisons without a claim on cached scores of a reranker, which may be those of the version before."""
    origins = origins_of(after.manifest)
    cached = {
        entry.dataset
        for entry in compared.datasets
        if not judge_origin(origins.get((entry.dataset, tag)), AcceptedScores(), 0.05).is_accepted
    }
    if not cached:
        return compared
    datasets = (
        replace(entry, comparisons=tuple(map(_undecided, entry.comparisons)))
        if entry.dataset in cached
        else entry
        for entry in compared.datasets
    )
    return replace(compared, datasets=tuple(datasets), pooled=tuple(map(_undecided, compared.pooled)))


def _undecided(one: Comparison) -> Comparison:
    return one if one.verdict == "too few queries" else replace(one, verdict="undecided: cached scores")


def _of_versions(
    compared: Comparisons, tags: tuple[str, str], moved: tuple[Transfer, ...]
) -> VersionComparisons:
    return VersionComparisons(
        plan=compared.plan,
        datasets=compared.datasets,
        pooled=compared.pooled,
        across=compared.across,
        reranker=VersionTags(*tags),
        transfer=moved,
    )


def _draw_scores(
    into: Path,
    before: OpenedResult,
    after: OpenedResult,
    tags: tuple[str, str],
    comparison_sets: Sequence[ComparisonSet],
) -> None:
    """Draw both versions' scores of every dataset into a folder."""
    from evalkit.report.chart_files import write_charts
    from evalkit.report.transfer import distribution_chart

    charts = (
        distribution_chart(comparison_set.dataset, tags[1], pairs.before, pairs.after)
        for comparison_set, pairs in scored_pairs(before, after, tags, comparison_sets)
    )
    write_charts(into, charts)


def compare_runs(
    qrels: Path,
    runs: Sequence[Path],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    missing_as_zero: bool = False,
    texts: BudgetTexts = NO_TEXTS,
    **changes: Any,
) -> list[Comparisons]:
    """Compare TREC runs; the first is the baseline unless another is named.

    Parameters
    ----------
    qrels, runs
        The judgments, and a file for each system.
    metrics
        Names of metrics, the primary one first.
    missing_as_zero
        Whether it is stated that the engines returned nothing for the queries that the files lack; otherwise verdicts
        that rest on such queries are withheld.
    texts
        Texts and tokenizer, for metrics at a budget of tokens.
    changes
        Fields of `Plan`; the baseline may be the path of its file.

    Raises
    ------
    InputError
        If there are fewer than two runs, one is given twice, or a file is not what it should be.
    """
    if len(runs) < 2:
        raise InputError("only one run was given", "give the baseline and at least one other run")
    metrics = distinct_metrics(metrics)
    comparison_set = runs_set(qrels, runs, metrics, missing_as_zero=missing_as_zero, texts=texts)
    tokens = comparison_set.qrels.tokens
    if tokens is not None:
        tell(f"tokens were counted with {named_tokenizer(tokens)}")
    names = list(comparison_set.systems)
    plan = replace(Plan(baseline=names[0], primary=metrics[0]), **changes)
    if plan.baseline not in names:  # runs that share a tag have other names
        of_files = dict(zip(map(os.path.abspath, runs), names, strict=True))
        plan = replace(plan, baseline=of_files.get(os.path.abspath(plan.baseline), plan.baseline))  # noqa: PTH100
    _check_baseline(plan, names)
    return [compare_sets([comparison_set], _with_primary(plan, metrics))]


def _check_baseline(plan: Plan, names: Collection[str]) -> None:
    if plan.baseline not in names:
        raise UnknownNameError("system", plan.baseline, names)


def _with_primary(plan: Plan, metrics: Sequence[str]) -> Plan:
    """Return the plan with its primary metric spelt as in the results.

    Raises
    ------
    InputError
        If the results do not have the metric, or it is a count.
    """
    primary = find_spelling(plan.primary, metrics)
    if primary is not None and parse_metric(primary).summed:
        raise InputError(
            f"{primary!r} is a count, for which higher is not better", "choose another metric with --primary"
        )
    if primary is None:
        raise InputError(
            f"the result contains no values of {plan.primary!r}",
            f"use one of: {', '.join(metrics)}; or add it to the metrics and rerun, which uses the"
            " cached scores",
        )
    return replace(plan, primary=primary)
