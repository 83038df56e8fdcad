"""Give a class of a library another function for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: type, name: str, function: Any) -> Iterator[None]:
    """Replace a function of a class in the block, for all threads; afterwards the class is as it was."""
    own = vars(owner).get(name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        if own is None:  # the class inherits it
            delattr(owner, name)
        else:
            setattr(owner, name, own)
