"""The cells of a latency pass and the batches each of them times."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from evalkit.config import LatencySettings
from evalkit.records import Dataset, RerankRequest, Run
from evalkit.reranking import Batch

Timed = tuple[str, int, int, str]
"""What tells a timed call from every other of its dataset: reranker, documents, concurrency, query."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination that is timed: a reranker, a batch size, a concurrency.

    Attributes
    ----------
    reranker
        Tag of the reranker.
    warmup
        Batches sent first, whose times do not count.
    rounds
        Batches of each round, every one with a query of its own.
    """

    reranker: str
    batch_size: int
    concurrency: int
    warmup: tuple[Batch, ...]
    rounds: tuple[tuple[Batch, ...], ...]


def plan_cells(
    settings: LatencySettings, tags: Sequence[str], dataset: Dataset, candidates: Run, seed: int
) -> list[Cell]:
    """Lay out the pass: the same batches for every reranker, distinct queries within a cell.

    A cell has ``settings.calls`` timed calls, or as many as there are queries beyond the
    warm-up: a repeated query would not be an independent sample, and may hit a cache.
    """
    rng = np.random.default_rng(seed)
    cells: list[Cell] = []
    # Sizes beyond the collection are one and the same batch: timed once, or their calls would
    # be taken together although they share their queries.
    for batch_size in dict.fromkeys(min(size, len(dataset.corpus)) for size in settings.batch_sizes):
        order = rng.permutation(len(dataset.queries))
        # Every thread opens its connection while warming up. At least half of the queries are timed.
        warm = min(max(settings.warmup, *settings.concurrency), len(order) // 2)
        batches = [
            _fill(int(row), batch_size, dataset, candidates, rng) for row in order[: warm + settings.calls]
        ]
        timed = batches[warm:]
        rounds = tuple(tuple(timed[start :: settings.rounds]) for start in range(settings.rounds))
        cells += [
            Cell(tag, batch_size, concurrency, tuple(batches[:warm]), rounds)
            for tag in tags
            for concurrency in settings.concurrency
        ]
    return cells


def without(cells: Sequence[Cell], done: AbstractSet[Timed]) -> list[Cell]:
    """Return the cells without the calls that are done.

    A cell that has nothing left is not warmed up either, but keeps its place: the order of the rounds,
    which is drawn over all cells, stays as it was.
    """
    left = []
    for cell in cells:
        rounds = tuple(tuple(item for item in items if _key(cell, item) not in done) for items in cell.rounds)
        left.append(replace(cell, rounds=rounds, warmup=cell.warmup if any(rounds) else ()))
    return left


def _key(cell: Cell, item: Batch) -> Timed:
    return cell.reranker, len(item.request.documents), cell.concurrency, item.request.query_id


def _fill(row: int, batch_size: int, dataset: Dataset, candidates: Run, rng: np.random.Generator) -> Batch:
    """Return a batch of one query: its candidates, then other documents where they are too few."""
    query = dataset.queries[row]
    docs = candidates.docs(query.query_id)[:batch_size]
    wanted = batch_size - len(docs)
    held = set(docs)
    others = [
        dataset.corpus.doc_ids[i] for i in rng.choice(len(dataset.corpus), len(docs) + wanted, replace=False)
    ]
    filling = tuple([doc_id for doc_id in others if doc_id not in held][:wanted])
    doc_ids = (*docs, *filling)
    texts = tuple(dataset.corpus.text(doc_id) for doc_id in doc_ids)
    return Batch(RerankRequest(query.query_id, query.text, texts, doc_ids), filled=len(filling))
