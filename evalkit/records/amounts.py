"""Amounts that a backend reports: what can be one, and what is unknown."""

from __future__ import annotations

import math
from numbers import Real

MAX_AMOUNT = 10**12
"""Largest amount of one call: no request has more tokens or bytes, and the sums of a million calls fit int64."""


def known_amount(value: object) -> float | None:
    """Return a finite number from 0 to `MAX_AMOUNT`; None for anything else, text and booleans included."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        amount = float(value)
    except (OverflowError, ValueError):
        return None
    return amount if math.isfinite(amount) and 0 <= amount <= MAX_AMOUNT else None


def known_count(value: object) -> int | None:
    """Return a whole number from 0 to `MAX_AMOUNT`; None for anything else."""
    amount = known_amount(value)
    return int(amount) if amount is not None and amount.is_integer() else None


def shown_amount(value: object) -> str:
    """Return a value for a message, on one line and shortened."""
    try:
        shown = repr(value) if isinstance(value, str | Real | None) else type(value).__name__
    except ValueError:  # an integer of too many digits
        shown = "a number of thousands of digits"
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
