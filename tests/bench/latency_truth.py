"""Whether measured latencies are true, beside a server of known latency: ``make bench``.

Three tables. How far the median is from what raw sockets see of the same server. Whether an open loop sees a stall
of one second as long as it was, where a closed loop sees one slow call. How late calls of an open loop are sent.
"""

from __future__ import annotations

import math

import numpy as np
from client_overhead import DOCUMENTS, REQUEST, judgment, raw_sockets, say, server, settings

from evalkit.latency import LatencyCell, Workload, measure_arrivals
from evalkit.records import RerankRequest
from evalkit.rerankers import Reranker, open_reranker
from evalkit.reranking import Batch, CallContext, OpenLoop, Outcome, RerankerSession, Sender
from evalkit.reranking.open_loop import calls_ahead

DELAYS_S = (0.005, 0.02, 0.1)
RATES_PER_S = (10, 100, 500, 1000, 2000)
ONE_PROCESS_PER_S = 1000
"""Up to this rate the server has a processor of its own; above, several processes need both."""
STALL_AFTER_S, STALL_S = 5.0, 1.0
STALLED_RATE_PER_S, STALLED_CALLS = 50.0, 1000


class Kept:
    """Drops everything: the bench looks at what is returned."""

    def keep(self, _outcomes: object) -> None:
        """Drop a block."""

    def note(self, _state: object) -> None:
        """Drop a round."""


def batches(count: int, query: str = "which document is it") -> tuple[Batch, ...]:
    """Return requests of ten documents."""
    return tuple(
        Batch(RerankRequest(f"q{i}", query, DOCUMENTS[:10], tuple("0123456789"))) for i in range(count)
    )


def client(port: int) -> Reranker:
    """Return the client."""
    return open_reranker(settings(port))


def closed(reranker: Reranker, items: tuple[Batch, ...]) -> list[Outcome]:
    """Send one call after the other."""
    context = CallContext("bench", "api", "latency", 1)
    with Sender(RerankerSession("api", reranker), 1, timed=True) as sender:
        return list(sender.send(items, context))


def opened(reranker: Reranker, items: tuple[Batch, ...], rate: float, port: int) -> list[Outcome]:
    """Send calls at a rate, from several processes where one interpreter cannot."""
    ready = math.ceil(0.04 * rate) + 1 + calls_ahead(rate)  # as `plan_arrivals` does for a server of 20 ms
    cell = LatencyCell("api", Workload(10, None, None, rate), max(ready, 5), batches(16), (items,))
    with OpenLoop(RerankerSession("api", reranker)) as open_loop:
        return measure_arrivals(cell, open_loop, "bench", 7, Kept(), settings(port))


def latencies_ms(outcomes: list[Outcome]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the latencies of calls that all must have succeeded."""
    assert all(one.response is not None for one in outcomes)
    return np.array([one.call.latency_s for one in outcomes]) * 1000


def bias() -> None:
    """Print how far medians are from the server's own delay, and from what raw sockets see."""
    say(
        "\none call of 100 documents in flight, 5 interleaved rounds\n  delay ms  raw p50 ms   p50 ms  bias ms"
    )
    for delay_s in DELAYS_S:
        seen, raw = [], []
        with server(delay_s) as port:
            reranker = client(port)
            items = (Batch(REQUEST),) * 40
            closed(reranker, items)
            for _ in range(5):
                raw += raw_sockets(port, 40, 1)[1]
                seen += latencies_ms(closed(reranker, items)).tolist()
            reranker.close()
        p50, truth = float(np.median(seen)), float(np.median(raw)) * 1000
        say(f"{delay_s * 1000:10.0f}  {truth:10.2f}  {p50:7.2f}  {p50 - truth:+7.2f}")


def stall() -> None:
    """Print the p99 of both loops beside a server that stops for a second, and what it must be.

    Of the time T that calls arrive in, the share S / T falls into the stall of S seconds; those calls wait for what is
    left of it, evenly between S and 0. One in a hundred waits longer than S - T / 100.
    """
    delay_s = 0.005
    taken = {}
    for loop in ("open", "closed"):
        with server(delay_s, STALL_AFTER_S, STALL_S, documents=10) as port:
            reranker = client(port)
            closed(reranker, batches(20))
            items = (*batches(1, "stall"), *batches(STALLED_CALLS - 1))
            made = (
                opened(reranker, items, STALLED_RATE_PER_S, port)
                if loop == "open"
                else closed(reranker, items)
            )
            reranker.close()
        first = min(one.call.scheduled_s for one in made)
        span_s = max(one.call.scheduled_s for one in made) - first
        due = "scheduled_s" if loop == "open" else "start_s"
        seconds = np.array([one.call.end_s - getattr(one.call, due) for one in made])
        taken[loop] = (seconds, span_s)
    seconds, span_s = taken["open"]
    truth = STALL_S - span_s / 100 + delay_s
    arrived = math.sqrt(STALL_S * STALLED_RATE_PER_S) / (STALL_S * STALLED_RATE_PER_S)
    say(
        f"\na server of {delay_s * 1000:g} ms that stops once for {STALL_S:g} s; {STALLED_CALLS} calls,"
        f" {STALLED_RATE_PER_S:g} a second\nloop     p50 ms   p99 ms   max ms"
    )
    for loop, (found, _) in taken.items():
        p50, p99 = np.quantile(found, (0.5, 0.99)) * 1000
        say(f"{loop:6}  {p50:7.1f}  {p99:7.1f}  {found.max() * 1000:7.1f}")
    say(
        f"true for calls that come {STALLED_RATE_PER_S:g} times a second: p99 {truth * 1000:.1f} ms"
        f" (arrivals in the stall vary by {arrived:.0%}; over {span_s:.1f} s)"
    )


def schedule() -> None:
    """Print how late calls are sent."""
    say(
        "\nan open loop beside a server of 20 ms; calls sent after they were due\ncalls/s  p50 ms   p99 ms   max ms"
    )
    for rate in RATES_PER_S:
        with server(0.02, documents=10, apart=rate <= ONE_PROCESS_PER_S) as port:
            reranker = client(port)
            made = opened(reranker, batches(max(100, rate * 4)), float(rate), port)
            reranker.close()
        late = np.array([one.call.start_s - one.call.scheduled_s for one in made]) * 1000
        p50, p99 = np.quantile(late, (0.5, 0.99))
        fault = judgment([one.call for one in made])
        say(f"{rate:7}  {p50:6.2f}  {p99:7.2f}  {late.max():7.2f}  {fault or ''}")


if __name__ == "__main__":
    bias()
    stall()
    schedule()
