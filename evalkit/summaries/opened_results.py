"""Comparison sets of result folders and of TREC files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.comparison import ComparisonSet, System
from evalkit.errors import IncompleteError, InputError
from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import BelowDepth, Qrels, Run
from evalkit.results import ResultFolder
from evalkit.results.locate import locate_result, locate_results
from evalkit.results.manifest import Manifest
from evalkit.results.recorded_config import RecordedConfig
from evalkit.summaries.comparisons import sets_at_depth
from evalkit.summaries.quality_cells import derive_cells

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True, eq=False)
class OpenedResult:
    """A result folder, read for a comparison.

    Attributes
    ----------
    config, manifest
        As recorded in the folder.
    comparison_sets
        One for each dataset, at the largest depth.
    """

    folder: ResultFolder
    config: RecordedConfig
    manifest: Manifest
    comparison_sets: tuple[ComparisonSet, ...]

    @property
    def rerankers(self) -> tuple[str, ...]:
        """Tags without the first stage."""
        return tuple(self.manifest.rerankers)


def open_results(named: Sequence[str | Path], *, allow_incomplete: bool = False) -> list[OpenedResult]:
    """Read several results; see `locate_results` and `open_result`."""
    paths = locate_results(named, allow_incomplete=allow_incomplete, scores=True)
    return [open_result(path, allow_incomplete=allow_incomplete) for path in paths]


def open_result(named: str | Path, *, allow_incomplete: bool = False) -> OpenedResult:
    """Read the result that a name means (see `locate_result`); values are computed from its raw scores.

    Raises
    ------
    InputError
        If it is no result folder, damaged, or without a quality pass.
    IncompleteError
        If calls failed or the run was interrupted, unless `allow_incomplete`.
    """
    path = locate_result(named, allow_incomplete=allow_incomplete, scores=True)
    folder = ResultFolder.open(path)
    manifest, config = folder.read_manifest(), folder.read_config()
    if manifest.status != "complete" and not allow_incomplete:
        raise IncompleteError(
            f"{path} is {manifest.status}: some queries have no scores",
            "resume it with the command in its manifest, or use --allow-incomplete",
        )
    if not config.quality:
        raise InputError(
            f"{path} contains only latencies and no scores",
            "use a result folder of 'evalkit run'",
        )
    names = [facts.name for facts in manifest.datasets]
    qrels = {name: folder.read_qrels(name) for name in names}
    queries = {name: folder.read_queries(name) for name in names}
    cells = derive_cells(folder, manifest, qrels, config.metrics, [config.depth], config.below_depth)
    comparison_sets = sets_at_depth(cells, manifest.first_stage, qrels, queries, config, manifest.origins)
    return OpenedResult(folder, config, manifest, tuple(comparison_sets))


def runs_set(qrels_file: Path, run_files: Sequence[Path], metrics: Sequence[str]) -> ComparisonSet:
    """Return the comparison set of some TREC runs; a query that a run lacks counts as 0.

    Raises
    ------
    InputError
        If no query has a relevant document, or a run has none of the judged queries.
    """
    qrels = read_qrels(qrels_file)
    if not qrels.answerable:
        raise InputError(f"{qrels_file} contains no query with a relevant document", "check the qrels")
    systems: dict[str, System] = {}
    for run in distinct_tags([read_run(path) for path in run_files], [path.name for path in run_files]):
        if not set(run.query_ids) & set(qrels.answerable):
            raise InputError(
                f"run {run.tag!r} contains none of the judged queries",
                "check that the run and the qrels belong to the same dataset",
            )
        systems[run.tag] = System(run.tag, run, evaluate(run, qrels, parse_metrics(metrics)))
    return ComparisonSet(qrels_file.name.split(".")[0], qrels, systems)


def distinct_tags(runs: Sequence[Run], names: Sequence[str]) -> list[Run]:
    """Return runs of which those that share a tag are named by their `names` instead."""
    tags = [run.tag for run in runs]
    return [
        run if tags.count(run.tag) == 1 else replace(run, tag=name)
        for run, name in zip(runs, names, strict=True)
    ]


def matched_tags(before: OpenedResult, after: OpenedResult) -> list[tuple[str, str]]:
    """Return pairs of tags, one of each folder, that are two versions of the same reranker.

    Raises
    ------
    InputError
        If no tag is in both folders and one of them has several rerankers.
    """
    shared = [(tag, tag) for tag in before.rerankers if tag in after.rerankers]
    if shared:
        return shared
    if len(before.rerankers) == len(after.rerankers) == 1:
        return [(before.rerankers[0], after.rerankers[0])]
    raise InputError(
        f"no reranker is in both folders: {', '.join(before.rerankers)}; {', '.join(after.rerankers)}",
        "use the same tag for both versions",
    )


def version_sets(before: OpenedResult, after: OpenedResult, tags: tuple[str, str]) -> list[ComparisonSet]:
    """Return a comparison set for each dataset, with two versions of a reranker as its systems.

    Raises
    ------
    InputError
        If a dataset is missing, or queries, judgments or candidates are not the same.
    """
    theirs = {comparison_set.dataset: comparison_set for comparison_set in after.comparison_sets}
    comparison_sets = []
    for comparison_set in before.comparison_sets:
        if comparison_set.dataset not in theirs:
            raise InputError(
                f"{after.folder.path} does not contain dataset {comparison_set.dataset!r}",
                "run both versions on the same datasets",
            )
        other = theirs[comparison_set.dataset]
        why = mismatch(comparison_set, other)
        if why is not None:
            raise InputError(
                f"{comparison_set.dataset}: {before.folder.path} and {after.folder.path} cannot be compared: {why}",
                "run both versions on the same queries, judgments and candidates",
            )
        systems = {
            BEFORE: replace(comparison_set.systems[tags[0]], name=BEFORE),
            AFTER: replace(other.systems[tags[1]], name=AFTER),
        }
        comparison_sets.append(replace(comparison_set, systems=systems))
    return comparison_sets


def mismatch(comparison_set: ComparisonSet, other: ComparisonSet) -> str | None:
    """Return the difference in judgments, depth, `below_depth` or candidates of two sets; None if there is none."""
    if comparison_set.qrels != other.qrels:
        return _qrels_mismatch(comparison_set.qrels, other.qrels)
    if comparison_set.depth != other.depth:
        return f"depth {comparison_set.depth} and depth {other.depth}"
    rules = below_depth_of(comparison_set), below_depth_of(other)
    if None not in rules and rules[0] != rules[1]:
        return f"candidates below the depth are {rules[0]} in one and {rules[1]} in the other (below_depth)"
    mine, theirs = comparison_set.first_stage, other.first_stage
    if mine is None or theirs is None:
        return None
    if set(mine.query_ids) != set(theirs.query_ids):
        return "different queries have candidates"
    differ = [q for q in mine.query_ids if set(mine.docs(q)) != set(theirs.docs(q))]
    return f"the candidates of {len(differ)} queries differ (first: {differ[0]!r})" if differ else None


def below_depth_of(comparison_set: ComparisonSet) -> BelowDepth | None:
    """Return what became of the candidates below the depth; None where there is none, so that rankings are the same.

    Results that drop them do not hold them, so whether there were any is unknown.
    """
    depth = comparison_set.depth
    if comparison_set.below_depth == "kept" and depth is not None and comparison_set.longest_list <= depth:
        return None
    return comparison_set.below_depth


def _qrels_mismatch(one: Qrels, other: Qrels) -> str:
    if set(one.grades) != set(other.grades):
        return f"different judged queries ({len(one.grades)} and {len(other.grades)})"
    differ = [query_id for query_id, docs in one.grades.items() if docs != other.grades[query_id]]
    return f"the judgments of {len(differ)} queries differ (first: {differ[0]!r})"
