"""The figures of a result, derived from its raw files: what the report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalkit.cache import cache_key
from evalkit.charts.chart import Chart
from evalkit.comparison import ComparisonSet, Plan
from evalkit.files import remove_folder, replacing_folder
from evalkit.formats import PackedRuns
from evalkit.query_clusters import QueryClusters
from evalkit.records import Qrels, Query
from evalkit.report.chart_files import write_charts
from evalkit.report.explorer import explorer_data
from evalkit.report.sections import Findings
from evalkit.results import ResultFolder
from evalkit.results.consistency import check_consistent
from evalkit.results.derivation_keys import without_calls
from evalkit.results.failure_reasons import failure_reasons
from evalkit.results.json_shapes import to_plain
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
from evalkit.summaries.corrections import with_corrections
from evalkit.summaries.depth_sweep import sweep_all
from evalkit.summaries.judge_audits import judge_audits
from evalkit.summaries.latency_answers import answer
from evalkit.summaries.latency_cells import CONFIDENCE, latency_rows
from evalkit.summaries.passage_rules import passage_summaries, with_passages
from evalkit.summaries.quality_cells import QualityCell, derive_ceilings, derive_cells
from evalkit.summaries.run_latencies import run_latency_rows
from evalkit.summaries.side_by_side import side_by_side
from evalkit.summaries.summary import summarise, with_comparisons
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.summaries.tuning_depths import depth_to_tune
from evalkit.workflows.earlier_files import ReportParts
from evalkit.workflows.earlier_parts import EarlierPictures, EarlierQuality

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
    runs
        The files of the rankings; None if there are earlier ones of the same scores.
    parts
        What the report needs further.
    """

    found: Findings
    cells: Sequence[QualityCell]
    runs: PackedRuns | None
    parts: ReportParts


def derive(
    folder: ResultFolder, manifest: Manifest, progress: tqdm[Any], earlier: EarlierQuality | None = None
) -> Derived:
    """Compute everything that a report shows; nothing is written.

    Parameters
    ----------
    folder
        The result.
    manifest
        Its manifest.
    progress
        A progress bar, of which this makes three steps.
    earlier
        What was derived from the same scores before, and need not be computed again.

    Raises
    ------
    InputError
        If a raw file is missing or damaged.
    """
    raw = _read(folder, manifest)
    runs = None if earlier else _packed(folder, raw.cells)
    try:
        return _derive(raw, runs, progress, earlier)
    except BaseException:
        if runs is not None:
            runs.cancel()
        raise


def _derive(
    raw: _RawResult, runs: PackedRuns | None, progress: tqdm[Any], earlier: EarlierQuality | None
) -> Derived:
    """Compute the documents, while the files of the rankings are made."""
    folder, manifest = raw.folder, raw.manifest
    summary = _summary(raw)
    progress.update()
    plan = plan_of(raw.config, manifest.first_stage)
    systems = _systems(raw)
    summary = replace(
        summary,
        passages=passage_summaries(systems, folder, raw.scored, plan.primary),
        audits=judge_audits(folder, manifest, raw.cells, plan.primary, raw.qrels) or None,
    )
    compared = earlier.compared if earlier else compare_sets(systems, plan)
    summary = with_comparisons(summary, compared)
    progress.update()
    tuned, tuned_at = _tuned(systems, raw.scored, plan, summary, earlier)
    found = Findings(
        manifest=manifest,
        failures=raw.failures,
        summary=summary,
        compared=compared,
        tuned=tuned,
        latency=answer(raw.timed, raw.latency, manifest, raw.config),
    )
    progress.update()
    explored = earlier.explored if earlier else _explored(raw, systems, plan)
    return Derived(found, raw.cells, runs, ReportParts(raw.vouched, explored, tuned_at=tuned_at))


def write_derived(
    folder: ResultFolder, derived: Derived, earlier: EarlierQuality | None = None
) -> ReportParts:
    """Write the runs, the values and the documents; return what the report needs further."""
    found, cells = derived.found, derived.cells
    if earlier is None or not earlier.put_runs(folder):
        _write_runs(folder, derived)
        values = (CellValues(one.dataset, one.reranker, one.depth, one.values) for one in cells)
        write_values(folder.values_file, values, inside=folder.path)
    folder.write_documents(found.summary, found.compared, found.tuned, found.latency)
    return derived.parts


def write_plots(
    folder: ResultFolder, charts: Mapping[str, Iterable[Chart]], earlier: EarlierPictures
) -> None:
    """Draw all charts but those that were drawn before."""
    with replacing_folder(folder.plots_folder, inside=folder.path) as plots:
        write_charts(plots, [chart for part in charts.values() for chart in part], earlier.find)


@dataclass(frozen=True, slots=True)
class _RawResult:
    """What a result folder holds before anything is derived, with the values of each ranking.

    Attributes
    ----------
    scored
        The manifest for what is derived from scores alone.
    cells
        Of each ranking; none without a quality pass, because there are no scores then.
    timed
        The timed calls, by cell of the latency pass.
    latency
        The rows of the latency pass.
    """

    folder: ResultFolder
    manifest: Manifest
    scored: Manifest
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
    scored = without_calls(manifest)
    cells: list[QualityCell] = []
    if config.quality:
        cells += derive_cells(folder, scored, qrels, config.metrics, config.depths, config.below_depth)
    calls = folder.read_call_rows()
    timed = cells_of(calls)
    return _RawResult(
        folder=folder,
        manifest=manifest,
        scored=scored,
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
    scored = raw.scored
    systems = sets_at_depth(raw.cells, scored.first_stage, judged, raw.queries, raw.config, scored.origins)
    return with_corrections(with_passages(systems, raw.folder, scored), raw.folder, scored)


def _explored(raw: _RawResult, systems: Sequence[ComparisonSet], plan: Plan) -> Mapping[str, Any] | None:
    texts = {name: raw.folder.read_texts(name) for name in raw.qrels}
    return explorer_data(systems, plan.primary, texts)


def _tuned(
    comparison_sets: Sequence[ComparisonSet],
    manifest: Manifest,
    plan: Plan,
    summary: Summary,
    earlier: EarlierQuality | None,
) -> tuple[Tuning, str]:
    """Return depth, threshold and calibration of every reranker without failed queries, with the key of the depths."""
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
    depth = tuple(sweep for sweep in swept if sweep is not None)
    tuned_at = cache_key([[one.dataset, tag, to_plain(at)] for one, tag, at in tasks])
    if earlier is not None and earlier.record.tuned_at == tuned_at:
        return replace(earlier.tuned, depth=depth), tuned_at
    threshold = side_by_side(lambda task: find_threshold(task[0], task[1], plan, Goal(), task[2]), tasks)
    calibration = calibrate_all(
        (CalibrationTask(one, tag, manifest.rerankers[tag].score_kind, at) for one, tag, at in tasks), plan
    )
    return Tuning(depth=depth, threshold=tuple(threshold), calibration=calibration), tuned_at


def _write_runs(folder: ResultFolder, derived: Derived) -> None:
    if not derived.cells:
        remove_folder(folder.runs_folder)
        return
    with replacing_folder(folder.runs_folder, inside=folder.path) as runs:
        # Earlier files that were changed meanwhile are packed only now.
        (derived.runs or _packed(folder, derived.cells)).write(runs)


def _packed(folder: ResultFolder, cells: Sequence[QualityCell]) -> PackedRuns:
    return PackedRuns({folder.run_file(one.dataset, one.reranker, one.depth).name: one.run for one in cells})
