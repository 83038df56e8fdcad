"""Timed calls to rows of figures: one for each cell, with quantiles, throughput, shares of time and flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.latency import QUANTILES, Spans, Workload, summarise_calls, throughput
from evalkit.latency.flags import (
    flag_cold,
    flag_drift,
    flag_noise,
    flag_outliers,
    flag_overload,
    flag_queueing,
    flag_unsettled,
    wait_of,
)
from evalkit.stats import Interval, sample_size_for_quantile

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
_KEYS = ["dataset", "reranker", "batch_size", "concurrency", "length_bucket", "rate_per_s"]


@dataclass(frozen=True, slots=True, eq=False)
class CellCalls:
    """The calls of one cell: timed ones in the order they were due, and those that warmed it up.

    Attributes
    ----------
    timed
        Each call once, by its last attempt.
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
        """``(n,)`` which of the timed calls succeeded."""
        return (self.timed["status"] == "ok").to_numpy(dtype=np.bool_)

    @property
    def query_ids(self) -> NDArray[np.object_]:
        """``(n,)`` their queries."""
        return self.timed["query_id"].to_numpy(dtype=object)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """``(n,)`` the seconds that quantiles are of: latency, or in an open loop the response time."""
        if not self.is_open:
            return self.column("latency_s")
        ended = self.timed["body_s"].fillna(self.timed["end_s"]) - self.timed["scheduled_s"]
        return ended.to_numpy(dtype=np.float64)

    @property
    def spans(self) -> Spans:
        """Beginning and end of every call."""
        rounds = self.timed["round"].fillna(0).to_numpy(dtype=np.int64)
        return Spans(self.column("start_s"), self.column("end_s"), self.ok, rounds)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return ``(n,)`` a column of the timed calls; unknown is NaN."""
        return self.timed[name].to_numpy(dtype=np.float64, na_value=np.nan)


def cells_of(calls: pd.DataFrame) -> list[CellCalls]:
    """Return the timed calls cell by cell."""
    import pandas as pd

    made = calls[calls["pass"].isin(["latency", "warmup"])]
    found = []
    key: Any
    for key, part in made.groupby(_KEYS, sort=True, dropna=False):
        dataset, tag, size, flight, bucket, rate = (None if pd.isna(x) else x for x in key)
        load = Workload(int(size or 0), flight and int(flight), bucket and int(bucket), rate)
        ended = part[part["status"] != "retried"].sort_values(["round", "scheduled_s"], kind="stable")
        timed = ended[ended["pass"] == "latency"]
        if len(timed):
            again = int(((part["pass"] == "latency") & (part["status"] == "retried")).sum())
            # Calls that only keep the load up belong to a round; those that warm the cell up do not.
            warmup = ended[(ended["pass"] == "warmup") & (ended["status"] == "ok") & ended["round"].isna()]
            found.append(CellCalls(str(dataset), str(tag), load, timed, warmup, again))
    return sorted(
        found, key=lambda cell: (cell.dataset, cell.reranker, cell.is_open, cell.load.length_bucket or 0)
    )


def latency_rows(cells: Sequence[CellCalls], settings: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the figures of every cell."""
    confidence = settings["confidence"] if settings else CONFIDENCE
    return [_row(cell, settings, confidence) for cell in cells]


def _row(cell: CellCalls, settings: Mapping[str, Any] | None, confidence: float) -> dict[str, Any]:
    load, ok, seconds = cell.load, cell.ok, cell.seconds
    summary = summarise_calls(seconds, ok, cell.query_ids, confidence)
    asked = (settings or {}).get("calls")
    if cell.is_open:
        asked = ((settings or {}).get("server") or {}).get("calls") or asked
    reused = cell.timed["conn_reused"].dropna()
    return {
        "dataset": cell.dataset,
        "reranker": cell.reranker,
        "scenario": "server" if cell.is_open else "single_stream" if load.concurrency == 1 else "offline",
        "loop": "open" if cell.is_open else "closed",
        "batch_size": load.batch_size,
        "concurrency": load.concurrency,
        "length_bucket": load.length_bucket,
        "rate_per_s": load.rate_per_s,
        "characters_per_document": _median(cell.column("document_characters") / load.batch_size),
        "confidence": confidence,
        "asked": asked,
        "calls": summary.calls,
        "queries": summary.queries,
        "failed": summary.failed,
        "retried": cell.attempts,
        "filled_calls": int((cell.timed["filled"] > 0).sum()),
        "connections_opened": int((~reused.astype(bool)).sum()) if len(reused) else None,
        "max_s": summary.max_s,
        **{
            f"p{p * 100:g}_s": fields("estimate", summary.quantiles[p])
            | {"needs": sample_size_for_quantile(p, confidence)}
            for p in QUANTILES
        },
        **_rates(cell, confidence),
        "parts": _parts(cell),
        "warmup_calls": len(cell.warmup),
        "first_call_s": _first(cell.warmup["latency_s"].to_numpy(dtype=np.float64)),
        "flags": list(_flags(cell, seconds[ok], summary.outliers)),
    }


