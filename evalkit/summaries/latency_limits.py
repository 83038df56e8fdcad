"""Judge the configured limit and the claims of vendors by the timed calls, for ``latency.json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from evalkit.config import Claim, read_claim
from evalkit.latency import Limit, SloResult, judge_limit, passed_in_order, without_pass_near_capacity
from evalkit.results.latency_document import ClaimRow, LimitRow
from evalkit.results.recorded_config import RecordedConfig, RecordedReranker
from evalkit.results.summary_document import LatencyRow
from evalkit.results.timed_calls import CellCalls
from evalkit.stats import Interval

CLAIMED = (0.5, 0.95)
"""Shares of calls that a claim is judged for: vendors do not specify whether they mean the median or p95."""


def by_reranker(cells: Iterable[CellCalls]) -> dict[tuple[str, str], list[CellCalls]]:
    """Return (dataset, reranker) -> its cells."""
    parts: dict[tuple[str, str], list[CellCalls]] = {}
    for cell in cells:
        parts.setdefault((cell.dataset, cell.reranker), []).append(cell)
    return parts


def limit_rows(
    cells: Sequence[CellCalls], rows: Sequence[LatencyRow], config: RecordedConfig, confidence: float
) -> Iterator[LimitRow]:
    """Yield whether the configured limit is met, for each batch size with one call in flight and each rate.

    Batch sizes, and the rates of one batch size, are tested in ascending order.
    """
    slo = config.latency.slo if config.latency else None
    if slo is None:
        return
    limit = Limit(slo.max_ms / 1000, slo.quantile)
    families: dict[tuple[str, str, int | None], list[CellCalls]] = {}
    for cell in cells:
        if cell.load.length_bucket is None and (cell.is_open or cell.load.concurrency == 1):
            size = cell.load.batch_size if cell.is_open else None
            families.setdefault((cell.dataset, cell.reranker, size), []).append(cell)
    for family in families.values():
        ascending = sorted(family, key=lambda cell: (cell.load.rate_per_s or 0.0, cell.load.batch_size))
        judged = [_judged_load(cell, limit, confidence, rows) for cell in ascending]
        results = passed_in_order(judged)
        for cell, result in zip(ascending, results, strict=True):
            yield LimitRow(
                dataset=cell.dataset,
                reranker=cell.reranker,
                batch_size=cell.load.batch_size,
                rate_per_s=cell.load.rate_per_s,
                limit_s=limit.limit_s,
                quantile=limit.quantile,
                verdict=result.verdict,
                late=result.late,
                decided_by=result.decided_by,
                upper_by_rounds_s=result.upper_by_rounds_s,
            )


def _judged_load(cell: CellCalls, limit: Limit, confidence: float, rows: Sequence[LatencyRow]) -> SloResult:
    """Judge a limit by a closed loop, or by an open loop at its share of the capacity."""
    result = _judged(cell, limit, confidence)
    rate = cell.load.rate_per_s
    if rate is None:
        return result
    closed = [
        row.calls_per_s.estimate or 0.0
        for row in rows
        if (row.dataset, row.reranker, row.batch_size) == (cell.dataset, cell.reranker, cell.load.batch_size)
        and row.is_plain
    ]
    capacity = max(closed, default=0.0)
    return without_pass_near_capacity(result, len(cell.timed), rate / capacity if capacity else None)


def _judged(cell: CellCalls, limit: Limit, confidence: float) -> SloResult:
    if cell.harness_fault is not None:
        return SloResult("CANNOT TELL", Interval(None, None, None, len(cell.timed)), "harness")
    return judge_limit(cell.seconds, cell.ok, cell.query_ids, cell.blocks, limit, confidence)


def claim_rows(cells: Sequence[CellCalls], config: RecordedConfig, confidence: float) -> Iterator[ClaimRow]:
    """Yield whether each claim is met, at every timed batch size that it covers."""
    for (dataset, tag), of_tag in by_reranker(cells).items():
        settings = config.rerankers.get(tag)
        for documents, text in (settings.claims if settings else {}).items():
            claim = read_claim(documents, text)
            covered = [
                cell
                for cell in of_tag
                if cell.load.length_bucket is None and claim.fewest <= cell.load.batch_size <= claim.most
            ]
            route = _route(settings)
            for cell in covered:
                yield from _rows_of(cell, claim, route, confidence)
            if not covered:
                yield ClaimRow(
                    dataset=dataset,
                    reranker=tag,
                    claim=claim.text,
                    route=route,
                    batch_size=None,
                    limit_s=claim.limit_s,
                    quantile=None,
                    verdict="NOT MEASURED",
                    late=Interval(None, None, None, 0),
                    fewest=claim.fewest,
                    most=claim.most,
                )


def _rows_of(cell: CellCalls, claim: Claim, route: str, confidence: float) -> Iterator[ClaimRow]:
    for quantile in CLAIMED:
        result = _judged(cell, Limit(claim.limit_s, quantile), confidence)
        yield ClaimRow(
            dataset=cell.dataset,
            reranker=cell.reranker,
            claim=claim.text,
            route=route,
            batch_size=cell.load.batch_size,
            limit_s=claim.limit_s,
            quantile=quantile,
            verdict=result.verdict,
            late=result.late,
            decided_by=result.decided_by,
            upper_by_rounds_s=result.upper_by_rounds_s,
        )


def _route(settings: RecordedReranker | None) -> str:
    """Return how the calls reached the reranker; only the host of a URL, as other parts may contain secrets."""
    if settings is not None and settings.url:
        return str(urlsplit(settings.url).hostname)
    return "loopback" if settings is not None and settings.serve else "in this process"
