"""What can be an amount."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalkit.records import MAX_AMOUNT, ServerTime, Usage, known_amount, known_count, shown_amount

NONE = (
    -1,
    -0.5,
    math.nan,
    math.inf,
    -math.inf,
    1e30,
    2**63,
    10**400,
    True,
    False,
    "12",
    None,
    [1],
    {},
    MAX_AMOUNT + 1,
)


@pytest.mark.parametrize("value", NONE, ids=shown_amount)
def test_what_is_no_amount_is_unknown(value: object) -> None:
    """Negative, not finite, too large for a sum, of another type: None, never 0."""
    assert known_amount(value) is None
    assert known_count(value) is None


def test_an_amount_is_kept() -> None:
    """Integers, floats, those of NumPy; a count is whole."""
    assert [known_amount(value) for value in (0, 0.25, np.int64(3), np.float64(4), MAX_AMOUNT)] == [
        0, 0.25, 3, 4, MAX_AMOUNT,
    ]  # fmt: skip
    assert [known_count(value) for value in (0, 7.0, np.int64(3), 1.5)] == [0, 7, 3, None]


def test_usage_keeps_what_it_can() -> None:
    """Each field for itself; what is dropped is named with its value."""
    usage = Usage(tokens=2**63, units=1.5, cost_usd=math.inf, characters=12)
    assert usage.known() == Usage(units=1.5, characters=12)
    assert usage.unusable() == {"tokens": "9223372036854775808", "cost_usd": "inf"}
    assert Usage(tokens=7).unusable() == {}
    times = (ServerTime("a", 0.5, "request"), ServerTime("b", math.inf, "request"))
    assert ServerTime.known(times) == times[:1]


def test_a_shown_value_is_one_short_line() -> None:
    """Whatever was sent."""
    assert shown_amount("1\n2") == r"'1\n2'"
    assert len(shown_amount("x" * 1000)) < 50
    assert shown_amount(10**5000) == "a number of thousands of digits"
