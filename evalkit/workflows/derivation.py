"""The figures of a result, derived from its raw files: what the report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalkit.charts.chart import Chart
from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.comparison_set import QueryClusters
from evalkit.files import remove_folder, replacing_folder
from evalkit.formats import write_runs
from evalkit.records import Qrels, Query
from evalkit.report.chart_files import write_charts
from evalkit.report.explorer import explorer_data
from evalkit.report.sections import Findings
from evalkit.results import ResultFolder
from evalkit.results.consistency import check_consistent
from evalkit.results.failure_reasons import failure_reasons
from evalkit.results.manifest import Failure, Manifest
from evalkit.results.recorded_config import RecordedConfig
from evalkit.results.rows import Rows
from evalkit.results.summary_document import LatencyRow, Summary
from evalkit.results.timed_calls import CellCalls, cells_of, vouched_cells
from evalkit.results.tuning_document import Tuning
from evalkit.results.values_table import CellValues, write_values
from evalkit.summaries.budget_uses import with_budget_uses
from evalkit.summaries.calibrations import CalibrationTask, calibrate_all
from evalkit.summaries.cascade_costs import with_cascades
from evalkit.summaries.comparisons import compare_sets, plan_of, sets_at_depth
from evalkit.summaries.depth_sweep import sweep_all
from evalkit.summaries.latency_answers import answer
from evalkit.summaries.latency_cells import CONFIDENCE, latency_rows
from evalkit.summaries.passage_rules import passage_summaries, with_passages
from evalkit.summaries.quality_cells import QualityCell, derive_ceilings, derive_cells
from evalkit.summaries.run_latencies import run_latency_rows
from evalkit.summaries.summary import summarise
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.summaries.tuning_depths import depth_to_tune
from evalkit.workflows.earlier_files import ReportParts

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """What was derived from the raw files of a result.

    Attributes
    ----------
    found
        The documents.
    cells
        Values of each ranking; none without a quality pass.
    parts
        What the report needs further.
    """

    found: Findings
    cells: Sequence[QualityCell]
    parts: ReportParts


def derive(folder: ResultFolder, manifest: Manifest, progress: tqdm[Any]) -> Derived:
    """Compute everything that a report shows; nothing is written.

    Parameters
    ----------
    folder
        The result.
    manifest
        Its manifest.
    progress
        A progress bar, of which this makes three steps.

    Raises
    ------
    InputError
        If a raw file is missing or damaged.
    """
    raw = _read(folder, manifest)
    summary = _summary(raw)
    progress.update()
    plan = plan_of(raw.config, manifest.first_stage)
    systems = _systems(raw)
    summary = replace(summary, passages=passage_summaries(systems, folder, manifest, plan.primary))
    compared = compare_sets(systems, plan)
    progress.update()
    found = Findings(
        manifest=manifest,
        failures=raw.failures,
        summary=summary,
        compared=compared,
        tuned=_tuned(systems, manifest, plan, summary),
        latency=answer(raw.timed, raw.latency, manifest, raw.config),
    )
    progress.update()
    texts = {name: folder.read_texts(name) for name in raw.qrels}
    return Derived(found, raw.cells, ReportParts(raw.vouched, explorer_data(systems, plan.primary, texts)))


def write_derived(folder: ResultFolder, derived: Derived) -> ReportParts:
    """Write the runs, the values and the documents; return what the report needs further."""
    found, cells = derived.found, derived.cells
    _write_runs(folder, cells)
    values = (CellValues(one.dataset, one.reranker, one.depth, one.values) for one in cells)
    write_values(folder.values_file, values, inside=folder.path)
    folder.write_documents(found.summary, found.compared, found.tuned, found.latency)
    return derived.parts


def write_plots(folder: ResultFolder, charts: Mapping[str, Iterable[Chart]]) -> None:
    """Draw all charts."""
    with replacing_folder(folder.plots_folder, inside=folder.path) as plots:
        write_charts(plots, [chart for part in charts.values() for chart in part])


@dataclass(frozen=True, slots=True)
class _RawResult:
    """What a result folder holds before anything is derived, with the values of each ranking.

    Attributes
    ----------
    cells
        Of each ranking; none without a quality pass, because there are no scores then.
    timed
        The timed calls, by cell of the latency pass.
    latency
        The rows of the latency pass.
    """

    folder: ResultFolder
    manifest: Manifest
    config: RecordedConfig
    qrels: Mapping[str, Qrels]
    queries: Mapping[str, Mapping[str, Query]]
    failures: tuple[Failure, ...]
    calls: Rows
    cells: Sequence[QualityCell]
    timed: Sequence[CellCalls]
    latency: tuple[LatencyRow, ...]

    @property
    def vouched(self) -> list[CellCalls]:
        """The timed calls that measure the server, and not the load generator."""
        return vouched_cells(self.timed)


def _read(folder: ResultFolder, manifest: Manifest) -> _RawResult:
    config = folder.read_config()
    check_consistent(folder, manifest, config)
    qrels, queries = folder.read_judged(manifest)
    cells: list[QualityCell] = []
    if config.quality:
        cells += derive_cells(folder, manifest, qrels, config.metrics, config.depths, config.below_depth)
    calls = folder.read_call_rows()
    timed = cells_of(calls)
    return _RawResult(
        folder=folder,
        manifest=manifest,
        config=config,
        qrels=qrels,
        queries=queries,
        failures=folder.read_failures(),
        calls=calls,
        cells=cells,
        timed=timed,
        latency=latency_rows(timed, config.latency),
    )


def _summary(raw: _RawResult) -> Summary:
    """Return the means, latencies and costs of every system, without what the comparisons add."""
    manifest, config = raw.manifest, raw.config
    first_stage = [cell for cell in raw.cells if cell.reranker == manifest.first_stage]
    ceilings = list(derive_ceilings(first_stage, raw.qrels, config.metrics))
    clusters = {
        name: QueryClusters.of_queries(raw.queries[name], origin.cluster_field)
        for name, origin in manifest.origins.items()
    }
    of_runs = tuple(run_latency_rows(manifest.runs, raw.folder.read_run_latencies(), CONFIDENCE))
    summary = summarise(manifest, config, raw.cells, ceilings, raw.calls, raw.latency, clusters, of_runs)
    summary = with_cascades(summary, raw.folder, manifest, config, raw.vouched, clusters)
    summary = replace(summary, failures=failure_reasons(manifest, raw.failures) or None)
    return with_budget_uses(summary, raw.cells, raw.qrels, config.metrics)


def _systems(raw: _RawResult) -> Sequence[ComparisonSet]:
    """Return the systems under comparison of each dataset, those of other rules for passages included."""
    judged = raw.qrels if raw.config.quality else {}
    first_stage = raw.manifest.first_stage
    systems = sets_at_depth(raw.cells, first_stage, judged, raw.queries, raw.config, raw.manifest.origins)
    return with_passages(systems, raw.folder, raw.manifest)


def _tuned(
    comparison_sets: Sequence[ComparisonSet], manifest: Manifest, plan: Plan, summary: Summary
) -> Tuning:
    """Return depth, threshold and calibration of every reranker without failed queries."""
    comparison_sets = [one.with_known(plan.primary) for one in comparison_sets]
    complete = [
        (comparison_set, tag)
        for comparison_set in comparison_sets
        for tag in manifest.rerankers
        if comparison_set.systems[tag].values.query_ids and not comparison_set.systems[tag].unscored
    ]
    swept = sweep_all(((one, tag, manifest.rerankers[tag].pointwise) for one, tag in complete), plan, summary)
    tasks = [
        (one, tag, depth_to_tune(one, sweep))
        for (one, tag), sweep in zip(complete, swept, strict=True)
        if manifest.rerankers[tag].has_scores
    ]
    return Tuning(
        depth=tuple(sweep for sweep in swept if sweep is not None),
        threshold=tuple(find_threshold(one, tag, plan, Goal(), at) for one, tag, at in tasks),
        calibration=calibrate_all(
            (CalibrationTask(one, tag, manifest.rerankers[tag].score_kind, at) for one, tag, at in tasks),
            plan,
        ),
    )


def _write_runs(folder: ResultFolder, cells: Sequence[QualityCell]) -> None:
    if not cells:
        remove_folder(folder.runs_folder)
        return
    with replacing_folder(folder.runs_folder, inside=folder.path) as runs:
        files = (
            (cell.run, runs / folder.run_file(cell.dataset, cell.reranker, cell.depth).name) for cell in cells
        )
        write_runs(files, inside=runs)
