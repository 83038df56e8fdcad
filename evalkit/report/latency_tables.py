"""Tables of timed calls; closed and open loops have separate tables."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.latency import CALLS_NEAR_CAPACITY, MIN_GROUPS, OPEN_PARTS, calls_per_group
from evalkit.report.numbers import (
    NO_VALUE,
    dollars,
    interval_text,
    level_text,
    milliseconds,
    quantile_text,
    rate_text,
    value_text,
)
from evalkit.report.table import Table
from evalkit.results.latency_document import ClaimRow, LatencyAnswers, LimitRow
from evalkit.results.summary_document import LatencyParts, LatencyRow, Summary
from evalkit.stats import Interval

VERDICTS = {"PASS": "kept", "FAIL": "broken", "CANNOT TELL": "undecided", "NOT MEASURED": "not measured"}


def latency_tables(summary: Summary, answers: LatencyAnswers) -> list[Table]:
    """Return the main tables: latency by batch size, response times under load, claims."""
    tables: list[Table] = []
    for entry in summary.datasets:
        rows = [row for row in summary.latency if row.dataset == entry.name]
        closed = sorted((r for r in rows if r.loop == "closed"), key=_closed_order)
        opened = [r for r in rows if r.loop == "open"]
        if closed:
            tables.append(_closed(entry.name, closed))
        if opened:
            tables.append(_open(entry.name, opened, answers))
    return [*tables, *_claims(answers)]


def _closed_order(row: LatencyRow) -> tuple[str, int, int, int]:
    return row.reranker, row.length_bucket or 0, row.concurrency or 0, row.batch_size


def _shown(rows: Sequence[LatencyRow]) -> tuple[str, ...]:
    """Return the names of a table's quantiles: p99 only if a row has it."""
    has_p99 = any(row.p99_s.estimate is not None for row in rows)
    return ("p50", "p90", "p95", "p99") if has_p99 else ("p50", "p90", "p95")


def _closed(dataset: str, rows: Sequence[LatencyRow]) -> Table:
    by_length = any(row.length_bucket for row in rows)
    several = any(row.concurrency != 1 for row in rows)
    shown = _shown(rows)
    cells = []
    for row in rows:
        length = (_length(row),) if by_length else ()
        quantiles = (quantile_text(row.quantiles[q]) for q in shown)
        cells.append(
            (
                row.reranker,
                *length,
                str(row.batch_size),
                *((str(row.concurrency),) if several else ()),
                *quantiles,
                milliseconds(row.max_s),
                _calls(row),
            )
        )
    columns = (
        "reranker",
        *(("document length",) if by_length else ()),
        "batch size",
        *(("concurrent calls",) if several else ()),
        *shown,
        "max",
        "calls",
    )
    return Table(
        f"{dataset}: latency by batch size (ms)",
        columns,
        tuple(cells),
        _closed_note(rows),
        left=2 if by_length else 1,
        keys=2 + by_length + several,
        dataset=dataset,
    )


def _closed_note(rows: Sequence[LatencyRow]) -> str:
    level = level_text(rows[0].confidence)
    note = (
        f"One call from request sent to full response received, with {level} intervals; the next call starts when one"
        f" ends. {_widths_note(rows)}"
    )
    fewest = min(row.calls for row in rows)
    if rows[0].asked is not None and fewest < rows[0].asked:
        note += f" The dataset has queries for {fewest} of the {rows[0].asked} configured calls."
    filled = sum(row.filled_calls for row in rows)
    if filled:
        note += f" {filled} calls were filled up with other documents of the collection."
    return note


def _widths_note(rows: Sequence[LatencyRow]) -> str:
    """Return what the intervals of percentiles are based on, and how often differences between rounds decide."""
    shown = [row.quantiles[name] for row in rows for name in _shown(rows)]
    repeats = any(row.queries < row.calls - row.failed for row in rows)
    note = (
        "Intervals add the differences between queries (bootstrap) and between rounds (Student's t)."
        if repeats
        else "Each interval is the wider of two: over all calls (order statistics) and over the differences between"
        " rounds (Student's t)."
    )
    if any(one.missing == "rounds" for one in shown):
        sizes = ", ".join(f"{calls_per_group(p)} for p{p * 100:.0f}" for p in (0.5, 0.9, 0.95, 0.99))
        note += (
            f" An interval needs {MIN_GROUPS} rounds, or groups of rounds, with enough calls each: {sizes}."
        )
    return note


