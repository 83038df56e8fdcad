"""Comparison sets of result folders and of TREC files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.comparison import ComparisonSet, System
from evalkit.comparison.correction import RERUN_EARLIER, differing_text
from evalkit.errors import IncompleteError, InputError
from evalkit.formats import is_from_text, read_judgments, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.names import same_metric
from evalkit.records import BelowDepth, Coverage, MetricValues, Qrels, check_overlap, fewest_people
from evalkit.results import ResultFolder
from evalkit.results.consistency import check_consistent
from evalkit.results.failure_reasons import failure_reasons, hints_of, unfinished_work
from evalkit.results.locate import locate_result, locate_results
from evalkit.results.manifest import Manifest
from evalkit.results.recorded_config import RecordedConfig
from evalkit.summaries.budget_texts import NO_TEXTS, BudgetTexts
from evalkit.summaries.comparisons import sets_at_depth
from evalkit.summaries.corrections import with_corrections
from evalkit.summaries.judges_note import judges_of, note_judges, note_synthetic
from evalkit.summaries.passage_rules import with_passages
from evalkit.summaries.quality_cells import derive_cells
from evalkit.summaries.system_names import distinct_tags

BEFORE, AFTER = "before", "after"

_BY_TEXT = (
    "use judgments with the ids of the runs, such as the workbook that evalkit dataset export writes of a dataset with"
    " a table of queries, because these judgments name queries by text"
)
"""What to do if the ids of the judgments are made from texts, and runs have others."""


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
        """Tags of the rerankers, without the first stage and without runs."""
        return tuple(self.manifest.rerankers)

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the rerankers and of the compared runs, without the first stage."""
        return (*self.manifest.rerankers, *self.manifest.run_tags)

    def run_at(self, comparison_set: ComparisonSet, tag: str, depth: int) -> ComparisonSet:
        """Return a dataset at another depth of the result: a listwise reranker has scores of each of them.

        Raises
        ------
        InputError
            If the reranker was not run at this depth.
        """
        if depth not in self.config.depths:
            known = ", ".join(map(str, sorted(self.config.depths)))
            raise InputError(
                f"{tag} has no scores at depth {depth}: it is listwise, and was run at {known}",
                f"give one of these depths, or add {depth} to 'depths' and rerun",
            )
        name, config = comparison_set.dataset, replace(self.config, depths=(depth,))
        qrels, queries = {name: comparison_set.qrels}, {name: comparison_set.queries}
        cells = derive_cells(
            self.folder, self.manifest, qrels, config.metrics, config.depths, config.below_depth
        )
        first_stage, origins = self.manifest.first_stage, self.manifest.origins
        found = sets_at_depth(cells, first_stage, qrels, queries, config, origins)
        found = with_passages(found, self.folder, self.manifest)
        return with_corrections(found, self.folder, self.manifest)[0]


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
        reasons = failure_reasons(manifest, folder.read_failures())
        why = "; ".join(["some queries have no scores", *unfinished_work(manifest, reasons)])
        resume = "resume it with the command in its manifest, or use --allow-incomplete"
        raise IncompleteError(
            f"{path} is {manifest.status}: {why}", "; ".join([*hints_of(reasons)[:1], resume])
        )
    if not config.quality:
        raise InputError(
            f"{path} contains only latencies and no scores",
            "use a result folder of 'evalkit run'",
        )
    check_consistent(folder, manifest, config)
    qrels, queries = folder.read_judged(manifest)
    cells = derive_cells(folder, manifest, qrels, config.metrics, [config.depth], config.below_depth)
    comparison_sets = sets_at_depth(cells, manifest.first_stage, qrels, queries, config, manifest.origins)
    comparison_sets = with_corrections(with_passages(comparison_sets, folder, manifest), folder, manifest)
    for one in comparison_sets:
        note_judges(one.judged_by, f"{path}, {one.dataset}")
        note_synthetic(one.synthetic_queries, len(one.queries), f"{path}, {one.dataset}")
    return OpenedResult(folder, config, manifest, tuple(comparison_sets))


def runs_set(
    qrels_file: Path,
    run_files: Sequence[Path],
    metrics: Sequence[str],
    *,
    missing_as_zero: bool = False,
    texts: BudgetTexts = NO_TEXTS,
) -> ComparisonSet:
    """Return the comparison set of some TREC runs, in the order of the files; a query that a run lacks counts as 0.

    Parameters
    ----------
    qrels_file, run_files
        The judgments, and a file for each system.
    metrics
        Names of metrics.
    missing_as_zero
        Whether it is stated that the engines returned nothing for the queries that the files lack.
    texts
        Texts and tokenizer, for metrics at a budget of tokens.

    Raises
    ------
    InputError
        If no query has a relevant document, a run has none of the judged queries, or a file is given twice.
    """
    parsed = parse_metrics(metrics)
    texts.check(parsed)
    judged = read_judgments(qrels_file)
    judged_by = judges_of(judged, qrels_file)
    note_judges(judged_by, str(qrels_file))
    as_read = judged.qrels
    if not as_read.without_excluded()[0].answerable:
        raise InputError(f"{qrels_file} contains no query with a relevant document", "check the qrels")
    runs = distinct_tags([read_run(path) for path in run_files], run_files)
    as_read = texts.with_lengths(as_read, runs, parsed)
    qrels, excluded = as_read.without_excluded()
    systems: dict[str, System] = {}
    for run in runs:
        check_overlap(run, qrels, _BY_TEXT if all(map(is_from_text, qrels.answerable[:1])) else None)
        kept = run.without(excluded)
        systems[run.tag] = System(
            run.tag,
            kept,
            evaluate(kept, qrels, parsed),
            coverage=Coverage.of(run, as_read),
            missing_as_zero=missing_as_zero,
        )
    return ComparisonSet(qrels_file.name.split(".")[0], qrels, systems, judged_by=judged_by)


