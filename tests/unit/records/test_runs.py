"""Tests of removing documents from a run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import DataFormatError
from evalkit.records import Run, runs
from evalkit.records.runs import query_parts


def test_excluded_documents_are_removed_from_their_query_alone() -> None:
    """A document that is excluded for one query stays in the lists of the others."""
    run = Run.from_rows("t", ["q", "q", "p"], ["a", "b", "a"], [2.0, 1.0, 1.0])
    left = run.without({"q": frozenset({"a"}), "absent": frozenset({"b"})})
    assert {query_id: docs for query_id, docs, _ in left} == {"q": ("b",), "p": ("a",)}
    assert run.without({"absent": frozenset({"a"})}) is run


@given(lengths=st.lists(st.integers(0, 9), max_size=12), most=st.integers(1, 12))
def test_parts_of_queries_have_every_row_once(lengths: list[int], most: int) -> None:
    """A part has more rows than asked for by less than one list; queries without rows may be left out."""
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_ROWS_AT_ONCE", most)
        parts = list(query_parts(offsets))
    assert [
        row for part in parts for query in part for row in range(offsets[query], offsets[query + 1])
    ] == list(range(offsets[-1]))
    assert all(offsets[part.stop] - offsets[part.start] < most + max(lengths) for part in parts)


@pytest.mark.parametrize("queries", [1, 3, 300])
def test_a_document_that_a_query_lists_twice_is_named(queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever part of the queries it is in."""
    monkeypatch.setattr(runs, "_ROWS_AT_ONCE", 7)
    names = [f"q{number}" for number in range(queries)]
    query_ids = [name for name in names for _ in range(3)] + names[-1:]
    doc_ids = ["a", "b", "c"] * queries + ["b"]
    with pytest.raises(DataFormatError, match=f"query '{names[-1]}' lists document 'b' twice"):
        Run.from_rows("t", query_ids, doc_ids, np.arange(len(doc_ids), 0, -1, dtype=np.float64))
