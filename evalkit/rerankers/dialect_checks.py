"""Check settings of a rerank API against its dialect: options, and the number of results."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.config.settings import with_hint
from evalkit.dialects import Dialect
from evalkit.errors import EvalkitError, nearest_name_hint


def check_options(options: Iterable[str], name: str, dialect: Dialect) -> None:
    """Check that evalkit does not send the options itself, and that a strict API accepts them.

    Parameters
    ----------
    options
        Keys of the configured options.
    name, dialect
        The dialect, and its name for messages.

    Raises
    ------
    ValueError
        With the first option that cannot be sent.
    """
    shape = dialect.shape
    whys = {
        shape.top_n: "a reply must contain every document; send_top_n: true sends their number under this key",
        shape.return_documents: "evalkit reads no documents from replies",
    }
    filled_keys = shape.request_keys() - dialect.options
    for option in options:
        if option in filled_keys:
            why = whys.get(option, f"the {name} dialect sets it")
            raise ValueError(f"must not set option {option!r}: {why}")
        if dialect.strict and option not in dialect.options:
            message = f"unknown option {option!r} of dialect {name}"
            raise with_hint(EvalkitError(message, nearest_name_hint(option, dialect.options)))


def check_top_n(name: str, dialect: Dialect, *, described: bool) -> None:
    """Check that a dialect has a key for the number of results; `described` is whether ``shape`` describes it.

    Raises
    ------
    ValueError
        If it has none.
    """
    if dialect.shape.top_n is None:
        why = "names no key for it: set shape.top_n" if described else "has no key for the number of results"
        raise ValueError(f"must not have 'send_top_n': dialect {name} {why}")
