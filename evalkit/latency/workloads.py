"""Plan the cells of a latency pass and their batches, and decide when a warm-up is over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Call, Dataset, RerankRequest, Run

if TYPE_CHECKING:
    from evalkit.config import LatencySettings
    from evalkit.reranking import Batch

POOL = 10_000
"""Maximum number of sampled documents that fill batches and define the length buckets."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The fields that all timed calls of one cell share; see `Call`."""

    batch_size: int
    concurrency: int | None = 1
    length_bucket: int | None = None
    rate_per_s: float | None = None


CallKey = tuple[str, Workload, int, str]
"""Identifies a timed call within a dataset: reranker, workload, round and query id."""


def call_key(call: Call) -> CallKey:
    """Return the key that identifies a timed call within its dataset."""
    load = Workload(call.batch_size, call.concurrency, call.length_bucket, call.rate_per_s)
    return call.reranker, load, call.round or 0, call.query_id


@dataclass(frozen=True, slots=True)
class LatencyCell:
    """A reranker under one workload.

    Attributes
    ----------
    reranker
        Tag of the reranker.
    load
        The workload.
    least_warmup
        Minimum number of warm-up calls; warm-up continues until latencies settle.
    warmup
        Batches of the warm-up calls, repeated as needed.
    rounds
        Batches of each round; the queries of a round are distinct.
    """

    reranker: str
    load: Workload
    least_warmup: int
    warmup: tuple[Batch, ...]
    rounds: tuple[tuple[Batch, ...], ...]

    @property
    def calls(self) -> int:
        """Number of timed calls."""
        return sum(map(len, self.rounds))

    @property
    def others(self) -> int:
        """Number of untimed calls, before and after those of each round, that keep the concurrency constant."""
        return 2 * ((self.load.concurrency or 1) - 1) * sum(map(bool, self.rounds))


@dataclass(frozen=True, slots=True)
class Loads:
    """The arrival rates at which one reranker is measured.

    Attributes
    ----------
    reranker
        Tag of the reranker.
    rates_per_s
        Arrivals per second.
    latency_s
        Approximate latency of a single call, from which the number of calls in flight is estimated.
    """

    reranker: str
    rates_per_s: tuple[float, ...]
    latency_s: float = 0.0


def plan_cells(
    settings: LatencySettings, tags: Sequence[str], dataset: Dataset, candidates: Run, seed: int
) -> list[LatencyCell]:
    """Return the cells of the closed loops: the same batches for every reranker, distinct queries in a round.

    A cell has ``settings.calls`` timed calls, limited by the number of queries that the warm-up leaves, unless
    queries may repeat. Repeated queries are not independent samples, and may hit a cache.
    """
    batches = _Batches(dataset, candidates, settings, seed)
    cells: list[LatencyCell] = []
    for bucket in (None, *range(1, settings.length_buckets + 1)) if settings.length_buckets > 1 else (None,):
        for batch_size, concurrencies in _grid(settings, all_lengths=bucket is None).items():
            size = batches.possible(batch_size, bucket)
            if any((cell.load.batch_size, cell.load.length_bucket) == (size, bucket) for cell in cells):
                continue  # larger than the collection: the same size as an earlier cell
            warmup, timed = batches.draw(size, bucket, settings.calls, settings.rounds)
            cells += [
                LatencyCell(
                    tag,
                    Workload(size, concurrency, bucket),
                    max(settings.warmup, concurrency),
                    warmup,
                    timed,
                )
                for tag in tags
                for concurrency in concurrencies
            ]
    return cells


def plan_arrivals(
    settings: LatencySettings,
    loads: Loads,
    dataset: Dataset,
    candidates: Run,
    seed: int,
) -> list[LatencyCell]:
    """Return the cells of one reranker's open loops, one per rate, lowest rate first; see `plan_cells`."""
    from evalkit.reranking.open_loop import MOST_IN_FLIGHT, calls_ahead

    server = settings.server
    if server is None:
        return []
    batches = _Batches(dataset, candidates, settings, seed)
    size = batches.possible(server.batch_size or max(settings.batch_sizes), None)
    cells = []
    for rate in sorted(loads.rates_per_s):
        warmup, timed = batches.draw(size, None, server.calls or settings.calls, 1)
        ready = min(math.ceil(2 * rate * loads.latency_s) + 1 + calls_ahead(rate), MOST_IN_FLIGHT)
        least = max(settings.warmup, ready)
        cells.append(LatencyCell(loads.reranker, Workload(size, None, None, rate), least, warmup, timed))
    return cells


