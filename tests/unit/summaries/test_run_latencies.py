"""The latency that the files of compared runs state."""

from __future__ import annotations

import numpy as np
import pytest
from support.result_folders import run_facts

from evalkit.results.rows import Rows
from evalkit.results.run_facts import LatencyFile
from evalkit.stats import quantile_interval, sample_size_for_quantile
from evalkit.summaries.run_latencies import run_latency_rows


def table(**seconds: list[float]) -> Rows:
    """Return the latencies of some runs on dataset d."""
    tags = [tag for tag, of_tag in seconds.items() for _ in of_tag]
    return Rows(
        {
            "dataset": np.array(["d"] * len(tags), dtype=object),
            "reranker": np.array(tags, dtype=object),
            "query_id": np.array([f"q{n}" for n in range(len(tags))], dtype=object),
            "seconds": np.array([one for of_tag in seconds.values() for one in of_tag]),
        }
    )


def test_quantiles_are_those_of_the_queries_of_the_run() -> None:
    """With their intervals over independent queries; rows of other runs do not count."""
    seconds = np.random.default_rng(1).exponential(0.1, 200).tolist()
    facts = run_facts("es", latencies=LatencyFile("es.csv", "hash", 200, 3))
    rows = table(es=seconds, other=[9.0] * 50)
    (found,) = run_latency_rows([facts, run_facts("other")], rows, 0.95)
    assert (found.dataset, found.reranker, found.queries, found.queries_unknown) == ("d", "es", 200, 3)
    assert found.p50_s.interval == quantile_interval(np.array(seconds), 0.5, 0.95)
    assert found.p95_s.interval == quantile_interval(np.array(seconds), 0.95, 0.95)


@pytest.mark.parametrize("queries", [1, 59])
def test_a_quantile_that_the_queries_cannot_bound_is_unknown(queries: int) -> None:
    """It says how many queries it needs."""
    facts = run_facts("es", latencies=LatencyFile("es.csv", "hash", queries, 0))
    (found,) = run_latency_rows([facts], table(es=[0.1] * queries), 0.95)
    assert (found.p95_s.estimate, found.p95_s.missing) == (None, "calls")
    assert found.p95_s.needs == sample_size_for_quantile(0.95, 0.95) > queries


def test_a_run_without_a_latency_file_has_no_latency() -> None:
    """Not even an empty one."""
    assert list(run_latency_rows([run_facts("es")], table(es=[]), 0.95)) == []
