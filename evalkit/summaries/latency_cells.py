"""Figures of timed calls: one row for each cell, with quantiles, throughput, shares of time and flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.config import LatencySettings
from evalkit.latency import QUANTILES, summarise_calls
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
from evalkit.latency.throughput import throughput
from evalkit.results.latency_quantiles import Quantile
from evalkit.results.summary_document import LatencyParts, LatencyRow
from evalkit.results.timed_calls import CellCalls
from evalkit.stats import sample_size_for_quantile

CONFIDENCE = 0.95
"""Level of the intervals of means, and of latencies where the configuration sets none."""


def latency_rows(cells: Sequence[CellCalls], settings: LatencySettings | None) -> tuple[LatencyRow, ...]:
    """Return the figures of every cell, in order."""
    return tuple(_row(cell, settings) for cell in cells)


def _row(cell: CellCalls, settings: LatencySettings | None) -> LatencyRow:
    load, ok, seconds = cell.load, cell.ok, cell.seconds
    confidence = settings.confidence if settings else CONFIDENCE
    summary = summarise_calls(seconds, ok, cell.query_ids, cell.blocks, confidence)
    p50, p90, p95, p99 = (
        Quantile(one.interval, sample_size_for_quantile(p, confidence), one.decided_by, one.missing)
        for p, one in ((p, summary.quantiles[p]) for p in QUANTILES)
    )
    reused = cell.timed["conn_reused"].dropna()
    tokens = cell.column("tokens")
    every_call_reports_tokens = not np.isnan(tokens[cell.ok]).any()
    return LatencyRow(
        dataset=cell.dataset,
        reranker=cell.reranker,
        scenario="server" if cell.is_open else "single_stream" if load.concurrency == 1 else "offline",
        loop="open" if cell.is_open else "closed",
        batch_size=load.batch_size,
        concurrency=load.concurrency,
        length_bucket=load.length_bucket,
        rate_per_s=load.rate_per_s,
        characters_per_document=_median(cell.column("document_characters") / load.batch_size),
        confidence=confidence,
        asked=_asked(cell, settings),
        calls=summary.calls,
        queries=summary.queries,
        failed=summary.failed,
        retried=cell.attempts,
        filled_calls=int((cell.timed["filled"] > 0).sum()),
        connections_opened=int((~reused.astype(bool)).sum()) if len(reused) else None,
        max_s=summary.max_s,
        p50_s=p50,
        p90_s=p90,
        p95_s=p95,
        p99_s=p99,
        calls_per_s=throughput(cell.spans, np.ones(len(cell.timed)), confidence),
        documents_per_s=throughput(cell.spans, cell.column("batch_size"), confidence),
        tokens_per_s=throughput(cell.spans, np.nan_to_num(tokens), confidence)
        if every_call_reports_tokens
        else None,
        parts=_parts(cell),
        warmup_calls=len(cell.warmup),
        first_call_s=_first(cell.warmup["latency_s"].to_numpy(dtype=np.float64)),
        flags=tuple(_flags(cell, seconds[ok], summary.outliers)),
    )


def _asked(cell: CellCalls, settings: LatencySettings | None) -> int | None:
    """Return the number of timed calls that the configuration requests; None where it is not known."""
    if settings is None:
        return None
    of_server = settings.server.calls if cell.is_open and settings.server else None
    return of_server or settings.calls


def _parts(cell: CellCalls) -> LatencyParts:
    """Return the median seconds of each part of a successful call."""
    good = cell.timed[cell.ok]
    start, encoded, sent, headers, body, end = (
        good[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("start_s", "encoded_s", "sent_s", "headers_s", "body_s", "end_s")
    )
    server = good["server_s"].to_numpy(dtype=np.float64, na_value=np.nan)
    return LatencyParts(
        client=_median((encoded - start) + (end - body)),
        sending=_median(sent - encoded),
        waiting=_median(headers - sent),
        receiving=_median(body - headers),
        server=_median(server),
        wire=_median(body - encoded - server),
    )


def _flags(cell: CellCalls, good_s: NDArray[np.float64], outliers: int) -> Iterator[str]:
    """Yield the warnings on a cell, such as queueing, drift or outliers; `good_s` are its successful calls."""
    warmup_s = cell.warmup.sort_values("start_s")["latency_s"].to_numpy(dtype=np.float64)
    first = cell.timed["attempt"].to_numpy(dtype=np.int64)[cell.ok] == 1
    waits = wait_of(cell.column("scheduled_s"), cell.spans)[cell.ok]
    flags = [flag_queueing(waits[first], cell.column("latency_s")[cell.ok][first])]
    if cell.is_open:
        flags.append(flag_overload(good_s))
    elif len(good_s):
        rounds = cell.spans.round[cell.ok]
        flags += [flag_cold(warmup_s, good_s), flag_unsettled(warmup_s), flag_drift(good_s)]
        flags.append(flag_noise(good_s, rounds))
    flags.append(flag_outliers(outliers))
    yield from (flag for flag in flags if flag is not None)


def _median(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _first(values: NDArray[np.float64]) -> float | None:
    return float(values[0]) if len(values) else None
