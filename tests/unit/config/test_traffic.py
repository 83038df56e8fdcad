"""Prices: what a call costs, and what is no price."""

from __future__ import annotations

import pytest
from support.scripted import priced

from evalkit.config import Price
from evalkit.records import Usage


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        ({"usd_per_million_tokens": 2.0}, Usage(tokens=500), 0.001),
        ({"usd_per_thousand_units": 2.0}, Usage(units=3, tokens=5), 0.006),
        ({"usd_per_million_bytes": 1.0}, Usage(billed_bytes=2_000_000), 2.0),
        ({"usd_per_thousand_requests": 1.0}, Usage(), 0.001),
        ({"usd_per_million_tokens": 2.0}, Usage(units=3), None),
        ({"usd_per_million_tokens": 0.0}, Usage(), 0.0),
    ],
)
def test_a_call_costs_its_price_or_no_one_knows(
    price: dict[str, float], usage: Usage, cost: float | None
) -> None:
    """Cost is price times what was billed; where that is unknown so is the cost, never 0, unless all is free."""
    ((way, rate),) = price.items()
    reported = priced(way, rate).of(usage)
    assert reported == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("body", ['{"as_of": "2026-01-01"}', '{"usd_per_million_tokens": 1}',
    '{"as_of": "2026-01-01", "usd_per_million_tokens": 1, "usd_per_thousand_units": 1}'])  # fmt: skip
def test_a_price_has_one_way_and_a_day(body: str) -> None:
    """No way of billing, two of them, or no day is no price."""
    with pytest.raises(ValueError, match=r"exactly one of|as_of"):
        Price.model_validate_json(body)
