"""Sentences on the judged queries that runs have, lack, or say more than, and on unusual judgments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.records import Coverage, GradeFacts, shown_grade
from evalkit.records.coverage import USUAL_GRADE
from evalkit.records.qrels import EXCLUDED_GRADE
from evalkit.report.cautions import Caution
from evalkit.results.coverage_row import CoverageRow

if TYPE_CHECKING:
    from evalkit.comparison import Comparison
    from evalkit.results.comparison_document import Comparisons, DatasetComparisons

PAIRED = "pMRR"
"""The metric whose value needs two queries: it is unknown where one of them is missing."""


def coverage_notes(
    coverage: Sequence[Coverage],
    grades: GradeFacts,
    commented: Mapping[str, Sequence[int]] | None = None,
    metrics: Collection[str] = (),
) -> list[str]:
    """Return a sentence for everything that a reader of means should know; none where nothing is unusual.

    Parameters
    ----------
    coverage
        Of each run, with the same judgments.
    grades
        What is unusual in these judgments.
    commented
        File -> numbers of its lines that are comments though they have the columns of a row; None for no file.
    metrics
        Names of the metrics that are shown.
    """
    rows = [(run.tag, CoverageRow.of(run, as_zero=False), run) for run in coverage]
    notes = [note for name, row, ids in rows for note in _run_lines(name, row, counted_as(""), ids)]
    if PAIRED in metrics and any(run.missing for run in coverage):
        notes.append(f"{PAIRED}: pairs with a missing query are unknown, not 0, and are not averaged.")
    if coverage:
        notes += _left_out(len(coverage[0].unanswerable), coverage[0].unanswerable)
    return [*notes, *_grade_notes(grades), *_comment_notes(commented or {})]


def coverage_lines(compared: Comparisons) -> tuple[str, ...]:
    """Return a sentence for each way in which files and judgments do not have the same queries."""
    several = len(compared.datasets) > 1
    return tuple(
        f"{entry.dataset}: {line}" if several else line
        for entry in compared.datasets
        for line in _dataset_lines(entry, compared.plan.primary)
    )


def _dataset_lines(entry: DatasetComparisons, metric: str) -> Iterator[str]:
    for name, row in _files(entry):
        yield from _run_lines(name, row, counted_as(metric))
    yield from _left_out(max((row.queries_without_relevant for row in entry.coverage.values()), default=0))


def _run_lines(name: str, row: CoverageRow, counted: str, ids: Coverage | None = None) -> Iterator[str]:
    """Yield a sentence for each way in which a run and its judgments differ, with the first id where they are known."""
    if row.missing_queries:
        stated = ", as stated" if row.missing_as_zero else ""
        yield f"{name} lacks {missing_text(row)}: {counted}{stated}{_first(ids.missing if ids else ())}."
    if row.unjudged_queries:
        first = _first(ids.unjudged if ids else ())
        yield f"{name}: queries without judgments, ignored: {row.unjudged_queries}{first}."
    if row.no_document_judged:
        yield f"{name}: no document is judged; both files must have the same document ids."
    if row.excluded_documents:
        yield (
            f"{name}: documents that the judgments exclude (grade {EXCLUDED_GRADE}), removed from its lists:"
            f" {row.excluded_documents}."
        )


def _left_out(count: int, query_ids: Sequence[str] = ()) -> Iterator[str]:
    if count:
        yield f"Judged queries without a relevant document, not averaged: {count}{_first(query_ids)}."


def _first(ids: Sequence[str]) -> str:
    return f" (first: {ids[0]!r})" if ids else ""


def _grade_notes(grades: GradeFacts) -> Iterator[str]:
    if grades.by_subtopic:
        yield "Judgments are by subtopic: the grade of a document is its highest over the subtopics."
    parts = []
    if grades.negative:
        parts.append(
            f"{grades.negative} below 0 (lowest: {shown_grade(grades.lowest)}), which mean not relevant"
        )
    if grades.high:
        parts.append(
            f"{grades.high} above {USUAL_GRADE} (highest: {shown_grade(grades.highest)}), which are unusual"
        )
    if parts:
        yield f"Grades: {'; '.join(parts)}."


def _comment_notes(commented: Mapping[str, Sequence[int]]) -> Iterator[str]:
    for file, lines in commented.items():
        if lines:
            yield (
                f"{file}: comments that have the columns of a row, ignored: {len(lines)} (first: line {lines[0]})."
                " For ids that begin with '#', use tabs and a header line."
            )


def missing_text(row: CoverageRow) -> str:
    """Return the missing queries, such as ``28 of 40 judged queries``."""
    return f"{row.missing_queries} of {row.averaged_queries} judged queries"


def counted_as(metric: str) -> str:
    """Return what the value of a missing query is."""
    return "pairs with one of them are unknown" if metric == PAIRED else "each counts as 0"


def missing_sentence(one: Comparison, entry: DatasetComparisons | None) -> str:
    """Return which of the two files lack judged queries, as a sentence; of several datasets where `entry` is None."""
    names = [(one.baseline, one.baseline_missing), (one.contender, one.contender_missing)]
    lacking = [(name, count) for name, count in names if count]
    if entry is None:
        return (
            f"{' and '.join(name for name, _ in lacking)} lack judged queries of a dataset:"
            f" {counted_as(one.metric)}."
        )
    texts = [f"{name} lacks {missing_text(entry.coverage[name])}" for name, _ in lacking]
    return f"{', and '.join(texts)}: {counted_as(one.metric)}."


def missing_remedy(entry: DatasetComparisons) -> str:
    """Return what to do about missing queries."""
    lacking = [name for name, row in _files(entry) if row.missing_queries]
    where = dict.fromkeys("the run" if name in entry.runs else "the retriever" for name in lacking)
    state = f"set `missing_queries: zero` on {' and '.join(where)}" if entry.runs else "add --missing-as-zero"
    return f"Complete the file, or {state} if the engine returned nothing for these queries."


def lacking(compared: Comparisons) -> set[tuple[str, str]]:
    """Return dataset and name of each system whose file lacks queries that could change its verdict."""
    return {
        (entry.dataset, name)
        for entry in compared.datasets
        for name, row in entry.coverage.items()
        if row.could_change_verdict
    }


def coverage_cautions(
    entry: DatasetComparisons, named: Mapping[tuple[str, str], str] | None = None
) -> Iterator[Caution]:
    """Yield a warning for each system whose file lacks judged queries and for which nothing is stated.

    `named` has, for dataset and system, the first of these queries where they are known.
    """
    metric = entry.comparisons[0].metric if entry.comparisons else ""
    for name, row in _files(entry):
        if row.could_change_verdict:
            first = (named or {}).get((entry.dataset, name))
            which = f" ({first})" if first else ""
            text = f"{entry.dataset}: {name} lacks {missing_text(row)}{which}: {counted_as(metric)}."
            yield Caution("verdict", text, missing_remedy(entry))


def _files(entry: DatasetComparisons) -> Iterator[tuple[str, CoverageRow]]:
    """Yield each file with the name of its system; that of the candidates once, with the name of the first stage."""
    seen = False
    for name, row in entry.coverage.items():
        if not (entry.runs and name not in entry.runs and seen):
            yield name, row
        seen |= name not in entry.runs
