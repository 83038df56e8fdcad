"""Compute ``latency.json``: fits, limits, claims, ratios, capacity and cost of timed calls, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.latency import Sample, fit_cost, latency_ratio
from evalkit.latency.flags import flag_machine
from evalkit.results.latency_document import (
    Capacity,
    CapacityPoint,
    FitRow,
    LatencyAnswers,
    LatencyCost,
    MachineState,
    RatioRow,
)
from evalkit.results.manifest import Manifest
from evalkit.results.recorded_config import RecordedConfig
from evalkit.results.summary_document import LatencyRow
from evalkit.results.timed_calls import CellCalls, vouched_cells
from evalkit.stats import Interval
from evalkit.summaries.latency_cells import CONFIDENCE
from evalkit.summaries.latency_limits import by_reranker, claim_rows, limit_rows

EMBEDDING = ("bi_encoder", "late_interaction")
"""Backends that embed texts."""


def answer(
    cells: Sequence[CellCalls], rows: Sequence[LatencyRow], manifest: Manifest, config: RecordedConfig
) -> LatencyAnswers:
    """Return the content of ``latency.json``.

    Parameters
    ----------
    cells, rows
        The timed calls of each cell, and the figures of the same cells in the same order.
    manifest, config
        Manifest and configuration of the result.
    """
    confidence = config.latency.confidence if config.latency else CONFIDENCE
    single = [cell for cell in cells if cell.load.concurrency == 1]
    vouched = vouched_cells(cells)
    return LatencyAnswers(
        confidence=confidence,
        fits=tuple(_fits([cell for cell in vouched if cell.load.concurrency == 1], confidence, config.seed)),
        limits=tuple(limit_rows(cells, rows, config, confidence)),
        claims=tuple(claim_rows(single, config, confidence)),
        ratios=tuple(_ratios(vouched, config, confidence)),
        capacity=tuple(_capacity(rows)),
        costs=tuple(_costs(cells, rows, manifest)),
        machine=MachineState(tuple(flag_machine(manifest.rounds)), manifest.rounds),
        embedding=tuple(tag for tag, one in config.rerankers.items() if one.scoring_backend in EMBEDDING),
    )


def _fits(cells: Sequence[CellCalls], confidence: float, seed: int) -> Iterator[FitRow]:
    """Yield fits of seconds by documents, by tokens and by both, where the cells differ enough."""
    for (dataset, tag), of_tag in by_reranker(cells).items():
        all_lengths = [cell for cell in of_tag if cell.load.length_bucket is None]
        has_tokens = all(not np.isnan(cell.column("tokens")[cell.ok]).any() for cell in of_tag)
        size = "tokens" if has_tokens else "characters"
        for causes, chosen in (
            (("documents",), all_lengths), ((size,), of_tag), (("documents", size), of_tag),
        ):  # fmt: skip
            fit = fit_cost([_sample(cell, size) for cell in chosen], causes, confidence, seed)
            if fit is not None:
                yield FitRow(dataset, tag, fit, fit.is_straight)


def _sample(cell: CellCalls, size: str) -> Sample:
    ok = cell.ok
    amount = cell.column("tokens" if size == "tokens" else "document_characters")
    causes = {"documents": cell.column("batch_size")[ok], size: amount[ok]}
    return Sample(cell.seconds[ok], cell.query_ids[ok], cell.spans.round[ok], causes)


def _ratios(cells: Sequence[CellCalls], config: RecordedConfig, confidence: float) -> Iterator[RatioRow]:
    """Yield the latency of every other reranker divided by that of the first, under each closed loop."""
    order = list(config.rerankers)
    wanted = config.compare.baseline
    closed = [cell for cell in cells if not cell.is_open and cell.load.length_bucket is None]
    for dataset in dict.fromkeys(cell.dataset for cell in closed):
        by_load = {(cell.reranker, cell.load): cell for cell in closed if cell.dataset == dataset}
        tags = sorted({tag for tag, _ in by_load}, key=order.index)
        baseline = wanted if wanted in tags else tags[0]
        loads = sorted(
            {load for _, load in by_load}, key=lambda load: (load.batch_size, load.concurrency or 0)
        )
        for tag in tags:
            for load in loads:
                one, other = by_load.get((baseline, load)), by_load.get((tag, load))
                if tag == baseline or one is None or other is None:
                    continue
                ratio = latency_ratio(_rounds(one), _rounds(other), confidence)
                yield RatioRow(dataset, baseline, tag, load.batch_size, load.concurrency, ratio)


def _rounds(cell: CellCalls) -> dict[int, dict[str, float]]:
    """Return round -> query -> seconds of the successful calls."""
    rounds: dict[int, dict[str, float]] = {}
    calls = zip(cell.spans.round[cell.ok], cell.query_ids[cell.ok], cell.seconds[cell.ok], strict=True)
    for number, query_id, seconds in calls:
        rounds.setdefault(int(number), {})[str(query_id)] = float(seconds)
    return rounds


def _capacity(rows: Sequence[LatencyRow]) -> Iterator[Capacity]:
    """Yield throughput against latency, with the knee: where throughput by latency is largest (Kleinrock 1979)."""
    parts: dict[tuple[str, str, int], list[CapacityPoint]] = {}
    for row in rows:
        if row.is_plain and row.concurrency is not None:
            points = parts.setdefault((row.dataset, row.reranker, row.batch_size), [])
            if row.p50_s.estimate and row.calls_per_s.estimate:
                points.append(
                    CapacityPoint(row.concurrency, row.calls_per_s, row.documents_per_s, row.p50_s, row.p95_s)
                )
    # Of each reranker only the batch size with most points: other batch sizes were timed at few concurrencies.
    most_points: dict[tuple[str, str], int] = {}
    for (dataset, tag, _), points in parts.items():
        most_points[dataset, tag] = max(most_points.get((dataset, tag), 2), len(points))
    for (dataset, tag, size), points in parts.items():
        if len(points) < most_points[dataset, tag]:
            continue
        points.sort(key=lambda point: point.concurrency)
        knee = max(points, key=lambda point: _rate(point) / (point.p50_s.estimate or np.inf))
        most = max(points, key=_rate)
        yield Capacity(dataset, tag, size, knee.concurrency, most.concurrency, tuple(points))


def _rate(point: CapacityPoint) -> float:
    return point.calls_per_s.estimate or 0.0


def _costs(
    cells: Sequence[CellCalls], rows: Sequence[LatencyRow], manifest: Manifest
) -> Iterator[LatencyCost]:
    """Yield the cost of a thousand queries: the billed amounts, else the machine's hourly price by throughput."""
    for cell, row in zip(cells, rows, strict=True):
        if cell.is_open or row.length_bucket is not None:
            continue
        billed = cell.column("cost_usd")[cell.ok]
        hourly = manifest.rerankers[cell.reranker].usd_per_hour
        if len(billed) and not np.isnan(billed).any():
            source = "calls"
            cost = Interval(float(billed.mean()) * 1000, None, None, len(billed))
        elif hourly is not None and row.calls_per_s.estimate:
            source = f"${hourly:g} per hour"
            cost = _by_throughput(row.calls_per_s, hourly)
        else:
            continue
        yield LatencyCost(row.dataset, row.reranker, row.batch_size, row.concurrency, source, cost)


def _by_throughput(rate: Interval, usd_per_hour: float) -> Interval:
    """Return the cost of a thousand calls; the highest rate gives the lowest cost."""
    best, upper, lower = (
        None if x is None or x <= 0 else usd_per_hour / 3600 / x * 1000
        for x in (rate.estimate, rate.lower, rate.upper)
    )
    return Interval(best, lower, upper, rate.n, rate.confidence)