def _length(row: LatencyRow) -> str:
    about = row.characters_per_document
    size = "" if about is None else f"about {about:.0f} characters"
    return size if row.length_bucket else f"all lengths, {size}"


def _calls(row: LatencyRow) -> str:
    failed = f" ({row.failed} failed)" if row.failed else ""
    return f"{row.calls}{failed}"


def _open(dataset: str, rows: Sequence[LatencyRow], answers: LatencyAnswers) -> Table:
    shown = _shown(rows)
    verdicts = {
        (one.dataset, one.reranker, one.rate_per_s): one.verdict
        for one in answers.limits
        if one.rate_per_s is not None
    }
    cells = [
        (
            row.reranker,
            f"{row.rate_per_s:.3g}",
            str(row.batch_size),
            *(quantile_text(row.quantiles[q]) for q in shown),
            milliseconds(row.max_s),
            value_text(row.calls_per_s.estimate or None, ".3g"),
            _calls(row),
            *((verdicts[key],) if (key := (dataset, row.reranker, row.rate_per_s)) in verdicts else ()),
        )
        for row in rows
    ]
    columns = (
        "reranker", "arrivals per s", "batch size", *shown, "max", "served per s",
        "calls", *((limit_text(answers.limits[0]),) if verdicts else ()),
    )  # fmt: skip
    note = (
        "From the scheduled start to the full response. Calls arrive at random times, regardless of calls in flight."
        f" Intervals: {level_text(rows[0].confidence)}; {OPEN_PARTS} parts of the schedule take the place of rounds."
        " Near"
        f" capacity, intervals from fewer than {CALLS_NEAR_CAPACITY} calls are too narrow. {_widths_note(rows)}"
    )
    return Table(f"{dataset}: response time under load (ms)", columns, tuple(cells), note, dataset=dataset)


def limit_text(limit: LimitRow) -> str:
    """Return a limit in words."""
    return f"p{limit.quantile * 100:.4g} of at most {milliseconds(limit.limit_s)} ms"


def _claims(answers: LatencyAnswers) -> list[Table]:
    if not answers.claims:
        return []
    cells = [
        (
            one.dataset,
            one.reranker,
            one.claim,
            NO_VALUE if one.batch_size is None else str(one.batch_size),
            NO_VALUE if one.quantile is None else f"{one.quantile:.0%} of calls",
            VERDICTS[one.verdict],
            f"{late_text(one.late)}{rounds_text(one)}"
            if one.verdict != "NOT MEASURED"
            else f"add batch sizes from {one.fewest} to {one.most}",
            str(one.late.n),
        )
        for one in answers.claims
    ]
    routes = ", ".join(dict.fromkeys(f"{one.reranker}: {one.route}" for one in answers.claims))
    note = (
        f"Tested with single calls from this machine ({routes}). A claim is kept if the share of late calls is below"
        f" the limit with {level_text(answers.confidence)} confidence (the wider of exact binomial bounds and"
        " Student's t over rounds)."
    )
    columns = (
        "dataset",
        "reranker",
        "claim",
        "batch size",
        "share of calls",
        "verdict",
        "late calls",
        "calls",
    )
    return [Table("Claims", columns, tuple(cells), note, left=3)]


def rounds_text(one: LimitRow | ClaimRow) -> str:
    """Return why rounds leave a verdict open that the late calls alone would decide; nothing if they do not."""
    if one.decided_by != "rounds" or one.quantile is None:
        return ""
    if one.upper_by_rounds_s is None:
        return " (too few rounds)"
    return f" (rounds differ: p{one.quantile * 100:.4g} is up to {milliseconds(one.upper_by_rounds_s)} ms)"


def late_text(late: Interval) -> str:
    """Return a share of late calls with its bounds."""
    return interval_text(late, ".1%")


def latency_details(summary: Summary, answers: LatencyAnswers) -> list[Table]:
    """Return the detail tables: parts of a call, throughput, ratios, cost, flags; empty ones are left out."""
    rows = summary.latency
    tables = (_parts(rows), _throughput(rows), _ratios(answers), _costs(answers), _flags(rows))
    return [table for table in tables if table.rows]


def _load(row: LatencyRow) -> str:
    if row.rate_per_s is not None:
        return f"{row.rate_per_s:.3g} arrivals per s"
    length = f", length {row.length_bucket}" if row.length_bucket else ""
    return f"{row.concurrency} concurrent call{'s' * (row.concurrency != 1)}{length}"


