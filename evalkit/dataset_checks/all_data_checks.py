"""The list of dataset checks: the quick ones, which every run makes, and the slow ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evalkit.dataset_checks import (
    candidate_lists,
    document_texts,
    duplicates,
    judgment_checks,
    languages,
    leaks,
    lengths,
    model_judgments,
    near_duplicates,
    query_texts,
    same_ids,
)
from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding

Check = Callable[[CheckInput], Iterator[DataFinding]]

QUICK: tuple[Check, ...] = (
    judgment_checks.missing_documents,
    judgment_checks.unanswerable_queries,
    judgment_checks.few_queries,
    judgment_checks.unjudged_queries,
    judgment_checks.queries_without_text,
    judgment_checks.excluded_documents,
    same_ids.same_ids,
    query_texts.blank_queries,
    query_texts.repeated_queries,
    document_texts.empty_documents,
    document_texts.empty_candidates,
    document_texts.short_documents,
    document_texts.damaged_texts,
    duplicates.duplicates,
    languages.language,
    candidate_lists.short_lists,
    judgment_checks.only_relevant,
    candidate_lists.judged_share,
    judgment_checks.ungraded,
    judgment_checks.unusual_grades,
    judgment_checks.grades,
    model_judgments.model_judgments,
    lengths.lengths,
)
"""Together they take a few times as long as reading the texts."""

SLOW: tuple[Check, ...] = (leaks.trained_on, leaks.verbatim_queries, near_duplicates.near_duplicates)

LEFT_OUT = (
    "near-duplicate documents",
    "queries that occur verbatim in a document",
    "queries that occur in the train split",
    "texts that a reranker truncates (the run counts them)",
)
"""What only ``evalkit dataset check`` checks, as listed in the report of a run."""


def run_quick_checks(data: CheckInput) -> list[DataFinding]:
    """Return the findings of the quick checks."""
    return [finding for check in QUICK for finding in check(data)]


def run_all_checks(data: CheckInput) -> Iterator[DataFinding]:
    """Yield the findings of all checks, check by check."""
    for check in (*QUICK, *SLOW):
        yield from check(data)
