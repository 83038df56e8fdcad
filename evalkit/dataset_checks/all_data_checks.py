"""Which checks there are: the quick ones of every run, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evalkit.dataset_checks import (
    ids,
    judgments,
    languages,
    leaks,
    lengths,
    lists,
    near_twins,
    queries,
    texts,
    twins,
)
from evalkit.dataset_checks.check_input import Material
from evalkit.dataset_checks.findings import DataFinding

Check = Callable[[Material], Iterator[DataFinding]]

QUICK: tuple[Check, ...] = (
    judgments.missing_documents,
    judgments.unanswerable_queries,
    judgments.few_queries,
    judgments.unjudged_queries,
    ids.same_ids,
    queries.blank_queries,
    queries.repeated_queries,
    texts.empty_documents,
    texts.short_documents,
    texts.damaged_texts,
    twins.twins,
    languages.language,
    lists.short_lists,
    judgments.only_relevant,
    lists.judged_share,
    judgments.grades,
    lengths.lengths,
)
"""Together a few times as long as reading the texts."""

SLOW: tuple[Check, ...] = (leaks.trained_on, leaks.verbatim_queries, near_twins.near_twins)

LEFT_OUT = (
    "documents that are nearly the same",
    "queries that stand in a document word for word",
    "queries that stand in the train split",
    "what a reranker will cut: the run counts it",
)
"""What only ``evalkit dataset check`` looks for."""


def look_quickly(material: Material) -> list[DataFinding]:
    """Return what the quick checks find."""
    return [finding for check in QUICK for finding in check(material)]


def look_closely(material: Material) -> Iterator[DataFinding]:
    """Yield what all checks find, as they find it."""
    for check in (*QUICK, *SLOW):
        yield from check(material)
