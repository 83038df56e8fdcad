"""Inputs that begin with the same tokens are grouped, and the tokens are read once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.encoding.packing import Padded
from evalkit.encoding.prefixes import Prefix, batches_of, common_prefix, shared_prefixes
from evalkit.encoding.tokens import Item, Tokens

INSTRUCTION = [90, 91, 92, 93]
ANSWER = [99]
WORDS = st.lists(st.integers(1, 3), max_size=6)
QUERIES = st.lists(st.tuples(st.integers(0, 3), WORDS), min_size=1, max_size=25)


class Reader:
    """Keeps the tokens that it reads, and says how many prefixes it read."""

    def __init__(self, least_shared: int = 0) -> None:
        self.least_shared, self.reads = least_shared, 0

    def read_prefix(self, inputs: Padded, worker: int | None) -> object:
        """Return the tokens."""
        assert worker is None or worker in range(4)
        self.reads += 1
        assert inputs.mask.all()
        return inputs.ids[0].tolist()


def tokens_of(rows: list[list[int]], segments: list[list[int]] | None = None) -> Tokens:
    """Return rows as tokens."""
    columns = [
        None if one is None else [np.array(row, dtype=np.int64) for row in one] for one in (rows, segments)
    ]
    assert columns[0] is not None
    return Tokens(columns[0], columns[1], np.zeros(len(rows), dtype=bool))


def inputs(pairs: list[tuple[int, list[int]]], *, document_first: bool = False) -> tuple[list[Item], Tokens]:
    """Return pairs of a query's number and a document's words as items, and as tokens in a template."""
    rows = []
    for query, words in pairs:
        asked = [50 + query] * 4
        rows.append(INSTRUCTION + (words + asked if document_first else asked + words) + ANSWER)
    return [(f"query {query}", str(words)) for query, words in pairs], tokens_of(rows)


@given(QUERIES, st.booleans(), st.integers(1, 60), st.sampled_from([0, 20, 1000]))
def test_every_input_is_in_one_batch_and_begins_with_its_prefix(
    pairs: list[tuple[int, list[int]]], document_first: bool, budget: int, least: int
) -> None:
    """A prefix and what follows it are the input, at least one token follows, and batches keep the budget."""
    items, tokens = inputs(pairs, document_first=document_first)
    batches = batches_of(items, tokens, budget, Reader(least))
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(pairs)))
    for batch in batches:
        prefix = [] if batch.prefix is None else batch.prefix.read(None)
        assert isinstance(prefix, list)
        lengths = [len(tokens.ids[row]) - len(prefix) for row in batch.rows]
        assert min(lengths) >= 1
        assert len(batch.rows) == 1 or max(lengths) * len(batch.rows) <= budget
        assert all(tokens.ids[row][: len(prefix)].tolist() == prefix for row in batch.rows)


def test_inputs_of_a_query_share_the_instruction_and_the_query() -> None:
    """Where the query precedes the document, each query has a prefix of its own, up to the first differing token."""
    pairs = [(query, [word, query, word]) for query in (0, 1) for word in range(1, 9)]
    groups = shared_prefixes(*inputs(pairs), 0)
    assert [length for _, length in groups] == [8, 8]
    assert [rows.tolist() for rows, _ in groups] == [list(range(8)), list(range(8, 16))]


def test_documents_before_the_query_leave_the_instruction_to_share() -> None:
    """Where the document comes first, all inputs are one group, whatever their query."""
    pairs = [(query, [word, query, word]) for query in (0, 1) for word in range(1, 9)]
    ((rows, length),) = shared_prefixes(*inputs(pairs, document_first=True), 0)
    assert (len(rows), length) == (16, len(INSTRUCTION))


@pytest.mark.parametrize(
    ("pairs", "least"),
    [
        ([(0, [1, 2])], 0),
        ([(0, [word] * 200) for word in (1, 2, 3)], 0),
        ([(0, [word]) for word in (1, 2, 3)], 1000),
    ],
    ids=["a single input", "long documents", "too few tokens for full speed"],
)
def test_a_prefix_that_saves_little_is_not_shared(pairs: list[tuple[int, list[int]]], least: int) -> None:
    """Inputs are read as a whole where sharing saves less than a tenth, or leaves batches too small."""
    ((rows, length),) = shared_prefixes(*inputs(pairs), least)
    assert (len(rows), length) == (len(pairs), 0)


def test_queries_with_a_single_document_are_batched_together() -> None:
    """Inputs of queries that share little are one group with what all of it begin with."""
    pairs = [(0, [word] * 3) for word in range(1, 9)] + [(1, [1]), (2, [2])]
    groups = shared_prefixes(*inputs(pairs), 0)
    assert [(len(rows), length) for rows, length in groups] == [(8, 8), (2, 4)]


def test_tokens_with_different_segments_are_not_shared() -> None:
    """A prefix ends where segments differ, too; and one token of the shortest input is left."""
    rows = [[1, 2, 3, 4, 5], [1, 2, 3, 4]]
    every = np.arange(2)
    assert common_prefix(tokens_of(rows), every) == 3
    assert common_prefix(tokens_of(rows, [[0, 0, 0, 0, 0], [0, 1, 1, 1]]), every) == 1
    assert common_prefix(tokens_of([[], [1]]), every) == 0
    assert common_prefix(tokens_of([]), np.arange(0)) == 0


def test_a_prefix_is_read_once_by_all_workers() -> None:
    """Workers that need a prefix at the same time wait for the one that reads it."""
    reader = Reader()
    ids = np.array([[1, 2, 3]])
    prefix = Prefix(Padded(ids, np.ones_like(ids), None), reader)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(prefix.read(number)))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, reader.reads) == ([[1, 2, 3]] * 4, 1)


def test_short_texts_after_a_long_prefix_make_no_huge_batches() -> None:
    """A token of the prefix counts as a quarter: its keys and values are repeated for every row."""
    rows = [[*range(400), 1000 + number] for number in range(200)]
    batches = batches_of([("q", str(one)) for one in rows], tokens_of(rows), 1024, Reader())
    assert max(len(batch.rows) for batch in batches) == 1024 // 101
