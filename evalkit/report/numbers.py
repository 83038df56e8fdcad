"""Numbers and texts for the cells of a table: few digits, few words. An unknown one is `NO_VALUE`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from evalkit.stats import Interval

if TYPE_CHECKING:
    from evalkit.results.latency_quantiles import Quantile

HARNESS_TOO_SLOW = "load generator too slow"
"""Replaces latencies that evalkit could not measure, because it was itself too slow in sending the calls."""
NO_VALUE = "-"
SIGNIFICANT = 3
"""Significant digits of a number that people read."""

Form = Callable[[float], str] | str
"""The format of one number: a function, or a format specification."""


class Figure(str):
    """A number as short text that keeps its exact value, for files and for the hover text of a page.

    Attributes
    ----------
    value
        The exact number.
    low, high
        Bounds of its confidence interval; None without one.
    alone
        The text of the number without its bounds.
    bounds
        The text of the bounds; empty without bounds.
    """

    __slots__ = ("alone", "bounds", "high", "low", "value")
    value: float
    low: float | None
    high: float | None
    alone: str
    bounds: str

    def __new__(
        cls,
        value: float,
        alone: str,
        lower: float | None = None,
        upper: float | None = None,
        bounds: tuple[str, str] | None = None,
    ) -> Self:
        """Return the text ``alone [lower, upper]``."""
        self = super().__new__(cls, alone if bounds is None else f"{alone} [{bounds[0]}, {bounds[1]}]")
        self.value, self.low, self.high = value, lower, upper
        self.alone = alone
        self.bounds = "" if bounds is None else f"{bounds[0]} to {bounds[1]}"
        return self

    @property
    def exact(self) -> str:
        """The number and its bounds in full precision."""
        if self.low is None and self.high is None:
            return f"{self.value}"
        return f"{self.value} [{self.low}, {self.high}]"


def value_text(value: float | None, form: Form | None = None) -> str:
    """Return one number; a metric value without a form."""
    if value is None:
        return NO_VALUE
    return Figure(value, _formatted(value, form or _metric_form(value)))


def bounded_text(estimate: float, lower: float, upper: float, form: Form | None = None) -> Figure:
    """Return a number with its bounds; a metric value without a form."""
    form = form or _metric_form(estimate, lower, upper)
    # The sign of a difference is written once: its bounds need none.
    plain = form.removeprefix("+") if isinstance(form, str) else form
    bounds = _formatted(lower, plain), _formatted(upper, plain)
    return Figure(estimate, _formatted(estimate, form), lower, upper, bounds)


def interval_text(interval: Interval | None, form: Form | None = None) -> str:
    """Return an estimate with its bounds; without them if one is unknown."""
    if interval is None or interval.estimate is None:
        return NO_VALUE
    if interval.lower is None or interval.upper is None:
        return value_text(interval.estimate, form)
    return bounded_text(interval.estimate, interval.lower, interval.upper, form)


def difference_text(interval: Interval | None) -> str:
    """Return a signed difference of a metric with its bounds."""
    if interval is None or interval.estimate is None:
        return NO_VALUE
    known = [value for value in (interval.estimate, interval.lower, interval.upper) if value is not None]
    return interval_text(interval, f"+{_metric_form(*known)}")


def change_text(difference: float) -> str:
    """Return a signed difference of a metric without bounds."""
    return value_text(difference, f"+{_metric_form(difference)}")


def _metric_form(*values: float) -> str:
    """Return the format of metric values: three decimals, four if all of them are below 0.01."""
    return ".4f" if 0 < max(map(abs, values)) < 0.01 else ".3f"


def _formatted(value: float, form: Form) -> str:
    text = format(value, form) if isinstance(form, str) else form(value)
    return _unsigned_zero(text)


def _unsigned_zero(text: str) -> str:
    """Return ``0.000`` for ``-0.000`` and ``+0.000``."""
    return text[1:] if text[:1] in {"-", "+"} and not text.strip("+-0.%") else text


def significant(value: float) -> str:
    """Return a number with three significant digits, in plain notation and with separators of thousands."""
    if value == 0:
        return "0"
    digits = SIGNIFICANT - 1 - math.floor(math.log10(abs(float(f"{value:.{SIGNIFICANT}g}"))))
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def share_text(interval: Interval) -> str:
    """Return a share in percent; its bounds are kept within 0 and 1."""
    if interval.lower is None or interval.upper is None:
        return interval_text(interval, ".1%")
    inside = Interval(interval.estimate, max(interval.lower, 0.0), min(interval.upper, 1.0), interval.n)
    return interval_text(inside, ".1%")


def rate_text(interval: Interval | None) -> str:
    """Return an amount per second; its lower bound is kept above 0."""
    if interval is None or interval.lower is None:
        return interval_text(interval, significant)
    inside = Interval(interval.estimate, max(interval.lower, 0.0), interval.upper, interval.n)
    return interval_text(inside, significant)


def quantile_text(quantile: Quantile) -> str:
    """Return a quantile in milliseconds, or how many queries it needs."""
    if quantile.missing == "harness":
        return HARNESS_TOO_SLOW
    if quantile.missing == "rounds":
        return "too few rounds"
    if quantile.estimate is None:
        return f"too few queries ({quantile.interval.n} of {quantile.needs})"
    return milliseconds_text(quantile.interval)


def milliseconds(seconds: float | None) -> str:
    """Return seconds as milliseconds with three significant digits."""
    return NO_VALUE if seconds is None else value_text(seconds * 1000, significant)


def milliseconds_text(interval: Interval) -> str:
    """Return seconds with their bounds as milliseconds."""
    return interval_text(interval.scaled(1000.0), significant)


def dollars(amount: float | None) -> str:
    """Return US dollars: cents from a dollar on, three significant digits below."""
    if amount is None:
        return "n/a"
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 1 else f"${significant(amount)}"


def cost_text(amount: float | None) -> str:
    """Return US dollars for a table: `NO_VALUE` if the cost is unknown."""
    return NO_VALUE if amount is None else Figure(amount, dollars(amount))


def p_text(p: float | None) -> str:
    """Return a p-value with three decimals; below that ``<0.001``."""
    return value_text(p, lambda value: "<0.001" if value < 0.001 else f"{value:.3f}")


def level_text(confidence: float) -> str:
    """Return a confidence level, such as ``95 %``."""
    return f"{confidence * 100:g} %"


def price_text(price: Mapping[str, Any] | None) -> str:
    """Return a price with the date on which it was valid."""
    if price is None:
        return "as the API reports"
    rates = [
        f"${value:g} {key.removeprefix('usd_').replace('_', ' ')}"
        for key, value in price.items()
        if key != "as_of"
    ]
    return f"{', '.join(rates)} as of {price['as_of']}"


def short_text(text: str | None, width: int = 60) -> str:
    """Return the beginning of a text on one line."""
    if text is None:
        return NO_VALUE
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 3] + "..."
