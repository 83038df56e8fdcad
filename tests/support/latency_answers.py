"""Answers of ``latency.json`` about calls that are built by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.config import LatencySettings
from evalkit.config.compare_settings import CompareSettings
from evalkit.config.latency import SloSettings
from evalkit.latency import RoundState
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.recorded_config import RecordedConfig, RecordedReranker
from evalkit.results.timed_calls import cells_of
from evalkit.summaries.latency_answers import answer
from evalkit.summaries.latency_cells import latency_rows
from support.call_tables import calls_table, timed_call
from support.result_folders import manifest_of, reranker_facts

LOCAL = RecordedReranker("cross_encoder")
RERANKERS = {"a": LOCAL, "b": LOCAL}


def answers_of(
    calls: list[dict[str, Any]],
    *,
    rerankers: Mapping[str, RecordedReranker] = RERANKERS,
    slo: SloSettings | None = None,
    baseline: str | None = None,
    usd_per_hour: float | None = None,
    rounds: tuple[RoundState, ...] = (),
    timed: bool = True,
) -> LatencyAnswers:
    """Return the answers of a result with these calls."""
    latency = LatencySettings(slo=slo) if timed else None
    config = RecordedConfig("test", 1, ("RR",), (10,), CompareSettings(baseline=baseline), rerankers, latency)
    facts = {tag: reranker_facts(usd_per_hour=usd_per_hour) for tag in rerankers}
    manifest = replace(manifest_of(["d"], []), rerankers=facts, rounds=rounds)
    cells = cells_of(calls_table(*calls))
    return answer(cells, latency_rows(cells, latency), manifest, config)


def calls_of(tag: str, seconds: float, count: int = 60, **changes: Any) -> list[dict[str, Any]]:
    """Return calls of equal latency in six rounds."""
    return [timed_call(i, seconds, **{"reranker": tag, "round": i % 6} | changes) for i in range(count)]


def served(concurrency: int, seconds: float, size: int = 10, rounds: int = 6) -> list[dict[str, Any]]:
    """Return calls with so many in flight all the time, each of which takes so long."""
    calls = []
    for number in range(rounds):
        for i in range(40):
            start = 1e5 * number + seconds * (i // concurrency) + seconds * (i % concurrency) / concurrency
            calls.append(
                timed_call(
                    1000 * number + i, seconds, reranker="a", round=number, batch_size=size, concurrency=concurrency,
                    scheduled_s=start, start_s=start, end_s=start + seconds,
                )
            )  # fmt: skip
    return calls
