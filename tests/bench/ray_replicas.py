"""One replica of a cross-encoder beside two, on Ray, one thread each.

``make bench``, or ``python tests/bench/ray_replicas.py [QUERIES] [ROUNDS]``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import local_models
import numpy as np

from evalkit.config import reranker_settings
from evalkit.distributed import RayCluster, RayPool, Replicas
from evalkit.records import RerankRequest
from evalkit.rerankers import Reranker, open_reranker
from evalkit.reranking import Batch, groups
from evalkit.reranking.pooled_scoring import score_group

POOL = 100


def timed(pool: RayPool[Reranker], items: list[list[Batch]]) -> tuple[float, np.ndarray]:
    """Return the seconds that some pools took, and their scores in one order."""
    start = time.perf_counter()
    found = {}
    for work in pool.each(score_group, items):
        assert isinstance(work.result, list), work.result
        for item, response in zip(work.task, work.result, strict=True):
            found[item.request.query_id] = response.scores
    return time.perf_counter() - start, np.concatenate([found[name] for name in sorted(found)])


def batches(requests: list[RerankRequest]) -> list[list[Batch]]:
    """Return requests in pools of one list each."""
    items = (Batch(request, tuple(range(1, len(request.documents) + 1))) for request in requests)
    return [list(pool) for pool in groups(items, POOL)]


def main() -> None:
    """Print pairs a second of one and of two replicas, in interleaved rounds."""
    if not (folder := os.environ.get("EVALKIT_TEST_DATA")):
        sys.stdout.write("Ray: EVALKIT_TEST_DATA is unset, so there are no real texts to score\n")
        return
    queries, rounds = (int(word) for word in (*sys.argv[1:], *("8", "3")[len(sys.argv) - 1 :]))
    data = Path(folder)
    with tempfile.TemporaryDirectory() as scratch:
        model = local_models.make_model(Path(scratch), data / "models" / "bert-base-uncased-tokenizer")
        block = {"backend": "cross_encoder", "model": str(model), "device": "cpu", "threads": 1}
        opener = partial(open_reranker, reranker_settings(block))
        items = batches(local_models.requests_of(local_models.passages(data, queries)))
        pairs = sum(len(item.request.documents) for pool in items for item in pool)
        taken: dict[int, list[float]] = {1: [], 2: []}
        scores = {}
        for _ in range(rounds):
            for count, times in taken.items():
                with RayCluster.joined("local", Replicas(count)) as cluster, cluster.pool(opener) as pool:
                    timed(pool, items[: 2 * count])  # models in memory
                    seconds, scores[count] = timed(pool, items)
                    times.append(seconds)
        one, two = (float(np.median(taken[count])) for count in (1, 2))
        sys.stdout.write(
            f"\nRay, {pairs} pairs in pools of {POOL}, {rounds} interleaved rounds: {pairs / one:.1f} pairs/s with one"
            f" replica, {pairs / two:.1f} with two: ratio {one / two:.2f}; scores bit-equal:"
            f" {np.array_equal(scores[1], scores[2])}\n"
        )


if __name__ == "__main__":
    main()