def _grid(settings: LatencySettings, *, all_lengths: bool) -> dict[int, list[int]]:
    """Return batch size -> numbers of calls in flight; capacity is measured only with documents of all lengths."""
    grid = {size: list(settings.concurrency) for size in settings.batch_sizes}
    capacity = settings.capacity()
    if capacity is not None and all_lengths:
        concurrencies = grid.setdefault(capacity.batch_size or max(settings.batch_sizes), [])
        concurrencies += [number for number in capacity.concurrency if number not in concurrencies]
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
        """Return a batch size, limited to the documents in the bucket or the collection that no query excludes."""
        documents = self._dataset.corpus.doc_ids if bucket is None else self._pool[self._bucket == bucket]
        exclusions = self._dataset.excluded.values()
        present = frozenset(documents) if exclusions else frozenset()
        excluded = max((len(doc_ids & present) for doc_ids in exclusions), default=0)
        return min(size, max(1, len(documents) - excluded))

    def draw(
        self, size: int, bucket: int | None, calls: int, rounds: int
    ) -> tuple[tuple[Batch, ...], tuple[tuple[Batch, ...], ...]]:
        """Return batches for the warm-up, and the batches of each round."""
        queries = len(self._dataset.queries)
        # Every thread must open its connection in the warm-up; at least half of the queries are timed.
        least = min(max(self._settings.warmup, *self._settings.concurrency), queries // 2)
        warmup_calls = max(least, min(MOST_WARMUP, queries - calls))
        order = self._rng.permutation(queries)
        remaining = queries - warmup_calls
        repeats = rounds if self._settings.repeat_queries else 1
        wanted = min(calls, remaining * repeats)
        batches = [
            self._fill(int(row), size, bucket) for row in order[: warmup_calls + min(wanted, remaining)]
        ]
        parts = np.array_split(np.arange(wanted), rounds)
        timed = tuple(tuple(batches[warmup_calls + int(i) % remaining] for i in part) for part in parts)
        return tuple(batches[:warmup_calls]), timed

    def _fill(self, row: int, size: int, bucket: int | None) -> Batch:
        """Return a batch of one query: its candidates, filled up with other documents."""
        from evalkit.reranking import Batch

        query = self._dataset.queries[row]
        candidates = self._candidates.docs(query.query_id)
        docs = tuple(doc_id for doc_id in candidates if self._is_in(doc_id, bucket))[:size]
        barred = self._dataset.excluded.get(query.query_id, frozenset())
        filling = tuple(self._others(barred.union(docs), size - len(docs), bucket))
        doc_ids = (*docs, *filling)
        texts = tuple(self._dataset.corpus.text(doc_id) for doc_id in doc_ids)
        request = RerankRequest(query.query_id, query.text, texts, doc_ids, instruction=query.instruction)
        return Batch(request, filled=len(filling))

    def _others(self, excluded: frozenset[str], count: int, bucket: int | None) -> Iterator[str]:
        """Yield `count` random documents of a bucket that are not excluded."""
        if not count:
            return
        pool = self._pool if bucket is None else self._pool[self._bucket == bucket]
        if len(pool) < count + len(excluded):  # a batch nearly as large as the collection
            pool = np.array([d for d in self._dataset.corpus.doc_ids if self._is_in(d, bucket)], dtype=object)
        drawn = self._rng.choice(len(pool), min(count + len(excluded), len(pool)), replace=False)
        new = [doc_id for doc_id in pool[drawn] if doc_id not in excluded]
        yield from new[:count]

    def _is_in(self, doc_id: str, bucket: int | None) -> bool:
        return bucket is None or int(self._bucket_of(np.array([self._length(doc_id)]))[0]) == bucket

    def _length(self, doc_id: str) -> int:
        return len(self._dataset.corpus.text(doc_id))

    def _bucket_of(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._edges, lengths, side="left") + 1


def without_finished(cells: Sequence[LatencyCell], finished: AbstractSet[CallKey]) -> list[LatencyCell]:
    """Return the cells without their finished calls.

    A cell without remaining calls needs no warm-up, but keeps its position: the random order of the rounds is
    drawn over all cells and must not change.
    """
    remaining = []
    for cell in cells:
        rounds = tuple(
            tuple(
                item
                for item in items
                if (cell.reranker, cell.load, number, item.request.query_id) not in finished
            )
            for number, items in enumerate(cell.rounds)
        )
        has_calls = any(rounds)
        remaining.append(
            replace(
                cell,
                rounds=rounds,
                warmup=cell.warmup if has_calls else (),
                least_warmup=cell.least_warmup if has_calls else 0,
            )
        )
    return remaining


MOST_WARMUP = 30
"""Maximum number of warm-up calls of a cell, whether or not latencies settle."""
NEAR = 0.10
"""Latencies count as equal within this relative distance of their median."""
_SPAN = 5


def has_settled(latencies_s: Sequence[float]) -> bool:
    """Return whether latencies have settled, so that the warm-up can end.

    Either the last three are within 10 % of their median, or the median of the last five is at most 10 % below
    that of the five before. The second rule is for documents whose lengths differ too much for the first.
    """
    last = np.array(latencies_s[-3:])
    if len(last) == 3 and (np.abs(last - np.median(last)) <= NEAR * np.median(last)).all():
        return True
    if len(latencies_s) < 2 * _SPAN:
        return False
    before, now = latencies_s[-2 * _SPAN : -_SPAN], latencies_s[-_SPAN:]
    return float(np.median(now)) >= (1 - NEAR) * float(np.median(before))
