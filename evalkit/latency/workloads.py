"""The cells of a latency pass and the batches each of them times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.config import LatencySettings
from evalkit.records import Call, Dataset, RerankRequest, Run
from evalkit.reranking import Batch

MOST_READY = 64
"""Connections that are opened before an open loop begins, at most."""
POOL = 10_000
"""Documents of a collection that fill batches and set the edges of length buckets: a sample of large ones."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What the timed calls of one cell have in common; see `Call` for the fields."""

    batch_size: int
    concurrency: int | None = 1
    length_bucket: int | None = None
    rate_per_s: float | None = None


Timed = tuple[str, Workload, int, str]
"""What tells a timed call from every other of its dataset: reranker, workload, round, query."""


def timed_as(call: Call) -> Timed:
    """Return what tells a timed call from every other of its dataset."""
    load = Workload(call.batch_size, call.concurrency, call.length_bucket, call.rate_per_s)
    return call.reranker, load, call.round or 0, call.query_id


@dataclass(frozen=True, slots=True)
class LatencyCell:
    """One combination that is timed: a reranker under a workload.

    Attributes
    ----------
    reranker
        Tag of the reranker.
    least_warmup
        Calls that do not count, at least: they go on until latencies settle.
    warmup
        Batches for them, repeated if need be.
    rounds
        Batches of each round; no query comes twice in a round.
    """

    reranker: str
    load: Workload
    least_warmup: int
    warmup: tuple[Batch, ...]
    rounds: tuple[tuple[Batch, ...], ...]

    @property
    def calls(self) -> int:
        """Timed calls."""
        return sum(map(len, self.rounds))

    @property
    def others(self) -> int:
        """Calls before and after those of each round that keep the load up, over all rounds."""
        return 2 * ((self.load.concurrency or 1) - 1) * sum(map(bool, self.rounds))


@dataclass(frozen=True, slots=True)
class Loads:
    """The arrivals that one reranker is put to.

    Attributes
    ----------
    rates_per_s
        Arrivals per second.
    latency_s
        What a call takes when it is alone, about: tells how many will be out at once.
    """

    reranker: str
    rates_per_s: tuple[float, ...]
    latency_s: float = 0.0


def plan_cells(
    settings: LatencySettings, tags: Sequence[str], dataset: Dataset, candidates: Run, seed: int
) -> list[LatencyCell]:
    """Lay out the closed loops: the same batches for every reranker, distinct queries within a round.

    A cell has ``settings.calls`` timed calls, or as many as there are queries beyond the warm-up, unless
    queries may repeat: a repeated query is no independent sample, and may hit a cache.
    """
    batches = _Batches(dataset, candidates, settings, seed)
    cells: list[LatencyCell] = []
    for bucket in (None, *range(1, settings.length_buckets + 1)) if settings.length_buckets > 1 else (None,):
        for wanted, concurrencies in _grid(settings, whole=bucket is None).items():
            size = batches.possible(wanted, bucket)
            if any((cell.load.batch_size, cell.load.length_bucket) == (size, bucket) for cell in cells):
                continue  # beyond the collection: the same batch once more
            warmup, timed = batches.draw(size, bucket, settings.calls, settings.rounds)
            cells += [
                LatencyCell(tag, Workload(size, flight, bucket), max(settings.warmup, flight), warmup, timed)
                for tag in tags
                for flight in concurrencies
            ]
    return cells


def plan_arrivals(
    settings: LatencySettings,
    loads: Loads,
    dataset: Dataset,
    candidates: Run,
    seed: int,
) -> list[LatencyCell]:
    """Lay out the open loop of one reranker, one cell a rate, the slowest first; see `plan_cells`."""
    server = settings.server
    if server is None:
        return []
    batches = _Batches(dataset, candidates, settings, seed)
    size = batches.possible(server.batch_size or max(settings.batch_sizes), None)
    cells = []
    for rate in sorted(loads.rates_per_s):
        warmup, timed = batches.draw(size, None, server.calls or settings.calls, 1)
        ready = min(math.ceil(2 * rate * loads.latency_s) + 2, MOST_READY)
        least = max(settings.warmup, ready)
        cells.append(LatencyCell(loads.reranker, Workload(size, None, None, rate), least, warmup, timed))
    return cells


def _grid(settings: LatencySettings, *, whole: bool) -> dict[int, list[int]]:
    """Return batch size -> calls in flight; capacity is measured with documents as they come."""
    grid = {size: list(settings.concurrency) for size in settings.batch_sizes}
    capacity = settings.capacity()
    if capacity is not None and whole:
        flights = grid.setdefault(capacity.batch_size or max(settings.batch_sizes), [])
        flights += [flight for flight in capacity.concurrency if flight not in flights]
    return grid


