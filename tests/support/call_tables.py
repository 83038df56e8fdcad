"""Rows of ``calls.parquet`` , built by hand: what a test does not name is null or plain."""

from __future__ import annotations

from typing import Any

from evalkit.results.arrow_columns import to_numpy
from evalkit.results.calls_table import with_latency
from evalkit.results.parquet import to_table
from evalkit.results.raw_tables import CALLS
from evalkit.results.rows import Rows


def call(**changes: Any) -> dict[str, Any]:
    """Return a successful call of the quality pass that took one second, for 10 documents."""
    row: dict[str, Any] = dict.fromkeys(CALLS)
    row |= {
        "dataset": "d", "reranker": "r", "query_id": "q", "pass": "quality", "batch_size": 10, "filled": 0,
        "concurrency": 1, "attempt": 1, "status": "ok", "scheduled_s": 0.0, "start_s": 0.0, "end_s": 1.0,
    }  # fmt: skip
    return row | changes


def timed_call(number: int, seconds: float, **changes: Any) -> dict[str, Any]:
    """Return a call of the latency pass with a query and a start of its own; documents have 100 characters each."""
    row = {
        "pass": "latency", "query_id": f"q{number}", "round": 0, "scheduled_s": 100.0 * number,
        "document_characters": 100 * changes.get("batch_size", 10),
    }  # fmt: skip
    start = changes.get("scheduled_s", row["scheduled_s"])
    return call(**row | {"start_s": start, "end_s": start + seconds} | changes)


def calls_table(*rows: dict[str, Any]) -> Rows:
    """Return the calls as `ResultFolder.read_call_rows` does."""
    columns = {name: [row[name] for row in rows] for name in CALLS}
    table = to_table(CALLS, columns)
    texts = [name for name, kind in CALLS.items() if kind == "string"]
    coded = {
        name: table[name].dictionary_encode() if name in texts else table[name] for name in table.column_names
    }
    return with_latency(Rows({name: to_numpy(column) for name, column in coded.items()}))
