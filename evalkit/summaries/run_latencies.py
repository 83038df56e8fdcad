"""The latency of compared runs, as their files state it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.results.latency_quantiles import Quantile, RunLatency
from evalkit.results.rows import Rows
from evalkit.results.run_facts import RunFacts
from evalkit.stats import quantile_interval, sample_size_for_quantile


def run_latency_rows(runs: Sequence[RunFacts], seconds: Rows, confidence: float) -> Iterator[RunLatency]:
    """Yield the quantiles of each run with a latency file; the queries are taken as independent.

    Parameters
    ----------
    runs
        The runs of the manifest.
    seconds
        The content of ``run_latencies.parquet``.
    confidence
        Two-sided confidence level of the quantiles.
    """
    for one in runs:
        if one.latencies is None:
            continue
        values = seconds.where("dataset", one.dataset).where("reranker", one.tag)["seconds"]
        p50_s, p95_s = (_quantile(values, p, confidence) for p in (0.5, 0.95))
        yield RunLatency(one.dataset, one.tag, len(values), one.latencies.queries_unknown, p50_s, p95_s)


def _quantile(values: NDArray[np.float64], p: float, confidence: float) -> Quantile:
    needs = sample_size_for_quantile(p, confidence)
    interval = quantile_interval(values, p, confidence)
    return Quantile(interval, needs, missing="calls" if interval.estimate is None else None)