def matched_tags(before: OpenedResult, after: OpenedResult) -> list[tuple[str, str]]:
    """Return pairs of tags, one of each folder, that are two versions of the same reranker or run.

    Raises
    ------
    InputError
        If no tag is in both folders and one of them has several systems.
    """
    shared = [(tag, tag) for tag in before.tags if tag in after.tags]
    if shared:
        return shared
    if len(before.tags) == len(after.tags) == 1:
        return [(before.tags[0], after.tags[0])]
    raise InputError(
        f"no reranker is in both folders: {', '.join(before.tags)}; {', '.join(after.tags)}",
        "use the same tag for both versions",
    )


def version_sets(before: OpenedResult, after: OpenedResult, tags: tuple[str, str]) -> list[ComparisonSet]:
    """Return a comparison set for each dataset, with two versions of a reranker or run as its systems.

    Two versions of a run need the same queries and judgments only: they have candidates of their own, and no depth.

    Raises
    ------
    InputError
        If a dataset is missing, or queries, judgments or candidates are not the same.
    """
    if (tags[0] in before.manifest.run_tags) != (tags[1] in after.manifest.run_tags):
        raise InputError(
            f"{' and '.join(dict.fromkeys(tags))}: one folder has a run of this name and the other a reranker",
            "use different tags for runs and rerankers",
        )
    of_after = {comparison_set.dataset: comparison_set for comparison_set in after.comparison_sets}
    comparison_sets = []
    for comparison_set in before.comparison_sets:
        if tags[0] not in comparison_set.systems:
            continue  # a run need not cover every dataset
        other = of_after.get(comparison_set.dataset)
        if other is None or tags[1] not in other.systems:
            lacking = "dataset" if other is None else f"{tags[1]!r} on dataset"
            raise InputError(
                f"{after.folder.path} does not contain {lacking} {comparison_set.dataset!r}",
                "run both versions on the same datasets",
            )
        mine, theirs = _without_first_stage(comparison_set, tags[0]), _without_first_stage(other, tags[1])
        why = mismatch(mine, theirs)
        if why is not None:
            raise InputError(
                f"{mine.dataset}: {before.folder.path} and {after.folder.path} cannot be compared: {why}",
                "run both versions on the same queries, judgments and candidates, and with the same below_depth",
            )
        one, two = mine.systems[tags[0]], theirs.systems[tags[1]]
        shared = [
            label
            for label in one.values.metrics
            if any(same_metric(label, other) for other in two.values.metrics)
        ]
        systems = {
            BEFORE: replace(one, name=BEFORE, values=with_metrics(one.values, shared)),
            AFTER: replace(two, name=AFTER, values=with_metrics(two.values, shared)),
        }
        weaker = fewest_people(mine.judged_by, theirs.judged_by)
        why = mine.withheld or theirs.withheld
        if weaker == "corrected" and not share_correction(mine, theirs):
            weaker, why = "mixed", _why_apart(mine, theirs)
        correction = mine.correction if weaker == "corrected" else None
        comparison_sets.append(
            replace(
                mine,
                systems=systems,
                judged_by=weaker,
                correction=correction,
                withheld=why,
                from_records=mine.from_records or theirs.from_records,
            )
        )
    return comparison_sets


def share_correction(one: ComparisonSet, other: ComparisonSet) -> bool:
    """Return whether two sets have the same draw, and the same grades of people and of the judge."""
    draws = [None if each.correction is None else each.correction.draw for each in (one, other)]
    return draws[0] is not None and draws[0] == draws[1]


def _why_apart(before: ComparisonSet, after: ComparisonSet) -> str | None:
    """Return why people's grades correct no difference of two sets that are corrected each on its own."""
    if before.correction is None or after.correction is None:
        return None
    differing = differing_text(before.correction.draw, after.correction.draw)
    return f"The two results have {differing}: {RERUN_EARLIER}."


def with_metrics(values: MetricValues, metrics: Sequence[str]) -> MetricValues:
    """Return the values of some metrics that it has, under the given spellings."""
    columns = [
        next(place for place, label in enumerate(values.metrics) if same_metric(label, metric))
        for metric in metrics
    ]
    return replace(values, metrics=tuple(metrics), values=values.values[:, columns])


def _without_first_stage(comparison_set: ComparisonSet, tag: str) -> ComparisonSet:
    """Return the comparison set of a run, to which candidates and depth do not apply; of a reranker as it is."""
    own = comparison_set.systems[tag].own_candidates
    return replace(comparison_set, first_stage=None, depth=None) if own else comparison_set


def mismatch(comparison_set: ComparisonSet, other: ComparisonSet) -> str | None:
    """Return the difference in judgments, depth, `below_depth` or candidates of two sets; None if there is none."""
    judgments = _qrels_mismatch(comparison_set.qrels, other.qrels)
    if judgments is not None:
        return judgments
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


def _qrels_mismatch(one: Qrels, other: Qrels) -> str | None:
    """Return the difference of two judgments; None if there is none, or only one of them knows the subtopics."""
    if set(one.grades) != set(other.grades):
        return f"different judged queries ({len(one.grades)} and {len(other.grades)})"
    differ = [query_id for query_id, docs in one.grades.items() if docs != other.grades[query_id]]
    if differ:
        return f"the judgments of {len(differ)} queries differ (first: {differ[0]!r})"
    both = bool(one.subtopics and other.subtopics)  # earlier versions stored no subtopics
    return "the judgments by subtopic differ" if both and one.subtopics != other.subtopics else None