class _Batches:
    """Draws the batches of a dataset."""

    def __init__(self, dataset: Dataset, candidates: Run, settings: LatencySettings, seed: int) -> None:
        self._dataset = dataset
        self._candidates = candidates
        self._settings = settings
        self._rng = np.random.default_rng(seed)
        size = len(dataset.corpus)
        chosen = self._rng.choice(size, min(size, POOL), replace=False)
        self._pool = np.array([dataset.corpus.doc_ids[i] for i in chosen], dtype=object)
        lengths = np.array([self._length(doc_id) for doc_id in self._pool])
        shares = np.arange(1, settings.length_buckets) / settings.length_buckets
        self._edges: NDArray[np.float64] = np.quantile(lengths, shares)
        self._bucket = self._bucket_of(lengths)

    def possible(self, size: int, bucket: int | None) -> int:
        """Return a batch size, or how many documents there are where that is fewer."""
        return min(size, len(self._dataset.corpus) if bucket is None else int((self._bucket == bucket).sum()))

    def draw(
        self, size: int, bucket: int | None, calls: int, rounds: int
    ) -> tuple[tuple[Batch, ...], tuple[tuple[Batch, ...], ...]]:
        """Return batches to warm up with, and those of each round."""
        queries = len(self._dataset.queries)
        # Every thread opens its connection while warming up; at least half of the queries are timed.
        least = min(max(self._settings.warmup, *self._settings.concurrency), queries // 2)
        warm = max(least, min(MOST_WARMUP, queries - calls))
        order = self._rng.permutation(queries)
        left = queries - warm
        repeats = rounds if self._settings.repeat_queries else 1
        wanted = min(calls, left * repeats)
        made = [self._fill(int(row), size, bucket) for row in order[: warm + min(wanted, left)]]
        parts = np.array_split(np.arange(wanted), rounds)
        timed = tuple(tuple(made[warm + int(i) % left] for i in part) for part in parts)
        return tuple(made[:warm]), timed

    def _fill(self, row: int, size: int, bucket: int | None) -> Batch:
        """Return a batch of one query: its candidates, then other documents where they are too few."""
        query = self._dataset.queries[row]
        own = self._candidates.docs(query.query_id)
        docs = tuple(doc_id for doc_id in own if self._is_in(doc_id, bucket))[:size]
        filling = tuple(self._others(set(docs), size - len(docs), bucket))
        doc_ids = (*docs, *filling)
        texts = tuple(self._dataset.corpus.text(doc_id) for doc_id in doc_ids)
        return Batch(RerankRequest(query.query_id, query.text, texts, doc_ids), filled=len(filling))

    def _others(self, held: set[str], wanted: int, bucket: int | None) -> Iterator[str]:
        if not wanted:
            return
        pool = self._pool if bucket is None else self._pool[self._bucket == bucket]
        if len(pool) < wanted + len(held):  # a batch nearly as large as the collection
            pool = np.array([d for d in self._dataset.corpus.doc_ids if self._is_in(d, bucket)], dtype=object)
        drawn = self._rng.choice(len(pool), min(wanted + len(held), len(pool)), replace=False)
        new = [doc_id for doc_id in pool[drawn] if doc_id not in held]
        yield from new[:wanted]

    def _is_in(self, doc_id: str, bucket: int | None) -> bool:
        return bucket is None or int(self._bucket_of(np.array([self._length(doc_id)]))[0]) == bucket

    def _length(self, doc_id: str) -> int:
        return len(self._dataset.corpus.text(doc_id))

    def _bucket_of(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._edges, lengths, side="left") + 1


def without(cells: Sequence[LatencyCell], done: AbstractSet[Timed]) -> list[LatencyCell]:
    """Return the cells without the calls that are done.

    A cell that has nothing left is not warmed up either, but keeps its place: the order of the rounds,
    which is drawn over all cells, stays as it was.
    """
    left = []
    for cell in cells:
        rounds = tuple(
            tuple(
                item
                for item in items
                if (cell.reranker, cell.load, number, item.request.query_id) not in done
            )
            for number, items in enumerate(cell.rounds)
        )
        warm = any(rounds)
        left.append(
            replace(
                cell,
                rounds=rounds,
                warmup=cell.warmup if warm else (),
                least_warmup=cell.least_warmup if warm else 0,
            )
        )
    return left


MOST_WARMUP = 30
"""Calls after which a cell is timed, settled or not."""
NEAR = 0.10
"""Latencies that differ by less, relative to their median, are taken for equal."""
_SPAN = 5


def has_settled(latencies_s: Sequence[float]) -> bool:
    """Return whether the last calls say that warming up is over.

    Either three calls in a row lie within 10 % of their median; or, where documents differ too much in length
    for that, the last five calls were no faster than the five before them.
    """
    last = np.array(latencies_s[-3:])
    if len(last) == 3 and (np.abs(last - np.median(last)) <= NEAR * np.median(last)).all():
        return True
    if len(latencies_s) < 2 * _SPAN:
        return False
    before, now = latencies_s[-2 * _SPAN : -_SPAN], latencies_s[-_SPAN:]
    return float(np.median(now)) >= (1 - NEAR) * float(np.median(before))