_PARTS = tuple(LatencyParts.__dataclass_fields__)
"""Parts of a call, in the order in which they are shown."""


def _parts(rows: Sequence[LatencyRow]) -> Table:
    shown = [part for part in _PARTS if any(getattr(row.parts, part) is not None for row in rows)]
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            str(row.batch_size),
            _load(row),
            *(milliseconds(getattr(row.parts, part)) for part in shown),
            milliseconds(row.first_call_s),
            str(row.warmup_calls),
            NO_VALUE if row.connections_opened is None else str(row.connections_opened),
            str(row.retried),
        )
        for row in rows
    )
    note = (
        "Medians in milliseconds. Latency = sending + waiting for the first byte + receiving. Client: writing and"
        " reading"
        " JSON, not part of the latency. Server: as the server reports it; wire: latency minus server. First call:"
        " before the warm-up. Retries are excluded."
    )
    columns = (
        "dataset", "reranker", "batch size", "load", *shown, "first call", "warm-up calls", "connections opened",
        "retried",
    )  # fmt: skip
    return Table("Parts of a call", columns, cells if shown else (), note, left=2)


def _throughput(rows: Sequence[LatencyRow]) -> Table:
    with_tokens = any(row.tokens_per_s is not None for row in rows)
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            str(row.batch_size),
            _load(row),
            rate_text(row.calls_per_s),
            rate_text(row.documents_per_s),
            *((rate_text(row.tokens_per_s),) if with_tokens else ()),
        )
        for row in rows
    )
    columns = (
        "dataset", "reranker", "batch size", "load", "calls per s", "documents per s",
        *(("tokens per s",) if with_tokens else ()),
    )  # fmt: skip
    note = "Means over rounds with Student's t intervals."
    return Table("Throughput", columns, cells, note, left=2)


def _ratios(answers: LatencyAnswers) -> Table:
    cells = tuple(
        (
            one.dataset,
            one.contender,
            one.baseline,
            str(one.batch_size),
            str(one.concurrency),
            interval_text(one.ratio, ".2f"),
            _slower(one.ratio),
            str(one.ratio.n),
        )
        for one in answers.ratios
        if one.ratio.estimate is not None
    )
    note = (
        "Latency of the reranker divided by that of the other: medians over the same queries in each round, then the"
        " mean"
        f" over rounds with its {level_text(answers.confidence)} interval (Student's t)."
    )
    columns = (
        "dataset",
        "reranker",
        "compared with",
        "batch size",
        "concurrent calls",
        "ratio",
        "verdict",
        "rounds",
    )
    return Table("Latency ratios", columns, cells, note, left=3)


def _slower(ratio: Interval) -> str:
    if ratio.lower is None or ratio.upper is None or ratio.lower <= 1 <= ratio.upper:
        return "not significant"
    return "slower" if ratio.lower > 1 else "faster"


def _costs(answers: LatencyAnswers) -> Table:
    cells = tuple(
        (
            one.dataset,
            one.reranker,
            str(one.batch_size),
            str(one.concurrency),
            _dollars(one.usd_per_thousand_queries),
            one.source,
            str(one.usd_per_thousand_queries.n),
        )
        for one in answers.costs
    )
    note = (
        "One call per query. Source calls: as billed, over n calls. Source machine: its price divided by its"
        " throughput,"
        " over n rounds."
    )
    columns = (
        "dataset",
        "reranker",
        "batch size",
        "concurrent calls",
        "$ per 1,000 queries",
        "source",
        "n",
    )
    return Table("Cost by batch size", columns, cells, note, left=2)


def _dollars(cost: Interval) -> str:
    """Return a cost with its bounds; the upper bound may be unknown although the lower one is known."""
    if cost.lower is None:
        return dollars(cost.estimate)
    return f"{dollars(cost.estimate)} [{dollars(cost.lower)}, {dollars(cost.upper)}]"


def _flags(rows: Sequence[LatencyRow]) -> Table:
    cells = tuple(
        (row.dataset, row.reranker, str(row.batch_size), _load(row), "; ".join(row.flags))
        for row in rows
        if row.flags
    )
    note = "Outliers exceed the third quartile by more than three interquartile ranges. They are not removed."
    return Table(
        "Notes on the timings",
        ("dataset", "reranker", "batch size", "load", "note"),
        cells,
        note,
        left=2,
    )
