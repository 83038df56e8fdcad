"""What was timed, as tables. Every percentile carries the name of its loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.report.tables import NO_VALUE, Table, dollars, milliseconds, quantile_text
from evalkit.summaries.latency_cells import PARTS

Row = Mapping[str, Any]
_QUANTILES = ("p50_s", "p90_s", "p95_s", "p99_s")
VERDICTS = {"PASS": "holds", "FAIL": "broken", "CANNOT TELL": "cannot tell", "NOT MEASURED": "not measured"}


def latency_tables(summary: Row, answers: Row) -> list[Table]:
    """Return the tables a user decides by: latency of each batch, response times under load, claims."""
    tables: list[Table] = []
    for entry in summary["datasets"]:
        rows = [row for row in summary["latency"] if row["dataset"] == entry["name"]]
        closed = sorted((r for r in rows if r["loop"] == "closed"), key=_closed_order)
        opened = [r for r in rows if r["loop"] == "open"]
        if closed:
            tables.append(_closed(entry["name"], closed))
        if opened:
            tables.append(_open(entry["name"], opened, answers))
    return [*tables, *_claims(answers)]


def _closed_order(row: Row) -> tuple[Any, ...]:
    return row["reranker"], row["length_bucket"] or 0, row["concurrency"], row["batch_size"]


def _shown(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the quantiles of a table: p99 only where somebody has it."""
    held = any(row["p99_s"]["estimate"] is not None for row in rows)
    return _QUANTILES if held else _QUANTILES[:3]


def _closed(dataset: str, rows: Sequence[Row]) -> Table:
    by_length = any(row["length_bucket"] for row in rows)
    shown = _shown(rows)
    cells = []
    for row in rows:
        length = (_length(row),) if by_length else ()
        quantiles = (quantile_text(row[q]) for q in shown)
        cells.append(
            (
                row["reranker"],
                *length,
                str(row["batch_size"]),
                str(row["concurrency"]),
                *quantiles,
                milliseconds(row["max_s"]),
                _calls(row),
            )
        )
    columns = (
        "reranker",
        *(("documents of",) if by_length else ()),
        "batch size",
        "in flight",
        *(q.removesuffix("_s") for q in shown),
        "max",
        "calls",
    )
    return Table(
        f"{dataset}: latency by batch size (ms)",
        columns,
        tuple(cells),
        _closed_note(rows),
        left=2 if by_length else 1,
    )


def _closed_note(rows: Sequence[Row]) -> str:
    level = f"{rows[0]['confidence']:.0%}"
    note = (
        "Milliseconds of one call in a closed loop (the next call follows when one is back), from having the request's"
        f" body to having the reply's, with {level} intervals "
    )
    repeats = any(row["queries"] < row["calls"] - row["failed"] for row in rows)
    note += (
        "bootstrapped over queries, which repeat."
        if repeats
        else "by order statistics; every call has a query of its own."
    )
    fewest = min(row["calls"] for row in rows)
    if rows[0]["asked"] is not None and fewest < rows[0]["asked"]:
        note += f" {rows[0]['asked']} calls were asked for; the queries suffice for {fewest}."
    filled = sum(row["filled_calls"] for row in rows)
    if filled:
        note += f" Calls whose batch was filled up with other documents of the collection: {filled}."
    return note


def _length(row: Row) -> str:
    about = row["characters_per_document"]
    size = "" if about is None else f"about {about:.0f} characters"
    return size if row["length_bucket"] else f"all lengths, {size}"


def _calls(row: Row) -> str:
    failed = f" ({row['failed']} failed)" if row["failed"] else ""
    return f"{row['calls']}{failed}"