def fields(name: str, interval: Interval) -> dict[str, Any]:
    """Return an interval as a document holds it."""
    return {name: interval.estimate, "lower": interval.lower, "upper": interval.upper, "n": interval.n}


def _rates(cell: CellCalls, confidence: float) -> dict[str, Any]:
    """Return what was done in a second; tokens are unknown where a call did not tell them."""
    tokens = cell.column("tokens")
    amounts = {
        "calls_per_s": np.ones(len(cell.timed)),
        "documents_per_s": cell.column("batch_size"),
        "tokens_per_s": tokens,
    }
    known = not np.isnan(tokens[cell.ok]).any()
    return {
        name: fields("mean", throughput(cell.spans, np.nan_to_num(amount), confidence))
        for name, amount in amounts.items()
        if name != "tokens_per_s" or known
    } | ({} if known else {"tokens_per_s": None})


PARTS = ("client", "sending", "waiting", "receiving", "server", "wire")
"""Shares of a call's time, in the order in which they are shown."""


def _parts(cell: CellCalls) -> dict[str, float | None]:
    """Return the median seconds of each part of a good call; None where it is not known.

    ``client`` is writing and reading JSON in this process; ``sending``, ``waiting`` (for the first byte) and
    ``receiving`` divide the time between; ``server`` is what the server says the whole request took it, and
    ``wire`` what is left of the three others then: the network, proxies, queues in front of the server.
    """
    good = cell.timed[cell.ok]
    start, encoded, sent, headers, body, end = (
        good[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("start_s", "encoded_s", "sent_s", "headers_s", "body_s", "end_s")
    )
    server = good["server_s"].to_numpy(dtype=np.float64, na_value=np.nan)
    found = {
        "client": (encoded - start) + (end - body),
        "sending": sent - encoded,
        "waiting": headers - sent,
        "receiving": body - headers,
        "server": server,
        "wire": body - encoded - server,
    }
    return {name: _median(found[name]) for name in PARTS}


def _flags(cell: CellCalls, good_s: NDArray[np.float64], outliers: int) -> Iterator[str]:
    """Yield what a reader must know of a cell."""
    warmup_s = cell.warmup.sort_values("start_s")["latency_s"].to_numpy(dtype=np.float64)
    first = cell.timed["attempt"].to_numpy(dtype=np.int64)[cell.ok] == 1
    waits = wait_of(cell.column("scheduled_s"), cell.spans)[cell.ok]
    found = [flag_queueing(waits[first], cell.column("latency_s")[cell.ok][first])]
    if cell.is_open:
        found.append(flag_overload(good_s))
    elif len(good_s):
        rounds = cell.spans.round[cell.ok]
        found += [flag_cold(warmup_s, good_s), flag_unsettled(warmup_s), flag_drift(good_s)]
        found.append(flag_noise(good_s, rounds))
    found.append(flag_outliers(outliers))
    yield from (flag for flag in found if flag is not None)


def _median(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _first(values: NDArray[np.float64]) -> float | None:
    return float(values[0]) if len(values) else None


def plain(rows: Sequence[Mapping[str, Any]], dataset: str) -> list[Mapping[str, Any]]:
    """Return the rows of closed loops over documents as they come: what quality can be set beside."""
    return [
        row
        for row in rows
        if row["dataset"] == dataset and row["concurrency"] is not None and row.get("length_bucket") is None
    ]
