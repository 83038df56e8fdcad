"""The plan of an experiment: its calls, pairs, tokens and cost, computed without contacting a backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle, islice

from evalkit.backend_checks.pointwise import second_half
from evalkit.backend_checks.score_drift import CALLS as DRIFT_CALLS
from evalkit.config import RerankerSettings
from evalkit.experiment.cascade_timing import cascade_cells
from evalkit.experiment.context import Experiment
from evalkit.experiment.drift_pass import sampled_requests
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.exchanged_queries import exchange_queries
from evalkit.experiment.first_calls import first_request, is_split, needs_dependence
from evalkit.experiment.latency_pass import arrival_cells, find_loads, latency_cells, timed_calls
from evalkit.experiment.pointwise_sample import sample_batches, shared_queries
from evalkit.experiment.precision_pass import batches_in_full, sampled_candidates
from evalkit.experiment.quality_pass import quality_lists
from evalkit.latency import LatencyCell, Loads
from evalkit.records import RerankRequest
from evalkit.reranking import Batch, Caps, batch
from evalkit.reranking.token_estimates import PlannedPass, plan_pass
from evalkit.results.raw_tables import precise_tag

DERIVED = "derived"
"""Name of the pass of a reranker whose scores are computed from those of others."""


def plan_experiment(experiment: Experiment) -> list[PlannedPass]:
    """Return the passes that `execute` would make, without those that need no call and reuse no score.

    A cascade has a pass ``derived`` without calls.
    """
    config, recorder = experiment.config, experiment.recorder
    planned: list[PlannedPass] = []
    asked = {tag for tag in config.rerankers if recorder.has_asked(tag)}
    checked = {tag for tag in config.rerankers if not needs_dependence(experiment, tag)}
    for eval_set in experiment.eval_sets:
        for tag, settings in config.called.items():
            quality, known = _quality(experiment, eval_set, tag) if config.quality else ([], 0)
            if quality or (config.latency and settings.timed):
                requests: list[RerankRequest] = []
                if tag not in asked and len(eval_set.candidates):
                    requests.append(first_request(eval_set).request)
                if tag not in checked:
                    requests += _dependence_check(experiment, settings)
                if quality and not recorder.has_checked(tag, eval_set.dataset.name):
                    requests += _pointwise_check(experiment, eval_set, tag)
                planned.append(_planned(eval_set, tag, "check", requests, settings))
                asked.add(tag)
                checked.add(tag)
            planned += _drift(experiment, eval_set, tag) if config.quality else ()
            planned.append(replace(_planned(eval_set, tag, "quality", quality, settings), known=known))
            planned += _precision(experiment, eval_set, tag) if config.quality else ()
        planned += _latency(experiment, eval_set)
        derived = (tag for tag, settings in config.rerankers.items() if settings.derived and config.quality)
        planned += [PlannedPass(eval_set.dataset.name, tag, DERIVED, 0, 0, 0, 0, 0, None) for tag in derived]
    return [one for one in planned if one.calls or one.known or one.pass_ == DERIVED]


def _dependence_check(experiment: Experiment, settings: RerankerSettings) -> Iterator[RerankRequest]:
    """Yield the requests of the dependence check: those of the first two queries, which show that scores depend."""
    config = experiment.config
    sample = exchange_queries(experiment.eval_sets, Caps.of(settings), config.seed, experiment.depth)
    queries = list(dict.fromkeys(request.query_id for request in sample.requests))[:2]
    yield from (request for request in sample.requests if request.query_id in queries)


def _pointwise_check(experiment: Experiment, eval_set: EvalSet, tag: str) -> Iterator[RerankRequest]:
    """Yield the requests of the pointwise check, without those of the quality pass; none where it is not needed."""
    config, settings = experiment.config, experiment.config.rerankers[tag]
    caps = Caps.of(settings)
    if settings.is_pointwise and settings.timed and is_split(config, eval_set, caps):
        sample = sample_batches(eval_set, caps, config.seed, experiment.depth)
        shared = shared_queries(experiment, tag, eval_set, caps, sample)
        for request in sample:
            yield from [] if request.query_id in shared else [request]
            yield second_half(request)


def _drift(experiment: Experiment, eval_set: EvalSet, tag: str) -> Iterator[PlannedPass]:
    """Yield the calls of the drift pass; nothing where the reranker has none."""
    settings = experiment.config.rerankers[tag]
    sample = sampled_requests(experiment, tag, Caps.of(settings), eval_set)
    if sample:
        requests = [one.request for one in sample for _ in range(DRIFT_CALLS)]
        yield _planned(eval_set, tag, "check", requests, settings)


def _quality(experiment: Experiment, eval_set: EvalSet, tag: str) -> tuple[list[RerankRequest], int]:
    """Return the requests of the quality pass, and the number of pairs whose scores are known."""
    settings = experiment.config.rerankers[tag]
    pointwise = settings.is_pointwise
    requests: list[RerankRequest] = []
    pairs = 0
    for _, candidates in quality_lists(experiment.config, eval_set, pointwise=pointwise):
        rows = experiment.store.rows(tag, eval_set, candidates, pointwise=pointwise)
        known = {query_id: row.known_ranks for query_id, row in rows.items()}
        pairs += sum(map(len, known.values()))
        batches = batch(
            candidates, eval_set.sent_dataset, Caps.of(settings), pointwise=pointwise, known=known
        )
        requests += [item.request for item in batches]
    return requests, pairs


def _precision(experiment: Experiment, eval_set: EvalSet, tag: str) -> Iterator[PlannedPass]:
    """Yield the precision pass; nothing where the reranker has none."""
    fewer_bits = experiment.config.rerankers[tag].fewer_bits()
    if fewer_bits is None:
        return
    _, precise = fewer_bits
    sample = sampled_candidates(experiment.config, eval_set)
    known = experiment.store.rows(precise_tag(tag), eval_set, sample, pointwise=True)
    requests = (item.request for item in batches_in_full(sample, eval_set, precise, known))
    pairs = sum(len(row.known_ranks) for row in known.values())
    yield replace(_planned(eval_set, tag, "precision", requests, precise), known=pairs)


def _latency(experiment: Experiment, eval_set: EvalSet) -> list[PlannedPass]:
    """Return the warm-up and the latency pass of every timed reranker and cascade."""
    timed = {tag: settings for tag, settings in experiment.config.rerankers.items() if settings.timed}
    cells = latency_cells(experiment, eval_set, list(timed))
    for tag in timed:
        cells += _open_loop_cells(experiment, eval_set, tag)
    cells += cascade_cells(experiment, eval_set)
    planned = []
    for tag in dict.fromkeys(cell.reranker for cell in cells):
        own, settings = [cell for cell in cells if cell.reranker == tag], experiment.config.rerankers[tag]
        warm: list[Batch] = [
            item for cell in own for item in islice(cycle(cell.warmup), cell.least_warmup + cell.others)
        ]
        rounds: list[Batch] = [item for cell in own for part in cell.rounds for item in part]
        for name, items in (("warmup", warm), ("latency", rounds)):
            planned.append(_planned(eval_set, tag, name, (item.request for item in items), settings))
    return planned


def _open_loop_cells(experiment: Experiment, eval_set: EvalSet, tag: str) -> list[LatencyCell]:
    """Return the open loops of a reranker; while their rates are unknown, the same number at placeholder rates."""
    latency = experiment.config.latency
    if latency is None or latency.server is None:
        return []
    loads = find_loads(latency, tag, timed_calls(experiment, eval_set, tag))
    if not loads.rates_per_s:
        loads = Loads(tag, latency.server.rates_per_s or latency.server.shares)
    return arrival_cells(experiment, eval_set, loads)


def _planned(
    eval_set: EvalSet, tag: str, name: str, requests: Iterable[RerankRequest], settings: RerankerSettings
) -> PlannedPass:
    return plan_pass(eval_set.dataset.name, tag, name, requests, settings.traffic())
