"""Tokens that are read as answers are one token of the vocabulary each, and not the same one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import pytest

from evalkit.encoding.input_forms import TokenHead
from evalkit.errors import EvalkitWarning, InputError


@dataclass
class Letters:
    """A tokenizer with a token for each letter from a to d, and one for every other."""

    unk_token_id: int | None = 4
    letters: str = field(default="abcd?", repr=False)

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the ids of the letters; special tokens are never asked for."""
        assert not add_special_tokens
        return [self.letters.index(letter) if letter in self.letters else 4 for letter in text]

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """Return the letters of a list, or that of a single id."""
        return self.letters[ids] if isinstance(ids, int) else [self.letters[one] for one in ids]


@pytest.mark.parametrize(
    ("true", "false", "ids"), [("b", "a", (1, 0)), ("c", None, (2, None)), (0, "d", (0, 3))]
)
def test_tokens_are_found(true: str | int, false: str | None, ids: tuple[int, int | None]) -> None:
    """A text and a number both name a token, and the second one can be left out."""
    assert TokenHead(true, false).ids("m", Letters(), 5) == ids


@pytest.mark.parametrize(
    ("true", "false", "message"),
    [
        ("ab", "c", "true_token 'ab' is 2 tokens of the model 'm', and must be one: 'a', 'b'"),
        ("a", "", "false_token '' is 0 tokens of the model 'm', and must be one: none"),
        ("x", "a", "true_token 'x' is not in the vocabulary of the model 'm': its tokenizer reads it as '?'"),
        ("a", "bx", "false_token 'bx' is not in the vocabulary"),
        (5, "a", "true_token 5 is not in the vocabulary of the model 'm', which has 5 tokens"),
        ("a", 0, "are the same token, 0: every score would be 0"),
    ],
)
def test_other_tokens_are_refused(true: str | int, false: str | int, message: str) -> None:
    """What is no token, several, unknown or twice the same is refused with how it is read."""
    with pytest.raises(InputError) as raised:
        TokenHead(true, false).ids("m", Letters(), 5)
    assert message in raised.value.message


def test_a_token_without_weights_is_refused() -> None:
    """A token of the tokenizer beyond the model's vocabulary is refused."""
    with pytest.raises(InputError, match="not in the vocabulary"):
        TokenHead("d").ids("m", Letters(), 3)


def test_a_number_that_is_also_a_text_warns() -> None:
    """Digits without quotes are the number of a token: where they are another token's text, evalkit says so."""
    digits = Letters(letters="10ab?")
    with pytest.warns(EvalkitWarning) as caught:
        assert TokenHead(1, 0, configured=True).ids("m", digits, 5) == (1, 0)
    first, second = (str(one.message) for one in caught)
    assert "true_token: 1 is read as the number of a token of the model 'm', which is '0'" in first
    assert "set true_token: '1' (in quotes)" in first
    assert "set false_token: '0'" in second


@pytest.mark.parametrize(
    ("head", "letters"),
    [
        (TokenHead("1", "0", configured=True), "10ab?"),
        (TokenHead(2, 3, configured=True), "10ab?"),
        (TokenHead(0, 1, configured=True), "01ab?"),
        (TokenHead(0), "10ab?"),
    ],
)
def test_what_is_clear_does_not_warn(head: TokenHead, letters: str) -> None:
    """Texts, numbers that are no text or name the same token, and the numbers of known forms are clear."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        head.ids("m", Letters(letters=letters), 5)