def _open(dataset: str, rows: Sequence[Row], answers: Row) -> Table:
    shown = _shown(rows)
    verdicts = {
        (one["dataset"], one["reranker"], one["rate_per_s"]): one["verdict"]
        for one in answers["limits"]
        if one["rate_per_s"] is not None
    }
    cells = [
        (
            row["reranker"],
            f"{row['rate_per_s']:.3g}",
            str(row["batch_size"]),
            *(quantile_text(row[q]) for q in shown),
            milliseconds(row["max_s"]),
            f"{row['calls_per_s']['mean']:.3g}" if row["calls_per_s"]["mean"] else NO_VALUE,
            _calls(row),
            *((verdicts[key],) if (key := (dataset, row["reranker"], row["rate_per_s"])) in verdicts else ()),
        )
        for row in rows
    ]
    columns = (
        "reranker", "arrivals per s", "batch size", *(q.removesuffix("_s") for q in shown), "max", "served per s",
        "calls", *((limit_text(answers["limits"][0]),) if verdicts else ()),
    )  # fmt: skip
    note = (
        "Milliseconds from when a call was due to when its reply was there, in an open loop: calls arrive at random"
        f" times at this rate, whether or not earlier ones are back. Intervals: {rows[0]['confidence']:.0%}; calls that"
        " queue for the same server are not independent, so that under a heavy load they are too narrow."
    )
    return Table(f"{dataset}: response time under load (ms)", columns, tuple(cells), note)


def limit_text(one: Row) -> str:
    """Return a limit in words."""
    return f"{one['quantile'] * 100:.4g} % in {milliseconds(one['limit_s'])} ms"


def _claims(answers: Row) -> list[Table]:
    if not answers["claims"]:
        return []
    cells = []
    for one in answers["claims"]:
        measured = one["verdict"] != "NOT MEASURED"
        cells.append(
            (
                one["dataset"],
                one["reranker"],
                one["claim"],
                str(one["batch_size"]) if measured else NO_VALUE,
                f"{one['quantile']:.0%} of calls" if measured else NO_VALUE,
                VERDICTS[one["verdict"]],
                late_text(one) if measured else f"time batch sizes from {one['fewest']} to {one['most']}",
                str(one["n"]),
            )
        )
    routes = ", ".join(dict.fromkeys(f"{one['reranker']}: {one['route']}" for one in answers["claims"]))
    note = (
        "Held against single calls, from this machine and by this route"
        f" ({routes}). A claim is judged twice, as nobody says which calls it is about: it holds for a share of calls"
        f" where no more than the rest are late beyond doubt ({answers['confidence']:.0%}, exact binomial bounds)."
    )
    columns = (
        "dataset",
        "reranker",
        "what is promised",
        "batch size",
        "for",
        "verdict",
        "late calls",
        "n",
    )
    return [Table("Claims", columns, tuple(cells), note, left=3)]


def late_text(one: Row) -> str:
    """Return a share of late calls with its bounds."""
    return f"{one['late']:.1%} [{one['lower']:.1%}, {one['upper']:.1%}]"


def latency_details(summary: Row, answers: Row) -> list[Table]:
    """Return the tables behind them: where the time goes, throughput, ratios, cost, flags."""
    rows = summary["latency"]
    found = (_parts(rows), _throughput(rows), _ratios(answers), _costs(answers), _flags(rows))
    return [table for table in found if table.rows]


def _load(row: Row) -> str:
    if row["rate_per_s"] is not None:
        return f"{row['rate_per_s']:.3g} arrivals per s"
    length = f", length {row['length_bucket']}" if row["length_bucket"] else ""
    return f"{row['concurrency']} in flight{length}"


def _parts(rows: Sequence[Row]) -> Table:
    shown = [part for part in PARTS if any(row["parts"][part] is not None for row in rows)]
    cells = tuple(
        (
            row["dataset"],
            row["reranker"],
            str(row["batch_size"]),
            _load(row),
            *(milliseconds(row["parts"][part]) for part in shown),
            milliseconds(row["first_call_s"]),
            str(row["warmup_calls"]),
            NO_VALUE if row["connections_opened"] is None else str(row["connections_opened"]),
            str(row["retried"]),
        )
        for row in rows
    )
    note = (
        "Medians in milliseconds. Client: writing and reading JSON here, in no latency. Sending, waiting for the first"
        " byte and receiving make up the latency. Server: what the server says the whole request took; wire: the"
        " latency without that. First call: of this batch size and load, before warming up. A retried attempt is in"
        " no latency."
    )
    columns = (
        "dataset", "reranker", "batch size", "load", *shown, "first call", "warm-up calls", "connections opened",
        "retried",
    )  # fmt: skip
    return Table("Where the time goes", columns, cells if shown else (), note, left=2)


