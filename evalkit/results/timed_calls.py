"""Timed calls of ``calls.parquet``, grouped by load: one cell for each reranker and load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.latency import Blocks, Spans, Workload, consecutive_parts, harness_fault

if TYPE_CHECKING:
    import pandas as pd

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
    timed: pd.DataFrame
    warmup: pd.DataFrame
    attempts: int

    @property
    def is_open(self) -> bool:
        """Whether calls arrived at a rate."""
        return self.load.rate_per_s is not None

    @property
    def ok(self) -> NDArray[np.bool_]:
        """``(n,)`` whether each timed call succeeded."""
        return (self.timed["status"] == "ok").to_numpy(dtype=np.bool_)

    @property
    def query_ids(self) -> NDArray[np.object_]:
        """``(n,)`` the query of each timed call."""
        return self.timed["query_id"].to_numpy(dtype=object)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """``(n,)`` seconds of each timed call: the latency; in an open loop the response time since it was due."""
        if not self.is_open:
            return self.column("latency_s")
        ended = self.timed["body_s"].fillna(self.timed["end_s"]) - self.timed["scheduled_s"]
        return ended.to_numpy(dtype=np.float64)

    @property
    def blocks(self) -> Blocks:
        """The round of each timed call; in an open loop, which has one round, its part of the schedule."""
        return consecutive_parts(len(self.timed)) if self.is_open else Blocks(self.spans.round)

    @property
    def spans(self) -> Spans:
        """Beginning and end of every call."""
        rounds = self.timed["round"].fillna(0).to_numpy(dtype=np.int64)
        return Spans(self.column("start_s"), self.column("end_s"), self.ok, rounds)

    @property
    def harness_fault(self) -> str | None:
        """Why these calls measure the load generator and not the server; None if they measure the server.

        A reranker in this process is not judged: its own work delays other threads.
        """
        remote = self.ok & ~np.isnan(self.column("encoded_s"))
        delay_s, cpu = self.column("harness_delay_s"), self.column("harness_cpu")
        return harness_fault(delay_s[remote], cpu[remote], self.column("latency_s")[remote])

    def column(self, name: str) -> NDArray[np.float64]:
        """Return ``(n,)`` a column of the timed calls, NaN where unknown."""
        return self.timed[name].to_numpy(dtype=np.float64, na_value=np.nan)


def cells_of(calls: pd.DataFrame) -> list[CellCalls]:
    """Return the timed calls of every cell, ordered by dataset and reranker."""
    import pandas as pd

    made = calls[calls["pass"].isin(["latency", "warmup"])]
    cells = []
    key: Any
    for key, part in made.groupby(_KEYS, sort=True, dropna=False):
        dataset, tag, size, flight, bucket, rate = (None if pd.isna(x) else x for x in key)
        load = Workload(int(size or 0), flight and int(flight), bucket and int(bucket), rate)
        ended = part[part["status"] != "retried"].sort_values(["round", "scheduled_s"], kind="stable")
        timed = ended[ended["pass"] == "latency"]
        if len(timed):
            again = int(((part["pass"] == "latency") & (part["status"] == "retried")).sum())
            # Warm-up calls of the cell have no round; those that only keep up the load of a round have one.
            warmup = ended[(ended["pass"] == "warmup") & (ended["status"] == "ok") & ended["round"].isna()]
            cells.append(CellCalls(str(dataset), str(tag), load, timed, warmup, again))
    return sorted(
        cells, key=lambda cell: (cell.dataset, cell.reranker, cell.is_open, cell.load.length_bucket or 0)
    )
