"""From values to shares of an axis, and round numbers on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from evalkit.charts.chart import Axis, Form, ScaleKind, Tick, known

PADDING = 0.06
"""Share of the range that is added at both ends, so that no mark is at the edge."""
_LOG_STEPS = ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Span:
    """The visible range of an axis."""

    scale: ScaleKind
    low: float
    high: float

    def share(self, value: float) -> float:
        """Return where a value is, 0 at the lower end and 1 at the upper one; values outside are at the nearer end."""
        if self.scale == "log":
            value = max(value, self.low)
            share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)


def span_of(axis: Axis, values: Iterable[float | None], *, padding: float = PADDING) -> Span:
    """Return the range of an axis that shows values; a logarithmic one becomes linear where a value is not above 0."""
    if axis.scale == "category":
        return Span("category", -0.5, max(len(axis.ticks), 1) - 0.5)
    seen = [value for value in values if value is not None and known(value)]
    if axis.zero:
        seen.append(0.0)
    if axis.scale == "log" and seen and min(seen) > 0:
        return _log_span(axis, min(seen), max(seen), padding)
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):  # one value only
        margin = abs(low) * 0.1 or 0.5
        low, high = low - margin, high + margin
    room = padding * (high - low)
    start = low - room if axis.low is None else axis.low
    if axis.zero and low == 0 and axis.low is None:
        start = 0.0
    end = high + room if axis.high is None else axis.high
    return Span("linear", start, end if end > start else start + 1)


def _log_span(axis: Axis, low: float, high: float, padding: float) -> Span:
    room = max((high / low) ** padding, 1.05)
    start = low / room if axis.low is None or axis.low <= 0 else axis.low
    end = high * room if axis.high is None else axis.high
    return Span("log", start, end if end > start else start * 10)


def ticks_of(axis: Axis, span: Span, most: int) -> list[Tick]:
    """Return the ticks of an axis: its own, or at most about `most` round numbers."""
    if axis.ticks:
        return [tick for tick in axis.ticks if span.low <= tick.at <= span.high]
    values = _log_values(span, most) if span.scale == "log" else _linear_values(span, most)
    step = min((b - a for a, b in pairwise(values)), default=0.0)
    if span.scale == "log":
        step = 0.0
    return [Tick(value, number_text(value, axis.form, step)) for value in values]


def _linear_values(span: Span, most: int) -> list[float]:
    """Return multiples of a round step."""
    step = nice_step((span.high - span.low) / max(most, 1))
    first, last = ceil(span.low / step - 1e-9), floor(span.high / step + 1e-9)
    return [round(place * step, 12) if abs(step) > 1e-9 else place * step for place in range(first, last + 1)]


def _log_values(span: Span, most: int) -> list[float]:
    """Return 1, 2, 5, 10, ..., or every so many powers of ten; multiples of a step where the range is short."""
    decades = range(floor(log10(span.low)), ceil(log10(span.high)) + 1)
    values: list[float] = []
    for factors in _LOG_STEPS:
        values = [f * 10.0**d for d in decades for f in factors if span.low <= f * 10.0**d <= span.high]
        if len(values) <= most:
            break
    if len(values) < 2:
        return [value for value in _linear_values(span, most) if value > 0]
    return values[:: ceil(len(values) / max(most, 1))]


def nice_step(least: float) -> float:
    """Return the smallest round number that is not below `least`."""
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def number_text(value: float, form: Form = "number", step: float = 0.0) -> str:
    """Return a number with at most three significant digits, or as many as ticks `step` apart need to differ."""
    if form == "percent":
        return f"{_digits(value * 100, step * 100)}%"
    text = _digits(value, step)
    return f"+{text}" if form == "signed" and value > 0 else text


def _digits(value: float, step: float) -> str:
    size = abs(value)
    if size < 1e-12 or size < step * 1e-6:
        return "0"
    if size >= 1e15 or size < 1e-4:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+", "e").replace("-", "\u2212")
    for limit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            unit = 1e3 if suffix == "k" else limit
            return _decimals(value / unit, step / unit) + suffix
    return _decimals(value, step)


def _decimals(value: float, step: float) -> str:
    needed = max(0, 2 - floor(log10(abs(value))))
    if step:
        places = next((places for places in range(13) if _is_multiple(step, 10.0**-places)), 12)
        needed = places
    text = f"{value:.{needed}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".") if not step else text
    return text.replace("-", "\u2212")


def _is_multiple(value: float, unit: float) -> bool:
    return abs(value / unit - round(value / unit)) < 1e-6 and round(value / unit) > 0
