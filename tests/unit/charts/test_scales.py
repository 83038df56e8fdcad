"""Ranges of axes and round numbers on them."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalkit.charts.chart import Axis, ScaleKind, Tick
from evalkit.charts.scales import Span, nice_step, number_text, span_of, ticks_of

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(values=st.lists(NUMBERS, min_size=1, max_size=6), kind=st.sampled_from(["linear", "log"]))
def test_every_value_is_inside_the_range_in_its_order(values: list[float], kind: ScaleKind) -> None:
    """A value's share of the axis is between 0 and 1 and grows with the value; a log axis takes what is not above 0."""
    span = span_of(Axis("x", kind), values)
    shares = [span.share(value) for value in sorted(values)]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] <= 1
    assert span.scale == ("log" if kind == "log" and min(values) > 0 else "linear")


def test_gaps_and_nothing_have_a_range() -> None:
    """None, NaN and infinity are no values, and an axis without values is from 0 to 1 with room around it."""
    assert span_of(Axis("x"), [None, nan, inf, 2.0, 4.0]) == span_of(Axis("x"), [2.0, 4.0])
    empty = span_of(Axis("x"), [])
    assert (empty.low <= 0, empty.high >= 1) == (True, True)


def test_zero_is_the_edge_of_values_above_it_and_inside_others() -> None:
    """An axis with zero begins at it where all values are above, and has it inside where some are below."""
    assert span_of(Axis("x", zero=True), [3.0, 5.0]).low == 0
    assert 0 < span_of(Axis("x", zero=True), [-3.0, -5.0]).share(0.0) < 1


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), most=st.integers(2, 8))
def test_linear_ticks_are_few_inside_and_evenly_spaced(low: float, width: float, most: int) -> None:
    """Ticks are inside the range, at equal distances, at most one more than asked, and none has the text of another."""
    ticks = ticks_of(Axis("x"), Span("linear", low, low + width), most)
    values = [tick.at for tick in ticks]
    steps = [after - before for before, after in pairwise(values)]
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 * width <= value <= low + width * (1 + 1e-6) for value in values)
    assert steps == pytest.approx([steps[0]] * len(steps)) if steps else True
    assume(width > 1e-3 * abs(low))
    assert len({tick.text for tick in ticks}) == len(ticks)


@given(low=st.floats(1e-6, 1e6), factor=st.floats(1.5, 1e9), most=st.integers(3, 8))
def test_logarithmic_ticks_are_few_and_inside(low: float, factor: float, most: int) -> None:
    """Ticks of a logarithmic axis are inside its range, ascend, and are about as many as asked."""
    values = [tick.at for tick in ticks_of(Axis("x", "log"), Span("log", low, low * factor), most)]
    assert values == sorted(values)
    assert all(low * 0.999 <= value <= low * factor * 1.001 for value in values)
    assert len(values) <= most + 1


def test_ticks_of_its_own_are_kept_as_they_are() -> None:
    """An axis with ticks shows those inside its range and no others."""
    axis = Axis("depth", "log", ticks=(Tick(10, "10"), Tick(100, "100"), Tick(1000, "1000")))
    assert [tick.text for tick in ticks_of(axis, Span("log", 5, 200), 2)] == ["10", "100"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.123456, "0.123"), (12.3456, "12.3"), (1234.5, "1234"), (12345.0, "12.3k"), (3.2e9, "3.2G"),
     (-0.5, "\u22120.5"), (1e-7, "1e\u22127"), (0.001234, "0.00123"), (2e20, "2e20")],
)  # fmt: skip
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    """Three digits that count, and a suffix or an exponent where the number is long."""
    assert number_text(value) == text


def test_forms_add_a_sign_or_a_percent_sign() -> None:
    """A signed number shows its plus, zero has none, and a share is written in percent."""
    assert [number_text(value, "signed") for value in (0.02, 0.0, -0.02)] == ["+0.02", "0", "\u22120.02"]
    assert number_text(0.955, "percent") == "95.5%"


@given(least=st.floats(1e-9, 1e9))
def test_a_step_is_round_and_not_too_large(least: float) -> None:
    """It is 1, 2, 2.5 or 5 times a power of ten, not below what is asked, and at most two and a half times it."""
    step = nice_step(least)
    assert least * (1 - 1e-8) <= step <= least * 2.5
