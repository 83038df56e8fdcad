"""An instruction is accepted only where a model has a place for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest

from evalkit.encoding.instructions import check_instruction
from evalkit.encoding.tokens import Item, Tokeniser, Tokens
from evalkit.errors import InputError


def tokeniser(text_of: Callable[[str, str], str]) -> Tokeniser:
    """Return a tokeniser whose tokens are the characters of a text that is made of query and document."""

    def tokens(items: Sequence[Item]) -> Tokens:
        """Return the tokens of pairs."""
        texts = [text_of(*cast("tuple[str, str]", item)) for item in items]
        ids = [np.array([ord(letter) for letter in text], dtype=np.int64) for text in texts]
        return Tokens(ids, None, np.zeros(len(ids), dtype=bool))

    return cast("Any", tokens)


def plain(query: str, document: str) -> str:
    """Return a plain pair."""
    return f"{query}|{document}"


def before(query: str, document: str) -> str:
    """Return a plain pair after the instruction."""
    return f"Find {query}|{document}"


def test_a_template_without_a_place() -> None:
    """An instruction that a template leaves out is refused, whether or not the model lists prompts."""
    for listed in (False, True):
        with pytest.raises(InputError, match="no place for an instruction in its template"):
            check_instruction("m", "Find ", (tokeniser(plain), tokeniser(plain)), listed=listed)


def test_a_plain_pair_has_no_place() -> None:
    """An instruction that becomes the begin of the query is refused, unless the model lists prompts."""
    both = tokeniser(before), tokeniser(plain)
    with pytest.raises(InputError, match=r"no place for an instruction: it reads .* plain pair") as caught:
        check_instruction("m", "Find ", both, listed=False)
    assert "remove instruction" in (caught.value.hint or "")
    check_instruction("m", "Find ", both, listed=True)


def test_a_template_with_a_place() -> None:
    """An instruction that reaches another part of the input is accepted."""
    placed = tokeniser(lambda query, document: f"<Find >{query}|{document}")
    check_instruction("m", "Find ", (placed, tokeniser(plain)), listed=False)
