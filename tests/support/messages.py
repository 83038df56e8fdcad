"""What a user is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evalkit.errors import EvalkitError


def said(ask: Callable[[], object]) -> str:
    """Return what a user is told."""
    with pytest.raises(EvalkitError) as caught:
        ask()
    return caught.value.render()
