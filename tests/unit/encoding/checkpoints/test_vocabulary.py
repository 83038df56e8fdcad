"""Tokenizers that belong to their model, and those of another model."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.encoding.checkpoints.vocabulary import check_vocabulary, check_words
from evalkit.errors import EvalkitWarning, InputError


class Part:
    """A module that reads texts with a tokenizer and a network, or the model of one such module."""

    def __init__(self, ids: Sequence[int], rows: int | None, special: Sequence[int] = (), **own: int) -> None:
        self.tokenizer = SimpleNamespace(
            get_vocab=lambda: {str(number): number for number in ids},
            added_tokens_decoder={number: SimpleNamespace(special=True) for number in special},
            all_special_ids=list(special),
            **own,
        )
        self._rows = rows
        self.auto_model = SimpleNamespace(get_input_embeddings=self._embeddings)

    def _embeddings(self) -> Any:
        if self._rows is None:
            raise NotImplementedError
        return SimpleNamespace(weight=SimpleNamespace(shape=(self._rows, 4)))

    def modules(self) -> list[Part]:
        """Return the modules."""
        return [self]


def check(part: Part) -> None:
    """Check a model, where a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_vocabulary("m", part)


@pytest.mark.parametrize("rows", [10, 11, 16])
def test_embeddings_may_have_more_rows_than_there_are_tokens(rows: int) -> None:
    """They are padded to round numbers."""
    check(Part(range(10), rows))


def test_a_token_beyond_the_rows_is_an_error() -> None:
    """Both numbers are named."""
    with pytest.raises(InputError, match=r"tokens up to number 9, and .* for 9 tokens, up to number 8"):
        check(Part(range(10), 9))


@pytest.mark.parametrize(
    ("own", "is_refused"), [({}, False), ({"pad_token_id": 9}, True), ({"pad_token_id": 1}, False)]
)
def test_a_special_token_counts_if_texts_get_it(own: dict[str, int], is_refused: bool) -> None:
    """EmbeddingGemma has one for images beyond its rows, which no text has; padding is in every batch."""
    part = Part(range(10), 9, special=[1, 9], **own)
    if not is_refused:
        check(part)
        return
    with pytest.raises(InputError, match="up to number 9"):
        check(part)


def test_a_far_smaller_vocabulary_is_warned_about() -> None:
    """It is likely another model's, and may be one that was cut down on purpose."""
    check(Part(range(5), 10))
    with pytest.warns(EvalkitWarning, match=r"may be another model's: it has 4 tokens, .* embeddings for 10"):
        check_vocabulary("m", Part(range(4), 10))


def test_networks_without_rows_are_left_out() -> None:
    """Some read bytes."""
    check(Part(range(10), None))


def test_a_tokenizer_of_special_tokens_knows_no_words() -> None:
    """Transformers makes one where files are missing; a tokenizer without the notion of them is another library's."""

    class Tokens(list[int]):
        """A tokenizer of a length."""

        all_special_ids = (0, 1)

    check_words("m", Tokens([0, 1, 2]))
    check_words("m", object())
    with pytest.raises(InputError, match="knows no words"):
        check_words("m", Tokens([0, 1]))
