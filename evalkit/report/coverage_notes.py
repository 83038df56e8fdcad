"""Sentences about the queries that runs lack, and about what is unusual in their judgments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit.records import Coverage, GradeFacts
from evalkit.records.coverage import USUAL_GRADE
from evalkit.records.qrels import EXCLUDED_GRADE


def coverage_notes(
    coverage: Sequence[Coverage], grades: GradeFacts, commented: Mapping[str, Sequence[int]] | None = None
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
    """
    notes = [note for run in coverage for note in run_notes(run)]
    left_out = coverage[0].unanswerable if coverage else ()
    if left_out:
        notes.append(
            f"Judged queries without a relevant document, not averaged: {len(left_out)} (first: {left_out[0]!r})."
        )
    return [*notes, *_grade_notes(grades), *_comment_notes(commented or {})]


def _comment_notes(commented: Mapping[str, Sequence[int]]) -> Iterator[str]:
    for file, lines in commented.items():
        if lines:
            yield (
                f"{file}: comments that have the columns of a row, ignored: {len(lines)} (first: line {lines[0]})."
                " For ids that begin with '#', use tabs and a header line."
            )


def run_notes(coverage: Coverage) -> Iterator[str]:
    """Yield a sentence for each way in which a run and its judgments do not have the same queries."""
    if coverage.missing:
        first = f"first: {coverage.missing[0]!r}"
        yield (
            f"{coverage.tag} lacks {len(coverage.missing)} of {coverage.averaged} judged queries:"
            f" each counts as 0 ({first})."
        )
    if coverage.unjudged:
        first = f"first: {coverage.unjudged[0]!r}"
        yield f"{coverage.tag}: queries without judgments, ignored: {len(coverage.unjudged)} ({first})."
    if coverage.unlike_documents:
        found, judged = map(repr, coverage.unlike_documents)
        yield (
            f"{coverage.tag}: no document is judged; both files must have the same document ids"
            f" (the run has {found}, the judgments {judged})."
        )
    if coverage.excluded_documents:
        yield (
            f"{coverage.tag}: documents with grade {EXCLUDED_GRADE} (excluded for the query), removed from its lists:"
            f" {coverage.excluded_documents}."
        )


def _grade_notes(grades: GradeFacts) -> Iterator[str]:
    if grades.by_subtopic:
        yield "Judgments are by subtopic: the grade of a document is its highest over the subtopics."
    parts = []
    if grades.negative:
        parts.append(f"{grades.negative} below 0 (lowest: {grades.lowest}), which mean not relevant")
    if grades.high:
        parts.append(f"{grades.high} above {USUAL_GRADE} (highest: {grades.highest}), which are unusual")
    if parts:
        yield f"Grades: {'; '.join(parts)}."
