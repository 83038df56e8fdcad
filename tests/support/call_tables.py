"""Rows of ``calls.parquet`` as a data frame, built by hand: what a test does not name is null or plain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.results.parquet import to_table
from evalkit.results.raw_tables import CALLS

if TYPE_CHECKING:
    import pandas as pd


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


def calls_table(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return the calls as `ResultFolder.read_calls` does."""
    columns = {name: [row[name] for row in rows] for name in CALLS}
    calls: pd.DataFrame = to_table(CALLS, columns).to_pandas()
    received, sent = calls["body_s"].fillna(calls["end_s"]), calls["encoded_s"].fillna(calls["start_s"])
    return calls.assign(latency_s=received - sent)
