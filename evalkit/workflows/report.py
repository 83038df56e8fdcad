"""Build everything derived of a result folder, from its raw files alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from evalkit.comparison import ComparisonSet, Plan
from evalkit.errors import IncompleteError
from evalkit.formats import write_run
from evalkit.metrics import parse_metric
from evalkit.metrics.sweep import can_sweep
from evalkit.report.calibration_pages import draw_reliabilities
from evalkit.report.depth_pages import draw_depths
from evalkit.report.depth_plots import draw_depth_means
from evalkit.report.drawing import colours
from evalkit.report.explorer import explorer_data
from evalkit.report.latency_plots import draw_latency
from evalkit.report.pages import write_pages
from evalkit.report.sections import Findings, report_sections
from evalkit.report.threshold_pages import draw_thresholds
from evalkit.report.tradeoffs import draw_tradeoffs
from evalkit.results import ResultFolder
from evalkit.results.folder import VALUES, to_json
from evalkit.results.parquet import write_table
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.comparisons import compare_sets, plan_of, sets_at_depth
from evalkit.summaries.depth_sweep import DepthQuestion, sweep
from evalkit.summaries.latency_answers import answer
from evalkit.summaries.latency_cells import CellCalls, cells_of, latency_rows
from evalkit.summaries.quality_cells import QualityCell, derive_ceilings, derive_cells
from evalkit.summaries.summary import summarise
from evalkit.summaries.threshold_curves import Goal, find_threshold


def rebuild(folder: ResultFolder, *, allow_incomplete: bool = False) -> dict[str, Any]:
    """Write runs, values, summary, comparisons, plots and pages; nothing is called, no dataset is loaded.

    The same raw files give the same bytes.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    IncompleteError
        If the result is not complete, unless `allow_incomplete`.
    StorageError
        If the folder cannot be written.
    """
    manifest = folder.read_manifest()
    if manifest["status"] != "complete" and not allow_incomplete:
        raise IncompleteError(
            f"{folder.path} is {manifest['status']}: {_why(manifest)}",
            "see failures.jsonl, or look at what there is with --allow-incomplete",
        )
    # Long only for large collections: the bar shows after some seconds.
    with tqdm(total=4, desc="report", unit="step", disable=None, delay=3) as progress:
        config = folder.read_config()
        qrels = {entry["name"]: folder.read_qrels(entry["name"]) for entry in manifest["datasets"]}
        # Where only latency was asked for there are no scores, and nothing is said of quality.
        asked = config.get("quality", True)
        cells = list(derive_cells(folder, manifest, qrels, config)) if asked else []
        first_stage = [cell for cell in cells if cell.reranker == manifest["first_stage"]]
        ceilings = list(derive_ceilings(first_stage, qrels, config))
        calls = folder.read_calls()
        timed = cells_of(calls)
        latency = latency_rows(timed, config.get("latency"))
        summary = summarise(manifest, config, cells, ceilings, calls, latency)
        progress.update()
        queries = {name: folder.read_queries(name) for name in qrels}
        comparison_sets = sets_at_depth(
            cells, manifest["first_stage"], qrels if asked else {}, queries, max(config["depths"])
        )
        plan = plan_of(config, manifest["first_stage"])
        compared = compare_sets(comparison_sets, plan)
        progress.update()
        answers = answer(timed, latency, manifest, config)
        tuned = _tuned(comparison_sets, manifest, plan, summary)
        found = Findings(manifest, folder.read_failures(), summary, compared, tuned, answers)
        progress.update()
        texts = {name: folder.read_texts(name) for name in qrels}
        explored = explorer_data(comparison_sets, plan.primary, texts)
        with folder.writing():
            _write(folder, cells, found, timed, explored)
        progress.update()
    return summary


def _write(
    folder: ResultFolder,
    cells: Sequence[QualityCell],
    found: Findings,
    timed: Sequence[CellCalls],
    explored: dict[str, Any] | None,
) -> None:
    """Write everything derived, the page last: where it stands, all of it does."""
    _clear(folder)
    _write_runs(folder, cells)
    _write_values(folder, cells)
    folder.summary_file.write_bytes(to_json(found.summary))
    folder.comparisons_file.write_bytes(to_json(found.compared))
    folder.tuning_file.write_bytes(to_json(found.tuned))
    folder.latency_file.write_bytes(to_json(found.latency))
    plots = {
        "trade-off": draw_tradeoffs(folder.plots_folder, found.summary, found.tuned),
        "depth": [
            *draw_depth_means(folder, found.summary),
            *draw_depths(folder.plots_folder, found.tuned["depth"], colours(found.summary)),
        ],
        "latency": draw_latency(folder.plots_folder, found.summary, found.latency, timed),
        "thresholds": [
            *draw_thresholds(folder.plots_folder, found.tuned["threshold"]),
            *draw_reliabilities(folder.plots_folder, found.tuned["calibration"]),
        ],
    }
    write_pages(folder, found, report_sections(found, plots, explorer=explored is not None), explored)


def _tuned(
    comparison_sets: Sequence[ComparisonSet],
    manifest: Mapping[str, Any],
    plan: Plan,
    summary: Mapping[str, Any],
) -> dict[str, Any]:
    """Return depth, threshold and calibration of every reranker whose scores are whole."""
    whole = [
        (comparison_set, tag)
        for comparison_set in comparison_sets
        for tag in manifest["rerankers"]
        if comparison_set.systems[tag].values.query_ids and not comparison_set.systems[tag].unscored
    ]
    swept = can_sweep(parse_metric(plan.primary))
    return {
        "schema_version": 1,
        "depth": [
            sweep(comparison_set, tag, plan, summary, DepthQuestion())
            for comparison_set, tag in whole
            if swept and manifest["rerankers"][tag]["pointwise"]  # else each depth is a pass of its own
        ],
        "threshold": [find_threshold(comparison_set, tag, plan, Goal()) for comparison_set, tag in whole],
        "calibration": [
            calibrate(comparison_set, tag, manifest["rerankers"][tag]["score_kind"], plan)
            for comparison_set, tag in whole
        ],
    }


def _why(manifest: Mapping[str, Any]) -> str:
    failed = [
        f"{entry['reranker']} failed on {len(entry['failed'])} of {entry['asked']} queries of {entry['dataset']}"
        for entry in manifest.get("quality_passes", [])
        if entry["failed"]
    ]
    failed += [
        f"{counts['failed']} calls to {tag} failed"
        for tag, counts in manifest.get("calls", {}).items()
        if counts["failed"]
    ]
    return "; ".join(failed) or "it did not run to its end"


def _clear(folder: ResultFolder) -> None:
    folder.drop_report()
    for derived in (folder.runs_folder, folder.plots_folder, folder.tables_folder):
        shutil.rmtree(derived, ignore_errors=True)


def _write_runs(folder: ResultFolder, cells: Sequence[QualityCell]) -> None:
    for cell in cells:
        write_run(cell.run, folder.run_file(cell.dataset, cell.reranker, cell.depth))


def _write_values(folder: ResultFolder, cells: Sequence[QualityCell]) -> None:
    columns: dict[str, list[Any]] = {name: [] for name in VALUES}
    for cell in cells:
        for metric in cell.values.metrics:
            rows = len(cell.values.query_ids)
            columns["dataset"] += [cell.dataset] * rows
            columns["reranker"] += [cell.reranker] * rows
            columns["depth"] += [cell.depth] * rows
            columns["metric"] += [metric] * rows
            columns["query_id"] += cell.values.query_ids
            columns["value"] += cell.values.of(metric).tolist()
    write_table(folder.values_file, VALUES, columns)
