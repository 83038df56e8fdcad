"""The latency pass of an experiment: closed loops over all rerankers, then each one's open loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evalkit.config import Config, LatencySettings
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.quality_pass import Records
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.sigint import ignore_sigint
from evalkit.latency import (
    LatencyCell,
    Limit,
    Loads,
    RoundState,
    Spans,
    Workload,
    judge_limit,
    measure,
    measure_arrivals,
    plan_arrivals,
    plan_cells,
    rates_by_round,
    without_finished,
)
from evalkit.latency.flags import flag_overload
from evalkit.records import Call
from evalkit.reranking import OpenLoop, Outcome, RerankerSession


class _Keeper:
    """Notes calls and rounds, in memory and in the store: what a stopped pass need not do again."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        with ignore_sigint():
            for outcome in outcomes:
                self._records.recorder.add_outcome(outcome)
            self._records.store.keep_calls(outcomes)

    def note(self, state: RoundState) -> None:
        self._records.recorder.rounds.append(state)
        self._records.store.keep_round(state)


def latency_pass(
    config: Config, sessions: Sequence[RerankerSession], eval_set: EvalSet, records: Records
) -> None:
    """Time every reranker that takes time under every workload, but nothing a second time."""
    settings = config.latency
    if settings is None:
        return
    timed = [session for session in sessions if session.timed]
    cells = latency_cells(config, [session.tag for session in timed], eval_set, records.recorder)
    measure(cells, timed, eval_set.dataset.name, config.seed, _Keeper(records))
    for session in timed if settings.server is not None else ():
        _open_loops(config, settings, session, eval_set, records)


def latency_cells(
    config: Config, tags: Sequence[str], eval_set: EvalSet, recorder: Recorder
) -> list[LatencyCell]:
    """Return what of the closed loops is still to be timed; nothing where they are not asked for."""
    if config.latency is None:
        return []
    cells = plan_cells(config.latency, tags, eval_set.dataset, eval_set.candidates, config.seed)
    return without_finished(cells, recorder.timed(eval_set.dataset.name))


def arrival_cells(config: Config, loads: Loads, eval_set: EvalSet, recorder: Recorder) -> list[LatencyCell]:
    """Return what of one reranker's open loops is still to be timed, the slowest rate first."""
    if config.latency is None:
        return []
    cells = plan_arrivals(config.latency, loads, eval_set.dataset, eval_set.candidates, config.seed)
    return without_finished(cells, recorder.timed(eval_set.dataset.name))


def _open_loops(
    config: Config, settings: LatencySettings, session: RerankerSession, eval_set: EvalSet, records: Records
) -> None:
    """Put one reranker to higher and higher rates, up to the first that is too much."""
    own = [
        call
        for call in records.recorder.calls
        if (call.dataset, call.reranker, call.pass_) == (eval_set.dataset.name, session.tag, "latency")
    ]
    with OpenLoop(session) as open_loop:
        for cell in arrival_cells(config, find_loads(settings, session.tag, own), eval_set, records.recorder):
            before = [call for call in own if call.rate_per_s == cell.load.rate_per_s]
            made = measure_arrivals(cell, open_loop, eval_set.dataset.name, config.seed, _Keeper(records))
            if _is_too_much(settings, [*before, *(one.call for one in made if one.attempts)]):
                return


def find_loads(settings: LatencySettings, tag: str, calls: Iterable[Call]) -> Loads:
    """Return the rates to try: those asked for, or shares of the capacity that closed loops have shown."""
    server = settings.server
    if server is None:
        return Loads(tag, ())
    size = server.batch_size or max(settings.batch_sizes)
    parts: dict[Workload, list[Call]] = {}
    for call in calls:
        if call.batch_size <= size and call.length_bucket is None and call.rate_per_s is None:
            load = Workload(call.batch_size, call.concurrency)
            parts.setdefault(load, []).append(call)
    largest = max((load.batch_size for load in parts), default=0)
    parts = {load: own for load, own in parts.items() if load.batch_size == largest}
    alone = [call.latency_s for load, own in parts.items() if load.concurrency == 1 for call in own]
    latency_s = float(np.median(alone)) if alone else 0.0
    if server.rates_per_s is not None:
        return Loads(tag, server.rates_per_s, latency_s)
    capacity = max((_calls_per_s(own) for own in parts.values()), default=0.0)
    return Loads(tag, tuple(share * capacity for share in server.shares if capacity), latency_s)


def _calls_per_s(calls: Sequence[Call]) -> float:
    spans = Spans(
        np.array([call.start_s for call in calls]),
        np.array([call.end_s for call in calls]),
        np.array([call.status == "ok" for call in calls]),
        np.array([call.round or 0 for call in calls]),
    )
    rates = rates_by_round(spans, np.ones(len(calls)))
    return float(np.median(rates)) if len(rates) else 0.0


def _is_too_much(settings: LatencySettings, calls: Sequence[Call]) -> bool:
    """Return whether a higher rate can only be worse: calls pile up, or too many are late beyond doubt."""
    order = sorted(calls, key=lambda call: call.scheduled_s)
    response_s = np.array([call.end_s - call.scheduled_s for call in order])
    ok = np.array([call.status == "ok" for call in order])
    if flag_overload(response_s[ok]) is not None:
        return True
    if settings.slo is None:
        return False
    limit = Limit(settings.slo.max_ms / 1000, settings.slo.quantile)
    query_ids = np.array([call.query_id for call in order], dtype=object)
    return judge_limit(response_s, ok, query_ids, limit, settings.confidence).verdict == "FAIL"
