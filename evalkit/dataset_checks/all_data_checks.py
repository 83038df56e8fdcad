"""Which checks there are: the quick ones of every run, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evalkit.dataset_checks import (
    candidate_lists,
    document_texts,
    duplicates,
    judgments,
    languages,
    leaks,
    lengths,
    near_duplicates,
    query_texts,
    same_ids,
)
from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding

Check = Callable[[CheckInput], Iterator[DataFinding]]

QUICK: tuple[Check, ...] = (
    judgments.missing_documents,
    judgments.unanswerable_queries,
    judgments.few_queries,
    judgments.unjudged_queries,
    same_ids.same_ids,
    query_texts.blank_queries,
    query_texts.repeated_queries,
    document_texts.empty_documents,
    document_texts.short_documents,
    document_texts.damaged_texts,
    duplicates.duplicates,
    languages.language,
    candidate_lists.short_lists,
    judgments.only_relevant,
    candidate_lists.judged_share,
    judgments.grades,
    lengths.lengths,
)
"""Together a few times as long as reading the texts."""

SLOW: tuple[Check, ...] = (leaks.trained_on, leaks.verbatim_queries, near_duplicates.near_duplicates)

LEFT_OUT = (
    "documents that are nearly the same",
    "queries that stand in a document word for word",
    "queries that stand in the train split",
    "what a reranker will cut: the run counts it",
)
"""What only ``evalkit dataset check`` looks for."""


def look_quickly(data: CheckInput) -> list[DataFinding]:
    """Return what the quick checks find."""
    return [finding for check in QUICK for finding in check(data)]


def look_closely(data: CheckInput) -> Iterator[DataFinding]:
    """Yield what all checks find, as they find it."""
    for check in (*QUICK, *SLOW):
        yield from check(data)
