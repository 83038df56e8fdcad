"""Exact search among vectors, compared with the plain products of numpy: ``make bench``.

The vectors are random numbers; both are timed by the processor, in interleaved rounds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from evalkit.retrievers.dense_search import BLOCK_BYTES, Nearest, lengths_of, search

DIMENSION, DEPTH, BATCH = 384, 100, 128


def processor_s(way: Callable[[], object]) -> float:
    """Return the seconds of processor time that a way takes."""
    start = time.process_time()
    way()
    return time.process_time() - start


def main(documents: int, queries: int, rounds: int) -> None:
    """Print one table."""
    rng = np.random.default_rng(1)
    vectors, asked = (
        rng.standard_normal((count, DIMENSION), dtype=np.float32) for count in (documents, queries)
    )
    doc_ids, lengths = tuple(map(str, range(documents))), lengths_of(vectors)
    step = BLOCK_BYTES // (4 * DIMENSION)

    def plain() -> None:
        for first in range(0, documents, step):
            for start in range(0, queries, BATCH):
                asked[start : start + BATCH] @ vectors[first : first + step].T

    def found(similarity: str) -> None:
        nearest = [Nearest(DEPTH, doc_ids) for _ in range(queries)]
        search(
            vectors, asked, nearest, lambda _: None, similarity, lengths if similarity == "cosine" else None
        )  # type: ignore[arg-type]

    ways = {"products alone": plain, "dot": lambda: found("dot"), "cosine": lambda: found("cosine")}
    times: dict[str, list[float]] = {name: [] for name in (*ways, "lengths, once")}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(processor_s(way))
        times["lengths, once"].append(processor_s(lambda: lengths_of(vectors)))
    sys.stdout.write(
        f"\nnearest {DEPTH} of {documents:,} vectors of {DIMENSION} numbers, {queries} queries, {rounds} rounds\n"
        f"{'':20}{'cpu s':>8}{'ratio':>8}\n"
    )
    for name, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(taken, times["products alone"], strict=True))
        sys.stdout.write(f"{name:20}{min(taken):8.2f}{ratio:8.2f}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    main(given.documents, given.queries, given.rounds)
