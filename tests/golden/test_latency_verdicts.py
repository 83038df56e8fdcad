"""What a report says of timed calls whose rounds are too few or differ, and of limits that are not tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from support.call_tables import calls_table, timed_call
from support.documents import summary
from support.golden import approve
from support.result_folders import manifest_of, reranker_facts

from evalkit.config import LatencySettings
from evalkit.config.compare_settings import CompareSettings
from evalkit.config.latency import SloSettings
from evalkit.report.latency_sentences import latency_lines
from evalkit.report.latency_tables import latency_tables
from evalkit.report.table import as_text
from evalkit.results.manifest import CandidateLists
from evalkit.results.recorded_config import RecordedConfig, RecordedReranker
from evalkit.results.summary_document import DatasetSummary
from evalkit.results.timed_calls import cells_of
from evalkit.summaries.latency_answers import answer
from evalkit.summaries.latency_cells import latency_rows

CALLS = 120
DATASET = DatasetSummary("d", "d", "d", None, "english", "0", {}, CandidateLists(0, 0, 0), 0, {})


def calls_of(
    tag: str, sizes: dict[int, float], *, rounds: int = 10, factor: float = 1.0, **changes: Any
) -> list[dict[str, Any]]:
    """Return calls of batch size -> seconds; each round takes up to `factor` times as long as the fastest."""
    noise = np.random.default_rng(3).lognormal(0, 0.02, CALLS)
    number = np.arange(CALLS) * rounds // CALLS
    slower = factor ** (number / (rounds - 1))
    rate = changes.get("rate_per_s")
    return [
        timed_call(
            i, seconds * float(noise[i] * slower[i]), reranker=tag, round=int(number[i]), batch_size=size,
            scheduled_s=i * (seconds if rate is None else 1 / rate), **changes,
        )
        for size, seconds in sizes.items()
        for i in range(CALLS)
    ]  # fmt: skip


def test_each_verdict_on_a_limit() -> None:
    """Limits that are met; open because rounds differ or are too few, or calls near capacity; and not tested."""
    calls = [
        *calls_of("steady", {1: 0.1, 10: 0.2}),
        *calls_of("differing rounds", {1: 0.05, 10: 0.12}, factor=2.2),
        *calls_of("three rounds", {10: 0.1}, rounds=3),
        *calls_of("not in order", {1: 0.1, 10: 0.5, 20: 0.2}),
        *calls_of("arrivals", {10: 0.1}),
        *calls_of("arrivals near capacity", {10: 0.1}),
        *calls_of("arrivals near capacity", {10: 0.1}, concurrency=None, rate_per_s=8.0),
        *calls_of("arrivals", {10: 0.1}, concurrency=None, rate_per_s=2.0),
        *calls_of("arrivals", {10: 0.4}, concurrency=None, rate_per_s=3.0),
        *calls_of("arrivals", {10: 0.1}, concurrency=None, rate_per_s=4.0),
    ]
    rerankers = dict.fromkeys(
        dict.fromkeys(one["reranker"] for one in calls), RecordedReranker("cross_encoder")
    )
    rerankers["differing rounds"] = replace(rerankers["steady"], claims={"10": "300ms"})
    latency = LatencySettings(slo=SloSettings(max_ms=300))
    config = RecordedConfig("test", 1, ("RR",), (10,), CompareSettings(), rerankers, latency)
    manifest = replace(manifest_of(["d"], []), rerankers={tag: reranker_facts() for tag in rerankers})
    cells = cells_of(calls_table(*calls))
    rows = latency_rows(cells, latency)
    answers = answer(cells, rows, manifest, config)
    shown = replace(summary(latency=rows), datasets=(DATASET,))
    text = [as_text(table) for table in latency_tables(shown, answers)]
    approve("latency-verdicts.txt", "\n\n".join([*text, *latency_lines(shown, answers)]) + "\n")
