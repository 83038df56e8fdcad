"""What a user sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evalkit.errors import EvalkitError


def said(ask: Callable[[], object]) -> str:
    """Return what a user sees."""
    with pytest.raises(EvalkitError) as caught:
        ask()
    return caught.value.render()
