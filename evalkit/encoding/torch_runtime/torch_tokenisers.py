"""Choose the tokeniser of a model that runs on torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit.encoding.input_forms import FormTokeniser, InputForm
from evalkit.encoding.tokens import FastTokeniser, Item, LibraryTokeniser, Tokeniser, TokenRules, agree
from evalkit.errors import InputError


def fastest_tokeniser(
    library: LibraryTokeniser, backend: Any, rules: TokenRules, prompt: str | None, items: Sequence[Item]
) -> Tokeniser:
    """Return the fast tokeniser if it returns the library's tokens for all probe items, else the library's.

    Parameters
    ----------
    library
        The library's tokeniser.
    backend
        The tokenizer of the `tokenizers` package; None if the model has none.
    rules, prompt
        How it is used, and the text before every input.
    items
        Probe items.
    """
    if backend is None:
        return library
    fast = FastTokeniser(backend.to_str(), rules, prompt)
    return fast if agree(fast, library, items) else library


def form_tokeniser(name: str, backend: Any, rules: TokenRules, form: InputForm) -> FormTokeniser:
    """Return the tokeniser that puts pairs into an input form; see `fastest_tokeniser` for `backend` and `rules`.

    Raises
    ------
    InputError
        If the tokenizer of the model is written in Python.
    """
    if backend is None:
        raise InputError(
            f"the tokenizer of the model {name!r} is written in Python, and the input form {form.name} needs one"
            " with a tokenizer.json",
            "convert its tokenizer with transformers, and add the tokenizer.json to the model",
        )
    return FormTokeniser(backend.to_str(), rules, form)
