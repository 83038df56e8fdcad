"""Laws of passages: what they cover, how long they are, and what two of them share."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.text_analysis.passages import passage_spans

TEXTS = st.text(alphabet="ab \n\t.!\N{GRINNING FACE}", max_size=60)
SIZES = st.integers(1, 9).flatmap(lambda tokens: st.tuples(st.just(tokens), st.integers(0, tokens - 1)))


def words_of(text: str) -> NDArray[np.int64]:
    """Return the places of the words; marks and pictures belong to no token."""
    return np.array([match.span() for match in re.finditer("[ab]+", text)], dtype=np.int64).reshape(-1, 2)


@given(TEXTS, SIZES)
def test_a_passage_has_its_tokens_and_no_others(text: str, size: tuple[int, int]) -> None:
    """Passage i has tokens i * (tokens - overlap) and the following ones, all of them but in the last passage."""
    tokens, overlap = size
    offsets = words_of(text)
    spans = passage_spans(text, offsets, tokens, overlap)
    if not len(offsets):
        assert spans == ((0, len(text)),)
        return
    for number, (begin, end) in enumerate(spans):
        first = number * (tokens - overlap)
        own = offsets[first : first + tokens]
        inside = offsets[(offsets[:, 0] >= begin) & (offsets[:, 1] <= end)]
        assert inside.tolist() == own.tolist()
        assert len(own) == tokens or number == len(spans) - 1
        assert begin == own[0, 0] or number == 0
    assert first + tokens >= len(offsets), "the last passage has the last token"
    assert number == 0 or first - (tokens - overlap) + tokens < len(offsets), "and the one before it has not"


@given(TEXTS, SIZES)
def test_nothing_but_blanks_is_lost(text: str, size: tuple[int, int]) -> None:
    """In order, without what the passage before had already, passages are the text: also what is in no token."""
    spans = passage_spans(text, words_of(text), *size)
    reached, parts = 0, []
    for begin, end in spans:
        assert not text[reached:begin].strip()
        parts.append(text[max(begin, reached) : end])
        assert end >= reached
        reached = end
    assert not text[reached:].strip()
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert spans == passage_spans(text, words_of(text), *size)


@given(TEXTS, SIZES)
def test_neighbours_share_exactly_the_overlap(text: str, size: tuple[int, int]) -> None:
    """The last tokens of a passage are the first ones of the next; only a short last passage may have few others."""
    offsets = words_of(text)
    spans = passage_spans(text, offsets, *size)
    for (_, end), (begin, _) in pairwise(spans):
        shared = ((offsets[:, 0] >= begin) & (offsets[:, 1] <= end)).sum()
        assert shared == size[1]


@pytest.mark.parametrize(
    ("tokens", "overlap", "passages"),
    [
        (2, 0, ["one two", "three four", "five"]),
        (3, 1, ["one two three", "three four five"]),
        (5, 4, ["one two three four five"]),
        (9, 0, ["one two three four five"]),
    ],
)
def test_passages_of_five_words(tokens: int, overlap: int, passages: list[str]) -> None:
    """Worked out by hand: the blanks around and between passages are left out."""
    text = "  one two three four five\n"
    offsets = np.array([match.span() for match in re.finditer(r"\w+", text)], dtype=np.int64)
    assert [text[slice(*span)] for span in passage_spans(text, offsets, tokens, overlap)] == passages


def test_several_tokens_of_one_character_stay_whole_characters() -> None:
    """Byte pairs cut a picture into tokens with equal places: each passage has the whole character."""
    text = "\N{GRINNING FACE}a"
    offsets = np.array([[0, 1], [0, 1], [0, 1], [1, 2]], dtype=np.int64)
    assert passage_spans(text, offsets, 2, 0) == ((0, 1), (0, 2))
