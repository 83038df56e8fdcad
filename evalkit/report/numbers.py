"""Numbers as text with few digits. An unknown number is `NO_VALUE`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalkit.results.summary_document import Quantile
from evalkit.stats import Interval

NO_VALUE = "-"

Form = Callable[[float], str] | str
"""The format of one number: a function, or a format specification."""


def value_text(value: float | None, form: Form = ".4f") -> str:
    """Return one number."""
    if value is None:
        return NO_VALUE
    return format(value, form) if isinstance(form, str) else form(value)


def bounded_text(estimate: float, lower: float, upper: float, form: Form = ".4f") -> str:
    """Return a number with its bounds."""
    return f"{value_text(estimate, form)} [{value_text(lower, form)}, {value_text(upper, form)}]"


def interval_text(interval: Interval | None, form: Form = ".4f") -> str:
    """Return an estimate with its bounds; without them if one is unknown."""
    if interval is None or interval.estimate is None:
        return NO_VALUE
    if interval.lower is None or interval.upper is None:
        return value_text(interval.estimate, form)
    return bounded_text(interval.estimate, interval.lower, interval.upper, form)


def difference_text(interval: Interval | None) -> str:
    """Return a signed difference with its bounds."""
    return interval_text(interval, "+.4f")


def share_text(interval: Interval) -> str:
    """Return a share in percent; its bounds are kept within 0 and 1."""
    if interval.lower is None or interval.upper is None:
        return interval_text(interval, ".1%")
    inside = Interval(interval.estimate, max(interval.lower, 0.0), min(interval.upper, 1.0), interval.n)
    return interval_text(inside, ".1%")


def rate_text(interval: Interval | None) -> str:
    """Return an amount per second; its lower bound is kept above 0."""
    if interval is None or interval.lower is None:
        return interval_text(interval, _rate)
    inside = Interval(interval.estimate, max(interval.lower, 0.0), interval.upper, interval.n)
    return interval_text(inside, _rate)


def _rate(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def quantile_text(quantile: Quantile) -> str:
    """Return a quantile in milliseconds, or how many queries it needs."""
    if quantile.missing == "rounds":
        return "n/a (too few rounds)"
    if quantile.estimate is None:
        return f"n/a (needs {quantile.needs} queries, has {quantile.interval.n})"
    return interval_text(quantile.interval, milliseconds)


def milliseconds(seconds: float | None) -> str:
    """Return seconds as milliseconds with three significant digits."""
    if seconds is None:
        return NO_VALUE
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def dollars(amount: float | None) -> str:
    """Return US dollars, with six decimals below a cent."""
    if amount is None:
        return "n/a"
    return f"${amount:.4f}" if amount >= 0.01 or amount == 0 else f"${amount:.6f}"


def cost_text(amount: float | None) -> str:
    """Return US dollars for a table: `NO_VALUE` if the cost is unknown."""
    return NO_VALUE if amount is None else dollars(amount)


def p_text(p: float | None) -> str:
    """Return a p-value with four decimals."""
    return value_text(p)


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
