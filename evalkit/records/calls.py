"""The record of one call, kept whether it succeeded or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pass = Literal["quality", "warmup", "latency", "check"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a reranker; a row of ``calls.parquet``.

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
    status: Literal["ok", "failed"]
    error: str | None
    http_status: int | None
    tokens: int | None
    server_s: float | None
    model: str | None
    conn_reused: bool | None

    @property
    def latency_s(self) -> float:
        """Seconds from sending the request to having its scores."""
        return self.end_s - self.start_s