def _throughput(rows: Sequence[Row]) -> Table:
    names = ("calls_per_s", "documents_per_s", "tokens_per_s")
    shown = [name for name in names if any(row[name] is not None for row in rows)]
    cells = tuple(
        (
            row["dataset"],
            row["reranker"],
            str(row["batch_size"]),
            _load(row),
            *(rate_text(row[name]) for name in shown),
        )
        for row in rows
    )
    columns = (
        "dataset",
        "reranker",
        "batch size",
        "load",
        *(name.removesuffix("_per_s") + " per s" for name in shown),
    )
    note = "Mean over rounds, from the first call of a round to the last, with t intervals over rounds."
    return Table("Throughput", columns, cells, note, left=2)


def rate_text(interval: Row | None) -> str:
    """Return a rate with its interval."""
    if interval is None or interval["mean"] is None:
        return NO_VALUE
    text = f"{interval['mean']:,.3g}" if interval["mean"] < 1000 else f"{interval['mean']:,.0f}"
    if interval["lower"] is None:
        return text
    bounds = (max(interval["lower"], 0.0), interval["upper"])
    low, high = (f"{x:,.3g}" if x < 1000 else f"{x:,.0f}" for x in bounds)
    return f"{text} [{low}, {high}]"


def _ratios(answers: Row) -> Table:
    cells = tuple(
        (
            one["dataset"],
            one["contender"],
            one["baseline"],
            str(one["batch_size"]),
            str(one["concurrency"]),
            ratio_text(one),
            _slower(one),
            str(one["n"]),
        )
        for one in answers["ratios"]
        if one["ratio"] is not None
    )
    note = (
        "Latency of the first by that of the second: in each round the median over the same queries, then the mean over"
        f" rounds with its t interval ({answers['confidence']:.0%}). Seconds of different runs are never compared."
    )
    columns = ("dataset", "reranker", "against", "batch size", "in flight", "ratio", "", "rounds")
    return Table("Latency ratios", columns, cells, note, left=3)


def ratio_text(one: Row) -> str:
    """Return a ratio with its interval."""
    if one["lower"] is None:
        return f"{one['ratio']:.2f}"
    return f"{one['ratio']:.2f} [{one['lower']:.2f}, {one['upper']:.2f}]"


def _slower(one: Row) -> str:
    if one["lower"] is None or one["lower"] <= 1 <= one["upper"]:
        return "cannot tell"
    return "slower" if one["lower"] > 1 else "faster"


def _costs(answers: Row) -> Table:
    cells = tuple(
        (
            one["dataset"],
            one["reranker"],
            str(one["batch_size"]),
            str(one["concurrency"]),
            dollars(one["usd_per_thousand_queries"])
            + ("" if one["lower"] is None else f" [{dollars(one['lower'])}, {dollars(one['upper'])}]"),
            one["source"],
            str(one["n"]),
        )
        for one in answers["costs"]
    )
    note = (
        "One call a query. From calls: what they were billed, n calls. From a machine's price: while as many calls are"
        " kept in flight, with the interval of its throughput over n rounds."
    )
    columns = (
        "dataset",
        "reranker",
        "batch size",
        "in flight",
        "a thousand queries",
        "by the price of",
        "n",
    )
    return Table("Cost by batch size", columns, cells, note, left=2)


def _flags(rows: Sequence[Row]) -> Table:
    cells = tuple(
        (row["dataset"], row["reranker"], str(row["batch_size"]), _load(row), "; ".join(row["flags"]))
        for row in rows
        if row["flags"]
    )
    note = (
        "Outliers lie beyond the third quartile by more than three times the distance of the quartiles: they are"
        " counted here and dropped nowhere."
    )
    return Table(
        "What to know of these timings",
        ("dataset", "reranker", "batch size", "load", "found"),
        cells,
        note,
        left=2,
    )
