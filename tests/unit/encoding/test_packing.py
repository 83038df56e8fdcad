"""Batches of rows of different length, and their padding."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.encoding.packing import pack, pad
from evalkit.encoding.tokens import Tokens

LENGTHS = st.lists(st.integers(1, 60), max_size=60)


@given(LENGTHS, st.integers(1, 200))
def test_batches_hold_every_row_once_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    """Every row is in one batch; a batch of several keeps the tokens, padding included; longest come first."""
    batches = pack(np.array(lengths, dtype=np.int64), budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[row] for row in batch) * len(batch) <= budget
    flat = [lengths[row] for batch in batches for row in batch]
    assert flat == sorted(lengths, reverse=True)


@given(st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=5), st.booleans())
def test_padding_loses_nothing(rows: list[list[int]], left: bool) -> None:
    """Where the mask is 1 stands the row, in order; on the other side stands padding."""
    ids = [np.array(row, dtype=np.int64) for row in rows]
    tokens = Tokens(ids, ids, np.zeros(len(ids), dtype=bool))
    padded = pad(tokens, np.arange(len(rows)), 0, left=left)
    assert padded.segments is not None
    for row, kept, segments, mask in zip(rows, padded.ids, padded.segments, padded.mask, strict=True):
        assert kept[mask == 1].tolist() == row == segments[mask == 1].tolist()
        assert mask.tolist() == sorted(mask.tolist(), reverse=not left)
        assert not kept[mask == 0].any()


@given(st.lists(st.integers(1, 60), min_size=1, max_size=9), st.integers(1, 200))
def test_no_other_batches_cost_less(lengths: list[int], budget: int) -> None:
    """Of all ways to cut the sorted inputs, none has fewer tokens, padding and the cost of batches included."""
    widths = sorted(lengths, reverse=True)

    def cost(cuts: list[int]) -> float:
        parts = [
            widths[start:end]
            for start, end in zip([0, *cuts], [*cuts, len(widths)], strict=True)
            if start < end
        ]
        if any(len(part) > 1 and len(part) * part[0] > budget for part in parts):
            return float("inf")
        return sum(len(part) * part[0] + budget // 32 for part in parts)

    batches = pack(np.array(lengths, dtype=np.int64), budget)
    found = cost(np.cumsum([len(batch) for batch in batches])[:-1].tolist())
    every = range(1, len(widths))
    assert found == min(
        cost(list(cuts)) for count in range(len(widths)) for cuts in itertools.combinations(every, count)
    )


def test_inputs_of_different_lengths_are_not_padded_to_the_longest() -> None:
    """Short inputs are in a batch of their own, though the budget holds all."""
    lengths = np.array([10, 200, 10, 210] * 2, dtype=np.int64)
    assert [lengths[batch].tolist() for batch in pack(lengths, 4096)] == [[210, 210, 200, 200], [10] * 4]
