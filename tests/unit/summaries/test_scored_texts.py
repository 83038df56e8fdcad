"""What rerankers scored, in words, and the note on results that differ in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.errors import InputNote
from evalkit.results.passage_rows import PassageFacts
from evalkit.summaries.scored_texts import DOCUMENTS, note_scored_texts, scored_texts

FACTS = PassageFacts("a/b", "12" * 32, 256, 32, "max", 10, 30, 3.0, 5)


def test_texts_are_equal_only_if_all_settings_are() -> None:
    """The name of the tokenizer and the candidates do not count, its content does."""
    assert scored_texts(None) == DOCUMENTS
    assert scored_texts(FACTS) == scored_texts(replace(FACTS, tokenizer="c", documents=1, passages=1))
    changes = {"tokens": 128, "overlap": 0, "combine": "first", "tokenizer_sha256": "21" * 32}
    for name, value in changes.items():
        assert scored_texts(FACTS) != scored_texts(replace(FACTS, **{name: value}))  # type: ignore[arg-type]


def test_a_note_names_the_dataset_and_both_texts() -> None:
    """Nothing is said of equal ones, and of datasets that only one result has."""
    same = {"a": DOCUMENTS, "b": scored_texts(FACTS)}
    with pytest.warns(InputNote) as notes:
        note_scored_texts(("one", same), ("two", {"a": DOCUMENTS, "b": DOCUMENTS, "c": "other"}))
    (note,) = notes
    assert str(note.message) == (
        "b: rerankers scored passages (256 tokens, overlap 32, combine max, tokenizer sha256 121212121212) in one, and"
        " documents in two"
    )
