"""The record of one call, kept whether it succeeded or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.records.rerank import ServerTime, Timeline, Usage

Pass = Literal["quality", "precision", "warmup", "latency", "check"]
Scenario = Literal["single_stream", "offline", "server"]
"""MLPerf's names: one call after the other; so many kept in flight; arrivals at a rate, whoever is still out."""
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
        Which pass made the call: ``quality``, ``precision`` (the same in fp32), ``warmup``, ``latency`` or ``check``.
    batch_size
        Documents sent.
    filled
        How many of them were not candidates of the query but other documents of the
        collection, put in to fill the batch.
    concurrency
        Calls kept in flight; None where calls arrive at a rate.
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
    timeline
        Stations between start and end; None for a backend in this process, and for a call that failed.
    length_bucket
        Which of the length buckets its documents are from, from 1; None for documents as they come.
    rate_per_s
        Arrivals per second where they do not wait for each other; None elsewhere.
    document_characters
        Characters of all documents sent.
    truncated_documents
        Documents of which, with their query, the model did not read everything; None where nobody knows.
    """

    dataset: str
    reranker: str
    query_id: str
    pass_: Pass
    batch_size: int
    filled: int
    concurrency: int | None
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
    timeline: Timeline | None = None
    length_bucket: int | None = None
    rate_per_s: float | None = None
    document_characters: int | None = None
    truncated_documents: int | None = None

    @property
    def latency_s(self) -> float:
        """Seconds from having the request's body to having the reply's; in this process, of the whole call.

        What this process does before and after, writing and reading JSON, is no time of the backend's.
        """
        if self.timeline is None:
            return self.end_s - self.start_s
        return self.timeline.body_s - self.timeline.encoded_s

    @property
    def scenario(self) -> Scenario:
        """How its cell was asked."""
        if self.rate_per_s is not None:
            return "server"
        return "single_stream" if self.concurrency == 1 else "offline"
