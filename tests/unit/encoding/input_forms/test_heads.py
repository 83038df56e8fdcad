"""Tokens that are read as answers are one token of the vocabulary each, and not the same one."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from evalkit.encoding.input_forms import TokenHead
from evalkit.errors import InputError


@dataclass
class Letters:
    """A tokenizer with a token for each letter from a to d, and one for every other."""

    unk_token_id: int | None = 4
    letters: str = field(default="abcd?", repr=False)

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the ids of the letters; special tokens are never asked for."""
        assert not add_special_tokens
        return [self.letters.index(letter) if letter in self.letters else 4 for letter in text]

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        """Return the letters."""
        return [self.letters[one] for one in ids]


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
