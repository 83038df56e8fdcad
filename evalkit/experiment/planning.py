"""What an experiment will ask and cost, before anything is contacted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.checking.pointwise import CALLS
from evalkit.config import Config, Price, RerankerSettings
from evalkit.experiment.arenas import Arena
from evalkit.experiment.passes import is_split, quality_depths, sample_batches
from evalkit.records import RerankRequest
from evalkit.reranking import Batch, Caps, batch
from evalkit.reranking.estimating import TOKENS_PER_CHARACTER, expected_usage
from evalkit.timing import plan_cells


@dataclass(frozen=True, slots=True)
class PlannedPass:
    """Calls of one reranker on one dataset in one pass, if every call succeeds the first time.

    Attributes
    ----------
    pairs
        Query-document pairs sent.
    tokens
        Estimate: `TOKENS_PER_CHARACTER` for every pair's characters.
    cost_usd
        Estimate from the configured price; None without one.
    """

    dataset: str
    reranker: str
    pass_: str
    calls: int
    pairs: int
    tokens: int
    cost_usd: float | None


def plan_experiment(config: Config, arenas: Sequence[Arena]) -> list[PlannedPass]:
    """Return what `execute` would do, pass by pass; nothing is contacted."""
    planned: list[PlannedPass] = []
    for arena in arenas:
        for tag, settings in config.rerankers.items():
            planned.append(_planned(arena, tag, settings, "check", _checks(config, arena, settings, arenas)))
            planned.append(_planned(arena, tag, settings, "quality", _quality(config, arena, settings)))
        planned += _latency(config, arena)
    return [one for one in planned if one.calls]


def _checks(
    config: Config, arena: Arena, settings: RerankerSettings, arenas: Sequence[Arena]
) -> Iterator[RerankRequest]:
    """Yield the knock at the first dataset's door, and the pointwise check where there is one."""
    caps = _caps(settings)
    if arena is next(a for a in arenas if len(a.candidates)):
        yield next(batch(arena.candidates.cut(1), arena.dataset, Caps(1), pointwise=True)).request
    if settings.is_pointwise and settings.timed and is_split(config, arena, caps):
        for request in sample_batches(arena, caps, config.seed):
            half = replace(request, documents=request.documents[len(request.documents) // 2 :])
            yield from [request] * (CALLS - 1)
            yield half


def _quality(config: Config, arena: Arena, settings: RerankerSettings) -> Iterator[RerankRequest]:
    for depth in quality_depths(config, pointwise=settings.is_pointwise):
        candidates = arena.candidates.cut(depth or max(config.depths))
        for item in batch(candidates, arena.dataset, _caps(settings), pointwise=settings.is_pointwise):
            yield item.request


def _latency(config: Config, arena: Arena) -> list[PlannedPass]:
    if config.latency is None:
        return []
    timed = {tag: settings for tag, settings in config.rerankers.items() if settings.timed}
    cells = plan_cells(config.latency, list(timed), arena.dataset, arena.candidates, config.seed)
    planned = []
    for tag, settings in timed.items():
        own = [cell for cell in cells if cell.reranker == tag]
        warm: list[Batch] = [item for cell in own for item in cell.warmup]
        rounds: list[Batch] = [item for cell in own for part in cell.rounds for item in part]
        for name, items in (("warmup", warm), ("latency", rounds)):
            planned.append(_planned(arena, tag, settings, name, (item.request for item in items)))
    return planned


def _caps(settings: RerankerSettings) -> Caps:
    traffic = settings.traffic()
    return Caps(settings.largest_batch(), traffic.max_bytes, traffic.max_tokens)


def _planned(
    arena: Arena, tag: str, settings: RerankerSettings, name: str, requests: Iterable[RerankRequest]
) -> PlannedPass:
    price: Price | None = settings.traffic().price
    calls, pairs, tokens = 0, 0, 0
    costs: list[float | None] = []
    for request in requests:
        usage = expected_usage(request.query, request.documents, TOKENS_PER_CHARACTER)
        calls += 1
        pairs += len(request.documents)
        tokens += usage.tokens or 0
        costs.append(price.of(usage) if price else None)
    known = [cost for cost in costs if cost is not None]
    cost_usd = float(np.sum(known)) if price is not None and len(known) == calls else None
    return PlannedPass(arena.dataset.name, tag, name, calls, pairs, tokens, cost_usd)
