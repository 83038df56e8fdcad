"""A whole sweep over depths beside ir_measures called once per depth: ``make bench``."""

from __future__ import annotations

import sys
import time

import ir_measures
import numpy as np

from evalkit.metrics import parse_metrics
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import Qrels, Run

QUERIES, DEEPEST = 7_000, 1_000
SAMPLED = (10, 20, 50, 100, 200, 300, 400, 500, 700, 1000)
METRICS = ("nDCG@10", "RR@10", "AP", "R@100")


def main() -> None:
    """Print one table."""
    rng = np.random.default_rng(3)
    docs = [f"d{i:04}" for i in range(DEEPEST)]
    query_ids = [f"q{i}" for i in range(QUERIES)]
    scores = rng.permuted(np.tile(np.arange(DEEPEST, dtype=np.float64), (QUERIES, 1)), axis=1)
    grades = {
        q: {docs[d]: int(rng.integers(1, 4)) for d in rng.choice(DEEPEST, 5, replace=False).tolist()}
        for q in query_ids
    }
    flat = [q for q in query_ids for _ in docs]
    first = Run.from_rows(
        "first", flat, docs * QUERIES, np.tile(-np.arange(DEEPEST, dtype=np.float64), QUERIES)
    )
    reranked = Run.from_rows("reranked", flat, docs * QUERIES, scores.ravel())
    start = time.perf_counter()
    swept = sweep_depths(first, reranked, Qrels(grades), parse_metrics(METRICS), DEEPEST, "dropped")
    own = (time.perf_counter() - start) / DEEPEST
    other, worst, compared = [], 0.0, 0
    measures = [ir_measures.parse_measure(name) for name in METRICS]
    for depth in SAMPLED:
        run = {
            q: dict(zip(docs[:depth], row[:depth].tolist(), strict=True))
            for q, row in zip(query_ids, scores, strict=True)
        }
        start = time.perf_counter()
        found = list(ir_measures.iter_calc(measures, grades, run))
        other.append(time.perf_counter() - start)
        place = {q: i for i, q in enumerate(swept.query_ids)}
        for one in found:
            ours = swept.of(str(one.measure))[place[one.query_id], depth - 1]
            worst = max(worst, abs(float(ours) - one.value))
            compared += float(ours) > 0
    theirs = float(np.mean(other))
    sys.stdout.write(
        f"\n{QUERIES} queries, {len(METRICS)} metrics, depths 1 to {DEEPEST}\n"
        f"evalkit      {own * 1000:10.1f} ms a depth, {own * DEEPEST:.1f} s for all\n"
        f"ir_measures  {theirs * 1000:10.1f} ms a depth, mean of {len(SAMPLED)} depths\n"
        f"ratio {theirs / own:.0f}, largest difference of {compared} values above 0: {worst:.1e}\n"
    )


if __name__ == "__main__":
    main()
