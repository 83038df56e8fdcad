"""Tests of removing documents from a run."""

from __future__ import annotations

from evalkit.records import Run


def test_excluded_documents_are_removed_from_their_query_alone() -> None:
    """A document that is excluded for one query stays in the lists of the others."""
    run = Run.from_rows("t", ["q", "q", "p"], ["a", "b", "a"], [2.0, 1.0, 1.0])
    left = run.without({"q": frozenset({"a"}), "absent": frozenset({"b"})})
    assert {query_id: docs for query_id, docs, _ in left} == {"q": ("b",), "p": ("a",)}
    assert run.without({"absent": frozenset({"a"})}) is run
