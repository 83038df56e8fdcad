"""The record of one call to a reranker, successful or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from evalkit.records.amounts import known_amount
from evalkit.records.rerank import ServerTime, Timeline, Usage

Pass = Literal["quality", "precision", "warmup", "latency", "check"]
Scenario = Literal["single_stream", "offline", "server"]
"""MLPerf's names: one call at a time; a fixed number in flight; arrivals at a rate, regardless of calls in flight."""
Status = Literal["ok", "failed", "retried"]
"""``retried``: the attempt failed and another followed; ``failed``: the last attempt failed."""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one call to a reranker; a row of ``calls.parquet``.

    Times are float64 seconds of one monotonic clock with an arbitrary origin, so only differences are meaningful.
    An unknown value is None, never 0.

    Attributes
    ----------
    pass_
        The pass that made the call: ``quality``, ``precision`` (quality again in fp32), ``warmup``, ``latency`` or
        ``check``.
    batch_size
        Number of documents sent.
    filled
        Number of documents that are not candidates of the query: other documents of the collection that fill the
        batch.
    concurrency
        Calls in flight; None if calls arrive at a rate.
    round
        Round of the latency pass, from 0; None in other passes.
    attempt
        Attempt number, from 1.
    scheduled_s, start_s, end_s
        When the call was due, when it was sent (after waiting for a free slot), and when its scores were complete.
    usage, server_times
        Usage that the backend billed, and processing times that it reported.
    cost_usd
        Cost by the configured price, else as the backend reported it.
    list_sorted
        Whether the backend returned its list in descending order of score.
    timeline
        Times between start and end; None for an in-process backend and for a failed call.
    length_bucket
        Length bucket of the documents, from 1; None if documents are not grouped by length.
    rate_per_s
        Arrivals per second if calls arrive at a rate; else None.
    document_characters
        Characters of all documents sent.
    truncated_documents
        Number of query-document pairs that the model truncated; None if unknown.
    harness_delay_s, harness_cpu
        Seconds of the latency in which this process was late, and the share of one processor that it used; None if not
        measured. See `evalkit.latency.harness`.
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
    harness_delay_s: float | None = None
    harness_cpu: float | None = None

    def with_known_amounts(self) -> Call:
        """Return the call with None for every amount that is none: older journals hold amounts as servers sent them."""
        return replace(
            self,
            usage=self.usage.known(),
            cost_usd=known_amount(self.cost_usd),
            server_s=known_amount(self.server_s),
            server_times=ServerTime.known(self.server_times),
        )

    @property
    def latency_s(self) -> float:
        """Seconds from the first byte sent to the last byte received; for an in-process backend, the whole call.

        Encoding the request and decoding the response in this process are excluded; opening a connection is not.
        """
        if self.timeline is None:
            return self.end_s - self.start_s
        return self.timeline.body_s - self.timeline.encoded_s

    @property
    def scenario(self) -> Scenario:
        """The load scenario of the call."""
        if self.rate_per_s is not None:
            return "server"
        return "single_stream" if self.concurrency == 1 else "offline"
