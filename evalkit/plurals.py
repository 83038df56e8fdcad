"""Counts with their nouns, in the singular or the plural."""

from __future__ import annotations


def number_of(count: int, thing: str, things: str | None = None) -> str:
    """Return a number with its noun.

    Parameters
    ----------
    count
        The number.
    thing, things
        The noun in the singular and in the plural; without the plural, an *s* is added.

    >>> number_of(1, "query", "queries"), number_of(2, "document")
    ('1 query', '2 documents')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def queries_of(count: int) -> str:
    """Return a number of queries, such as ``1 query``."""
    return number_of(count, "query", "queries")


def documents_of_queries(documents: int, queries: int) -> str:
    """Return a number of documents and of the queries that they are of, such as ``3 documents of 1 query``."""
    return f"{number_of(documents, 'document')} of {queries_of(queries)}"
