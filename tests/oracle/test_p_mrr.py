"""pMRR equals the function of mteb: ties, missing documents and pairs in which nothing changes included.

The numbers were computed with ``calculate_pmrr`` of mteb (github.com/embeddings-benchmark/mteb, commit a905523, file
``mteb/_evaluators/retrieval_metrics.py``) on the worlds that `world` draws.
"""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.metrics import evaluate
from evalkit.records import Qrels, Run

COMPUTED = {
    0: -0.030559563892897258,
    1: 0.054333413500080176,
    2: -0.06126623376623375,
    3: -0.014657287157287155,
    4: 0.015025252525252508,
}
"""Seed -> value."""


def world(seed: int) -> tuple[Qrels, Run]:
    """Return judgments of six pairs of queries, and a run with ties that lacks a fifth of the documents."""
    rng = np.random.default_rng(seed)
    grades: dict[str, dict[str, int]] = {}
    rows: list[tuple[str, str, float]] = []
    for pair in range(6):
        docs = [f"d{number}" for number in range(12)]
        original = {doc: int(grade) for doc, grade in zip(docs, rng.integers(0, 3, 12), strict=True)}
        original["d0"] = 1
        changed = {doc: 0 if rng.random() < 0.4 else grade for doc, grade in original.items()}
        changed["d1"] = original["d1"] = 1
        for query_id, judged in ((f"{pair}-og", original), (f"{pair}-changed", changed)):
            grades[query_id] = judged
            rows += [(query_id, doc, float(rng.integers(0, 6))) for doc in docs if rng.random() < 0.8]
    return Qrels(grades), Run.from_rows("r", *map(list, zip(*rows, strict=True)))


@pytest.mark.parametrize("seed", list(COMPUTED))
def test_the_mean_equals_that_of_mteb(seed: int) -> None:
    """The mean over documents is that of a pair, and the mean over pairs that of the run."""
    qrels, run = world(seed)
    values = list(evaluate(run, qrels, ["pMRR"]).by_query("pMRR").values())
    assert np.mean(values) == pytest.approx(COMPUTED[seed], abs=1e-12)
