"""Find the input of a batch that fails, and name it in the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.tokens import Item
from evalkit.errors import InputError, printable

Attempt = Callable[[NDArray[np.int64]], object]
"""Repeats the work for some of the inputs, whose numbers are given; raises an `InputError` if it fails."""
_MOST_CHARACTERS = 60
"""Characters of a text that are shown."""


def with_failing_input(
    error: InputError,
    rows: NDArray[np.int64],
    attempt: Attempt,
    items: Sequence[Item],
    lengths: NDArray[np.int64] | None = None,
) -> InputError:
    """Return the error with the input that fails: the beginning of its texts, and its tokens.

    Parameters
    ----------
    error
        What the batch failed with.
    rows
        ``(b,)`` numbers of the batch's inputs.
    attempt
        Repeats the work that failed.
    items
        All inputs.
    lengths
        ``(n,)`` tokens of each input; None if they are unknown.
    """
    if len(rows) == 0:
        return error
    found = _failing(error, rows, attempt)
    if found is None:
        return InputError(
            f"{error.message}; none of the {len(rows)} inputs of the batch fails alone",
            error.hint if "batch_tokens" in (error.hint or "") else "set batch_tokens: 1",
        )
    row, alone = found
    others = rows[rows != row][:1]
    every = len(others) > 0 and _error_of(others, attempt) is not None
    tokens = "" if lengths is None else f" ({lengths[row]} tokens)"
    which = "it fails for other inputs too, as for" if every else "it fails for"
    return InputError(f"{alone.message}; {which} {_described(items[row])}{tokens}", alone.hint)


def _failing(error: InputError, rows: NDArray[np.int64], attempt: Attempt) -> tuple[int, InputError] | None:
    """Return an input that fails alone, with its error; None if only several together fail."""
    while len(rows) > 1:
        half = len(rows) // 2
        for part in (rows[:half], rows[half:]):
            failure = _error_of(part, attempt)
            if failure is not None:
                rows, error = part, failure
                break
        else:
            return None
    return int(rows[0]), error


def _error_of(rows: NDArray[np.int64], attempt: Attempt) -> InputError | None:
    try:
        attempt(rows)
    except InputError as error:
        return error
    except OutOfMemoryError:
        return None
    return None


def _described(item: Item) -> str:
    if isinstance(item, str):
        return f"the text {_beginning(item)}"
    query, document = item
    return f"the query {_beginning(query)} with the document {_beginning(document)}"


def _beginning(text: str) -> str:
    """Return the beginning of a text in quotes, on one line."""
    shown = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."
    return f'"{printable(shown)}"'
