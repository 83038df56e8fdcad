"""What an experiment will ask and cost, before anything is contacted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice

import numpy as np

from evalkit.backend_checks.pointwise import CALLS
from evalkit.config import Config, Price, RerankerSettings
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import ExperimentStore, precise_tag
from evalkit.experiment.latency_pass import arrival_cells, find_loads, latency_cells
from evalkit.experiment.precision_pass import batches_in_full, sampled_candidates
from evalkit.experiment.quality_pass import Records, is_split, quality_lists, sample_batches
from evalkit.experiment.recorder import Recorder
from evalkit.latency import LatencyCell, Loads
from evalkit.records import RerankRequest
from evalkit.reranking import Batch, Caps, batch
from evalkit.reranking.token_estimates import TOKENS_PER_CHARACTER, PlannedPass, expected_usage, weigh


def plan_experiment(config: Config, eval_sets: Sequence[EvalSet], records: Records) -> list[PlannedPass]:
    """Return what `execute` would do, pass by pass; nothing is contacted.

    Parameters
    ----------
    config, eval_sets
        What is measured, on what.
    records
        What is known, and what an unfinished run has done already.
    """
    planned: list[PlannedPass] = []
    asked = {tag for tag in config.rerankers if records.recorder.has_asked(tag)}
    for eval_set in eval_sets:
        for tag, settings in config.rerankers.items():
            quality, known = (
                _quality(config, eval_set, tag, settings, records.store) if config.quality else ([], 0)
            )
            if quality or (config.latency and settings.timed):
                checked = not quality or records.recorder.has_checked(tag, eval_set.dataset.name)
                checks = _checks(config, eval_set, settings, test_call=tag not in asked, promise=not checked)
                planned.append(_planned(eval_set, tag, settings, "check", checks))
                asked.add(tag)
            planned.append(replace(_planned(eval_set, tag, settings, "quality", quality), known=known))
            planned += _precision(config, eval_set, tag, records.store) if config.quality else ()
        planned += _latency(config, eval_set, records.recorder)
    return [one for one in planned if one.calls or one.known]


def _checks(
    config: Config, eval_set: EvalSet, settings: RerankerSettings, *, test_call: bool, promise: bool
) -> Iterator[RerankRequest]:
    """Yield the knock at the first dataset's door, and the pointwise check where there is one."""
    caps = Caps.of(settings)
    if test_call and len(eval_set.candidates):
        yield next(batch(eval_set.candidates.cut(1), eval_set.dataset, Caps(1), pointwise=True)).request
    if promise and settings.is_pointwise and settings.timed and is_split(config, eval_set, caps):
        for request in sample_batches(eval_set, caps, config.seed):
            half = replace(request, documents=request.documents[len(request.documents) // 2 :])
            yield from [request] * (CALLS - 1)
            yield half


def _quality(
    config: Config, eval_set: EvalSet, tag: str, settings: RerankerSettings, store: ExperimentStore
) -> tuple[list[RerankRequest], int]:
    """Return the requests of the quality pass, and the pairs that are known."""
    requests: list[RerankRequest] = []
    pairs = 0
    for _, candidates in quality_lists(config, eval_set, pointwise=settings.is_pointwise):
        rows = store.rows(tag, eval_set, candidates, pointwise=settings.is_pointwise)
        known = {query_id: row.known_ranks for query_id, row in rows.items()}
        pairs += sum(map(len, known.values()))
        batches = batch(
            candidates, eval_set.dataset, Caps.of(settings), pointwise=settings.is_pointwise, known=known
        )
        requests += [item.request for item in batches]
    return requests, pairs


def _precision(config: Config, eval_set: EvalSet, tag: str, store: ExperimentStore) -> Iterator[PlannedPass]:
    """Yield what is scored again in fp32, where a reranker runs with fewer bits."""
    fewer_bits = config.rerankers[tag].fewer_bits()
    if fewer_bits is None:
        return
    _, precise = fewer_bits
    sample = sampled_candidates(config, eval_set)
    known = store.rows(precise_tag(tag), eval_set, sample, pointwise=True)
    requests = (item.request for item in batches_in_full(sample, eval_set, precise, known))
    pairs = sum(len(row.known_ranks) for row in known.values())
    yield replace(_planned(eval_set, tag, precise, "precision", requests), known=pairs)


def _latency(config: Config, eval_set: EvalSet, recorder: Recorder) -> list[PlannedPass]:
    timed = {tag: settings for tag, settings in config.rerankers.items() if settings.timed}
    cells = latency_cells(config, list(timed), eval_set, recorder)
    planned = []
    for tag, settings in timed.items():
        own = [cell for cell in cells if cell.reranker == tag] + _open_loop_cells(
            config, tag, eval_set, recorder
        )
        warm: list[Batch] = [
            item for cell in own for item in islice(cycle(cell.warmup), cell.least_warmup + cell.others)
        ]
        rounds: list[Batch] = [item for cell in own for part in cell.rounds for item in part]
        for name, items in (("warmup", warm), ("latency", rounds)):
            planned.append(_planned(eval_set, tag, settings, name, (item.request for item in items)))
    return planned


def _open_loop_cells(config: Config, tag: str, eval_set: EvalSet, recorder: Recorder) -> list[LatencyCell]:
    """Return the open loops; where their rates are not known yet, as many with some rate."""
    latency = config.latency
    if latency is None or latency.server is None:
        return []
    shares = latency.server.rates_per_s or latency.server.shares
    made = [call for call in recorder.calls if (call.reranker, call.dataset) == (tag, eval_set.dataset.name)]
    loads = find_loads(latency, tag, [call for call in made if call.pass_ == "latency"])
    return arrival_cells(config, loads if loads.rates_per_s else Loads(tag, shares), eval_set, recorder)


def _planned(
    eval_set: EvalSet, tag: str, settings: RerankerSettings, name: str, requests: Iterable[RerankRequest]
) -> PlannedPass:
    traffic = settings.traffic()
    price: Price | None = traffic.price
    calls, pairs, sent, tokens = 0, 0, 0, 0
    costs: list[float | None] = []
    for request in requests:
        weight = weigh(traffic, request.query, request.documents)
        usage = expected_usage(request.query, request.documents, TOKENS_PER_CHARACTER, weight)
        calls += 1
        pairs += len(request.documents)
        sent += weight.requests
        tokens += usage.tokens or 0
        costs.append(price.of(usage) if price else None)
    known = [cost for cost in costs if cost is not None]
    cost_usd = float(np.sum(known)) if price is not None and len(known) == calls else None
    return PlannedPass(eval_set.dataset.name, tag, name, calls, pairs, 0, sent, tokens, cost_usd)
