"""Sentences on the judged queries that the files of rankings have, lack, or say more than."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.comparison import Comparison
from evalkit.report.cautions import Caution
from evalkit.results.comparison_document import Comparisons, CoverageRow, DatasetComparisons


def coverage_lines(compared: Comparisons) -> tuple[str, ...]:
    """Return a sentence for each way in which files and judgments do not have the same queries."""
    several = len(compared.datasets) > 1
    return tuple(
        f"{entry.dataset}: {line}" if several else line
        for entry in compared.datasets
        for line in _lines(entry)
    )


def _lines(entry: DatasetComparisons) -> Iterator[str]:
    for name, row in entry.coverage.items():
        if row.missing_queries:
            stated = ", as stated" if row.missing_as_zero else ""
            yield f"{name} lacks {missing_text(row)}: each counts as 0{stated}."
        if row.unjudged_queries:
            yield f"{name}: queries without judgments, ignored: {row.unjudged_queries}."
        if row.no_document_judged:
            yield f"{name}: no document is judged; both files must have the same document ids."
        if row.excluded_documents:
            yield f"{name}: documents that the judgments exclude, removed from its lists: {row.excluded_documents}."
    left_out = max((row.queries_without_relevant for row in entry.coverage.values()), default=0)
    if left_out:
        yield f"Judged queries without a relevant document, not averaged: {left_out}."


def missing_text(row: CoverageRow) -> str:
    """Return the missing queries, such as ``28 of 40 judged queries``."""
    return f"{row.missing_queries} of {row.averaged_queries} judged queries"


def missing_sentence(one: Comparison, entry: DatasetComparisons | None) -> str:
    """Return which of the two files lack judged queries, as a sentence; of several datasets where `entry` is None."""
    names = [(one.baseline, one.baseline_missing), (one.contender, one.contender_missing)]
    lacking = [(name, count) for name, count in names if count]
    if entry is None:
        return (
            f"{' and '.join(name for name, _ in lacking)} lack judged queries of a dataset: each counts as 0."
        )
    texts = [f"{name} lacks {missing_text(entry.coverage[name])}" for name, _ in lacking]
    return f"{', and '.join(texts)}: each counts as 0."


def missing_remedy(entry: DatasetComparisons) -> str:
    """Return what to do about missing queries."""
    state = "set `missing_queries: zero` on the run" if entry.runs else "add --missing-as-zero"
    return f"Complete the file, or {state} if the engine returned nothing for these queries."


def coverage_cautions(entry: DatasetComparisons) -> Iterator[Caution]:
    """Yield a warning for each system whose file lacks judged queries and for which nothing is stated."""
    for name, row in entry.coverage.items():
        if row.missing_queries and not row.missing_as_zero:
            text = f"{entry.dataset}: {name} lacks {missing_text(row)}: each counts as 0."
            yield Caution("verdict", text, missing_remedy(entry))
