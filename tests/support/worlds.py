"""Populations of queries for simulations: real differences per query, given a true mean."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Paired, System
from evalkit.config import RetrieverSettings, validate_block
from evalkit.datasets import load_dataset
from evalkit.formats import read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import MetricValues, Qrels, Run
from evalkit.retrievers import open_retriever, retrieve_candidates

Values = NDArray[np.float64]

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "400"))
"""Simulated experiments of a simulation that takes milliseconds for each."""
CONFIGS = Path(__file__).parents[2] / "configs"


def demo_values(metric: str = "nDCG@10") -> tuple[Values, Values]:
    """Return the ``(96,)`` values of BM25 and of a bi-encoder on the bundled collection."""
    dataset = load_dataset("demo")
    settings = validate_block("retriever kind", {"kind": "bm25"})
    assert isinstance(settings, RetrieverSettings)
    runs = (
        retrieve_candidates(open_retriever(settings, dataset), dataset, 100),
        read_run(next(CONFIGS.glob("quickstart*.trec.gz"))),
    )
    first, second = (evaluate(run, dataset.qrels, parse_metrics([metric])).of(metric) for run in runs)
    return first, second


def centred_differences() -> Values:
    """Return the ``(96,)`` differences of two real systems, shifted to a mean of 0."""
    first, second = demo_values()
    return second - first - (second - first).mean()


def paired(differences: Values, clusters: NDArray[np.int64] | None = None) -> Paired:
    """Return paired values with these differences."""
    ids = tuple(f"q{number}" for number in range(len(differences)))
    return Paired(ids, np.zeros_like(differences), differences, 0, clusters)


def set_of_values(columns: dict[str, Values], dataset: str = "d") -> ComparisonSet:
    """Return systems with given values of nDCG@10 and no ranked lists."""
    ids = tuple(f"q{number}" for number in range(len(next(iter(columns.values())))))
    systems = {
        name: System(
            name, Run.from_rows(name, [], [], []), MetricValues(name, ("nDCG@10",), ids, values[:, None])
        )
        for name, values in columns.items()
    }
    return ComparisonSet(dataset, Qrels({}), systems)
