"""What the charts of a report share: the role of every system, axes of depth, latency and quality, and limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from evalkit.charts.chart import Axis, Rule, ScaleKind, Spot, Tick
from evalkit.charts.palette import system_roles
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.latency_quantiles import Quantile
from evalkit.results.summary_document import Ceiling, QualityRow, Summary
from evalkit.stats import Interval

WIDE = 30.0
"""Ratio of the largest to the smallest value above which an axis of latencies or costs is logarithmic."""
_WIDE_DEPTHS = 5.0
MS = 1000.0
"""Milliseconds of a second."""


class OfReranker(Protocol):
    """A row that belongs to one reranker."""

    @property
    def reranker(self) -> str:
        """The tag."""
        ...


RowT = TypeVar("RowT", bound=OfReranker)


def roles_of(summary: Summary) -> dict[str, str]:
    """Return system -> role, the same in every chart of a report; the first stage has the neutral one."""
    tags = [*(row.reranker for row in summary.quality), *(row.reranker for row in summary.latency)]
    return system_roles(tags, summary.first_stage)


def by_reranker(rows: Iterable[RowT]) -> list[tuple[str, list[RowT]]]:
    """Return tag and rows of every reranker, in the order of the rows."""
    parts: dict[str, list[RowT]] = {}
    for row in rows:
        parts.setdefault(row.reranker, []).append(row)
    return list(parts.items())


AtDepth = TypeVar("AtDepth", QualityRow, Ceiling)


def at_reached_depths(summary: Summary, rows: Iterable[AtDepth]) -> list[AtDepth]:
    """Return rows of one dataset and metric, each at the most candidates that a list has at its depth.

    Depths beyond the longest list are one depth: the last row is the one that stays.
    """
    found: dict[tuple[str, int | None], AtDepth] = {}
    for row in rows:
        depth = None if row.depth is None else summary.reached(row.dataset, row.depth)
        tag = row.reranker if isinstance(row, QualityRow) else ""
        found[tag, depth] = replace(row, depth=depth)
    return list(found.values())


def spread_scale(values: Iterable[float | None], wide: float = WIDE) -> ScaleKind:
    """Return ``log`` where positive values span more than a factor `wide`, else ``linear``."""
    seen = [value for value in values if value is not None]
    return "log" if seen and min(seen) > 0 and max(seen) / min(seen) > wide else "linear"


def depth_axis(depths: Sequence[int], label: str = "candidates reranked per query (depth)") -> Axis:
    """Return an axis of depths or batch sizes; a few values are its ticks."""
    values = sorted(set(depths))
    ticks = tuple(Tick(value, str(value)) for value in values) if len(values) <= 12 else ()
    return Axis(label, spread_scale(values, _WIDE_DEPTHS), ticks=ticks)


def mean_spot(x: float, mean: Interval) -> Spot:
    """Return a mean with its interval."""
    return Spot(x, mean.estimate, mean.lower, mean.upper)


def quantile_spot(x: float, quantile: Quantile) -> Spot:
    """Return a quantile in milliseconds with its interval; a gap where it has none."""
    one = quantile.interval
    if one.estimate is None or one.lower is None or one.upper is None:
        return Spot(x, None)
    return Spot(x, one.estimate * MS, one.lower * MS, one.upper * MS)


def limit_rules(
    answers: LatencyAnswers, dataset: str, along: str, *, rates: bool = False, within: float = 0.0
) -> tuple[Rule, ...]:
    """Return the configured latency limits of a dataset as reference lines.

    Parameters
    ----------
    along
        ``x`` for an axis of latencies that is horizontal, else ``y``.
    rates
        Whether those for calls that arrive at a rate are meant, instead of those for one call at a time.
    within
        Limits above this many milliseconds are left out; 0 for none.
    """
    found = dict.fromkeys(
        (row.limit_s * MS, row.quantile)
        for row in answers.limits
        if row.dataset == dataset and (row.rate_per_s is not None) is rates
    )
    return tuple(
        Rule(
            limit, "x" if along == "x" else "y", f"p{quantile * 100:g} limit {limit:g} ms", "limit", "dashed"
        )
        for limit, quantile in found
        if not within or limit <= within
    )


def system_names(count: int) -> str:
    """Return ``system`` or ``systems`` with the number."""
    return f"{count} system{'s' if count != 1 else ''}"
