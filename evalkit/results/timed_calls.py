"""Timed calls of ``calls.parquet``, grouped by load: one cell for each reranker and load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.latency import Blocks, Spans, Workload, consecutive_parts, harness_fault
from evalkit.results.calls_table import received_s
from evalkit.results.rows import Rows

_KEYS = ["dataset", "reranker", "batch_size", "concurrency", "length_bucket", "rate_per_s"]


@dataclass(frozen=True, slots=True, eq=False)
class CellCalls:
    """The calls of one reranker under one load.

    Attributes
    ----------
    timed
        Each timed call once, by its last attempt, in the order of the schedule.
    warmup
        Successful calls before the timed ones.
    attempts
        Earlier attempts of the timed calls.
    """

    dataset: str
    reranker: str
    load: Workload
    timed: Rows
    warmup: Rows
    attempts: int

    @property
    def is_open(self) -> bool:
        """Whether calls arrived at a rate."""
        return self.load.rate_per_s is not None

    @property
    def ok(self) -> NDArray[np.bool_]:
        """``(n,)`` whether each timed call succeeded."""
        return np.asarray(self.timed["status"] == "ok", dtype=np.bool_)

    @property
    def query_ids(self) -> NDArray[np.object_]:
        """``(n,)`` the query of each timed call."""
        return self.timed["query_id"]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """``(n,)`` seconds of each timed call: the latency; in an open loop the response time since it was due."""
        if not self.is_open:
            return self.column("latency_s")
        return np.asarray(received_s(self.timed) - self.timed["scheduled_s"])

    @property
    def blocks(self) -> Blocks:
        """The round of each timed call; in an open loop, which has one round, its part of the schedule."""
        return consecutive_parts(len(self.timed)) if self.is_open else Blocks(self.spans.round)

    @property
    def spans(self) -> Spans:
        """Beginning and end of every call."""
        rounds = np.nan_to_num(self.timed["round"]).astype(np.int64)
        return Spans(self.column("start_s"), self.column("end_s"), self.ok, rounds)

    @property
    def harness_fault(self) -> str | None:
        """Why these calls measure the load generator and not the server; None if they measure the server.

        A reranker in this process is not judged: its own work delays other threads.
        """
        remote = self.ok & ~np.isnan(self.column("encoded_s"))
        delay_s, cpu, latency_s, start_s, end_s = (
            self.column(name)[remote]
            for name in ("harness_delay_s", "harness_cpu", "latency_s", "start_s", "end_s")
        )
        return harness_fault(
            delay_s, cpu, latency_s, end_s - start_s, self.spans.round[remote], self.load.concurrency
        )

    def column(self, name: str) -> NDArray[np.float64]:
        """Return ``(n,)`` a column of the timed calls, NaN where unknown."""
        return self.timed.numbers(name)


def vouched_cells(cells: Iterable[CellCalls]) -> list[CellCalls]:
    """Return the cells whose timed calls measure the server, and not the load generator."""
    return [cell for cell in cells if cell.harness_fault is None]


def cells_of(calls: Rows) -> list[CellCalls]:
    """Return the timed calls of every cell, ordered by dataset, reranker and load."""
    made = calls.take(np.isin(calls["pass"].astype(str), ["latency", "warmup"]))
    cells = []
    for (dataset, tag, size, flight, bucket, rate), part in made.groups(_KEYS):
        load = Workload(int(size or 0), flight and int(flight), bucket and int(bucket), rate)
        ended = part.take(part["status"] != "retried")
        ended = ended.take(np.lexsort((ended["scheduled_s"], ended["round"])))
        timed = ended.where("pass", "latency")
        if len(timed):
            again = len(part.where("pass", "latency").where("status", "retried"))
            # Warm-up calls of the cell have no round; those that only keep up the load of a round have one.
            warmup = ended.where("pass", "warmup").where("status", "ok")
            warmup = warmup.take(~warmup.known("round"))
            cells.append(CellCalls(dataset, tag, load, timed, warmup, again))
    return sorted(cells, key=_order)


def _order(cell: CellCalls) -> tuple[str | float, ...]:
    """Return what cells are sorted by; a load without a number is after those with one."""
    load = cell.load
    last = [np.inf if one is None else one for one in (load.concurrency, load.length_bucket, load.rate_per_s)]
    return cell.dataset, cell.reranker, cell.is_open, load.length_bucket or 0, load.batch_size, *last
