"""Packed texts: a sequence like any other, whatever it holds."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from evalkit.records import PackedTexts

any_text = st.text(st.characters(), max_size=20) | st.text(alphabet="a\ud800é黑", max_size=5)
bounds = st.none() | st.integers(-12, 12)


@given(st.lists(any_text, max_size=10))
def test_packed_texts_are_the_texts(texts: list[str]) -> None:
    """Length, every item from either end, and the walk are those of the list; lone surrogates survive."""
    packed = PackedTexts.pack(texts)
    assert len(packed) == len(texts)
    assert list(packed) == texts
    assert [packed[i] for i in range(-len(texts), len(texts))] == texts * 2
    assert all(text in packed for text in texts)


@given(st.lists(any_text, max_size=10), bounds, bounds, st.none() | st.sampled_from([-3, -1, 1, 2]))
def test_a_slice_is_the_slice(
    texts: list[str], start: int | None, stop: int | None, step: int | None
) -> None:
    """Any slice holds what the list's slice holds, after a journey to another process, too."""
    part = PackedTexts.pack(texts)[start:stop:step]
    assert list(part) == texts[start:stop:step]
    assert list(pickle.loads(pickle.dumps(part))) == texts[start:stop:step]  # noqa: S301 - our own bytes


def test_a_slice_takes_its_own_bytes_along() -> None:
    """What is sent of a large corpus is the part that was asked for."""
    packed = PackedTexts.pack(["x" * 1000] * 1000)
    assert len(pickle.dumps(packed[10:20])) < 15_000 < len(pickle.dumps(packed))
