"""The record of one call, kept whether it succeeded or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.records.rerank import ServerTime, Usage

Pass = Literal["quality", "warmup", "latency", "check"]
Status = Literal["ok", "failed", "retried"]
"""``retried`` is an attempt that failed and was followed by another; ``failed`` was the last one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one call to a reranker; a row of ``calls.parquet``.

    Times are float64 seconds of one monotonic clock with an arbitrary origin: only differences
    mean anything. Unknown is None, never 0.

    Attributes
    ----------
    pass_
        Which pass made the call: ``quality``, ``warmup``, ``latency`` or ``check``.
    batch_size
        Documents sent.
    filled
        How many of them were not candidates of the query but other documents of the
        collection, put in to fill the batch.
    round
        Round of the latency pass, from 0; None elsewhere.
    attempt
        From 1.
    scheduled_s, start_s, end_s
        When it was due, when it was sent (after waiting for its turn), when its scores were there.
    usage, server_times
        What the backend said it billed, and how long it worked.
    cost_usd
        From the configured price, else as the backend reported it.
    list_sorted
        Whether the backend's list came best first.
    """

    dataset: str
    reranker: str
    query_id: str
    pass_: Pass
    batch_size: int
    filled: int
    concurrency: int
    round: int | None
    attempt: int
    scheduled_s: float
    start_s: float
    end_s: float
    status: Status
    error: str | None
    http_status: int | None
    usage: Usage
    cost_usd: float | None
    server_s: float | None
    server_times: tuple[ServerTime, ...]
    model: str | None
    conn_reused: bool | None
    list_sorted: bool | None

    @property
    def latency_s(self) -> float:
        """Seconds from sending the request to having its scores."""
        return self.end_s - self.start_s
