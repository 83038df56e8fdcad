"""The Prometheus metrics of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evalkit.server.open_connections import CLOSE_REASONS, Connections

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PAIRS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The metrics of one service. Labels contain no API key and no text of a request.

    Parameters
    ----------
    waiting
        Returns the number of waiting pairs by model.
    """

    def __init__(self, waiting: Callable[[], Mapping[str, int]]) -> None:
        self._registry = CollectorRegistry()
        labels = ("model", "dialect", "status")
        self._requests = Counter(
            "evalkit_requests", "Rerank requests answered.", labels, registry=self._registry
        )
        self._cancelled = Counter(
            "evalkit_requests_cancelled", "Requests that the client cancelled.", registry=self._registry
        )
        by_model = partial(Histogram, labelnames=("model",), registry=self._registry)
        self._seconds = by_model(
            "evalkit_request_seconds",
            "Seconds from request headers received to response sent.",
            buckets=_SECONDS,
        )
        self._queue_seconds = by_model(
            "evalkit_queue_seconds", "Seconds that answered requests waited in the queue.", buckets=_SECONDS
        )
        self._pairs = Counter(
            "evalkit_pairs", "Query-document pairs scored.", ("model",), registry=self._registry
        )
        self._tokens = Counter(
            "evalkit_tokens", "Tokens of answered requests.", ("model",), registry=self._registry
        )
        self._batches = by_model("evalkit_batch_pairs", "Query-document pairs per batch.", buckets=_PAIRS)
        self._busy = Counter(
            "evalkit_busy_seconds", "Seconds that the model was busy.", ("model",), registry=self._registry
        )
        self._registry.register(_Waiting(waiting))

    def answered(
        self, model: str, dialect: str, seconds: float, queue_s: float, pairs: int, tokens: int
    ) -> None:
        """Count a request that was answered with scores."""
        self._requests.labels(model, dialect, "200").inc()
        self._seconds.labels(model).observe(seconds)
        self._queue_seconds.labels(model).observe(queue_s)
        self._pairs.labels(model).inc(pairs)
        self._tokens.labels(model).inc(tokens)

    def refused(self, model: str, dialect: str, status: int) -> None:
        """Count a request that was answered with an error."""
        self._requests.labels(model, dialect, str(status)).inc()

    def cancelled(self) -> None:
        """Count a request whose client disconnected before the answer."""
        self._cancelled.inc()

    def batch(self, model: str, pairs: int, seconds: float) -> None:
        """Count a scored batch."""
        self._batches.labels(model).observe(pairs)
        self._busy.labels(model).inc(seconds)

    def watch_connections(self, connections: Connections) -> None:
        """Report open connections, and those that the service closed."""
        self._registry.register(_Connections(connections))

    def watch_log(self, dropped: Callable[[], int]) -> None:
        """Report the number of log messages that were dropped."""
        self._registry.register(_Dropped(dropped))

    def page(self) -> bytes:
        """Return all metrics in the text format."""
        return generate_latest(self._registry)


class _Waiting(Collector):
    def __init__(self, waiting: Callable[[], Mapping[str, int]]) -> None:
        self._waiting = waiting

    def collect(self) -> list[GaugeMetricFamily]:
        """Return the number of waiting pairs at this moment."""
        family = GaugeMetricFamily(
            "evalkit_waiting_pairs", "Query-document pairs in the queue.", labels=["model"]
        )
        for model, pairs in self._waiting().items():
            family.add_metric([model], pairs)
        return [family]


class _Connections(Collector):
    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def collect(self) -> list[Metric]:
        """Return the number of connections at this moment, and how many were closed by reason."""
        open_now = GaugeMetricFamily("evalkit_connections", "Open connections.", value=self._connections.open)
        closed = CounterMetricFamily(
            "evalkit_connections_closed",
            "Connections closed by the service: to make room, after a timeout, or as the reply was not read.",
            labels=["reason"],
        )
        for reason in CLOSE_REASONS:
            closed.add_metric([reason], self._connections.closed[reason])
        return [open_now, closed]


class _Dropped(Collector):
    def __init__(self, dropped: Callable[[], int]) -> None:
        self._dropped = dropped

    def collect(self) -> list[Metric]:
        """Return the number of dropped log messages."""
        return [
            CounterMetricFamily(
                "evalkit_log_messages_dropped",
                "Log messages dropped because they were not read.",
                value=self._dropped(),
            )
        ]
