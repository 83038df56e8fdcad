"""Differences to the baseline as charts: the means with their intervals, and the queries that gain and lose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalkit.charts.chart import Axis, Bar, Bars, Chart, Panel, Points, Rule, Spot, Tick, Zone
from evalkit.charts.palette import system_roles
from evalkit.charts.scales import number_text
from evalkit.comparison import Comparison, Plan
from evalkit.file_names import file_part, system_part
from evalkit.report.numbers import level_text
from evalkit.results.comparison_document import Comparisons, DatasetComparisons, VersionComparisons

_EDGE_TICKS = 4
"""Largest number of labels on each side of a histogram."""


def comparison_charts(compared: Comparisons) -> list[Chart]:
    """Return all charts of a comparison on its own."""
    versions = isinstance(compared, VersionComparisons)  # one comparison each, of the same name
    return [*([] if versions else difference_charts(compared)), *change_charts(compared)]


def difference_charts(compared: Comparisons, roles: Mapping[str, str] | None = None) -> list[Chart]:
    """Return the differences on each dataset, a row for each system; `roles` are those of the report."""
    return [
        _differences(entry, compared.plan, roles or _own_roles(entry, compared.plan))
        for entry in compared.datasets
        if any(map(_is_known, entry.comparisons))
    ]


def _is_known(one: Comparison) -> bool:
    return one.difference is not None and one.has_evidence


def _own_roles(entry: DatasetComparisons, plan: Plan) -> dict[str, str]:
    return system_roles([one.contender for one in entry.comparisons], plan.baseline)


def _differences(entry: DatasetComparisons, plan: Plan, roles: Mapping[str, str]) -> Chart:
    rows = sorted(
        filter(_is_known, entry.comparisons),
        key=lambda one: -(one.difference or 0.0),
    )
    marks = [
        Points(
            one.contender, roles.get(one.contender, "ink"),
            (Spot(one.difference or 0.0, place, left=one.joint_change.lower, right=one.joint_change.upper,
                  text=_difference_text(one)),),
            named=False,
        )
        for place, one in enumerate(rows)
    ]  # fmt: skip
    names = tuple(Tick(place, one.contender) for place, one in enumerate(rows))
    margin = Zone(-plan.margin, plan.margin, "x")
    return Chart(
        name=f"{file_part(entry.dataset)}.differences",
        title=f"{entry.dataset}: difference to {plan.baseline}",
        caption=(
            f"Mean paired difference to {plan.baseline} with simultaneous {level_text(plan.confidence)} intervals."
            f" The shaded range is the margin of {plan.margin:g}."
        ),
        x=Axis(f"difference in {plan.primary}", form="signed", zero=True),
        panels=(Panel(Axis("", "category", ticks=names), (margin, Rule(0.0, "x", role="ink"), *marks)),),
        rows=tuple(
            {"system": one.contender, "difference": one.difference, "lower": one.joint_change.lower,
             "upper": one.joint_change.upper, "n": one.n, "verdict": one.verdict}
            for one in rows
        ),
        stops_by="spot",
    )  # fmt: skip


def _difference_text(one: Comparison) -> tuple[str, ...]:
    change = one.joint_change
    bounds = (
        "" if change.lower is None or change.upper is None else f" [{change.lower:+.6g}, {change.upper:+.6g}]"
    )
    return one.contender, f"difference: {one.difference or 0.0:+.6g}{bounds}", f"queries: {one.n}"


def change_charts(compared: Comparisons) -> list[Chart]:
    """Return the histogram of per-query differences for each dataset and contender.

    The systems of two versions are called before and after, so their charts have the name of the reranker.
    """
    tag = compared.reranker.after if isinstance(compared, VersionComparisons) else None
    return [
        _changes(one, tag or one.contender)
        for entry in compared.datasets
        for one in entry.comparisons
        if one.histogram is not None
    ]


def _changes(one: Comparison, system: str) -> Chart:
    counts = f"{one.contender} is better on {one.wins} of {one.n} queries, worse on {one.losses}, equal on {one.ties}."
    return Chart(
        name=f"{system_part(one.dataset, system)}.query-changes",
        title=f"{one.dataset}: queries that {system} changes",
        caption=f"{counts} Bars count queries by their difference: losses left, equal queries at 0, wins right.",
        x=Axis(f"difference in {one.metric} to {one.baseline}", ticks=tuple(_edges(one))),
        panels=(Panel(Axis("queries", zero=True), (Bars(tuple(_bars(one))),)),),
        rows=tuple(_rows(one)),
        summary=counts,
        stops_by="spot",
    )


def _reach(one: Comparison) -> int:
    """Return the number of bins on each side, the same for both."""
    found = one.histogram
    return max(len(found.losses), len(found.wins), 1) if found else 1


def _edges(one: Comparison) -> Iterator[Tick]:
    """Yield the edges of the bins; those of the middle bar, which is no range, share the label 0."""
    width, reach = (one.histogram.width if one.histogram else 1.0), _reach(one)
    every = -(-reach // _EDGE_TICKS)
    for place in range(every, reach + 1, every):
        for sign in (-1, 1):
            yield Tick(sign * (place + 0.5), number_text(sign * place * width, "signed", width))
    yield Tick(0.0, "0")


def _bars(one: Comparison) -> Iterator[Bar]:
    """Yield a bar of width 1 for each bin, the unchanged queries around 0."""
    for row in _rows(one):
        place, queries = int(row["place"]), int(row["queries"])
        role = "good" if place > 0 else "bad" if place < 0 else "muted"
        span = f"{row['from']:+.6g} to {row['to']:+.6g}" if place else "unchanged"
        text = (span, f"{queries} {'query' if queries == 1 else 'queries'}")
        yield Bar(place - 0.5, place + 0.5, queries, role, str(queries) if queries else "", text)


def _rows(one: Comparison) -> Iterator[dict[str, float]]:
    """Yield place, edges and count of every bin."""
    found, reach = one.histogram, _reach(one)
    if found is None:
        return
    for place in range(-reach, reach + 1):
        counts = found.wins if place > 0 else found.losses
        bin_of = abs(place) - 1
        queries = one.ties if place == 0 else counts[bin_of] if bin_of < len(counts) else 0
        near, far = (max(bin_of, 0) * found.width, abs(place) * found.width)
        low, high = (near, far) if place >= 0 else (-far, -near)
        yield {"place": place, "from": low, "to": high, "queries": queries}
