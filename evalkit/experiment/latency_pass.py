"""The latency pass of an experiment: closed loops over all rerankers, then the open loops of each reranker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.config import Config, LatencySettings, RerankerSettings
from evalkit.experiment.cascade_timing import cascade_cells, cascade_sessions
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.sigint import ignore_sigint
from evalkit.latency import (
    LatencyCell,
    Limit,
    Loads,
    RoundState,
    Spans,
    Workload,
    consecutive_parts,
    judge_limit,
    measure,
    measure_arrivals,
    plan_arrivals,
    plan_cells,
    rates_by_round,
    without_finished,
)
from evalkit.latency.flags import flag_overload
from evalkit.records import Call, Dataset, Run
from evalkit.reranking import OpenLoop, Outcome, RerankerSession


@dataclass(frozen=True, slots=True)
class _RecordingSink:
    """Records calls and rounds in memory and in the store, so that a resumed pass does not repeat them."""

    run: StartedExperiment

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        with ignore_sigint():
            for outcome in outcomes:
                self.run.recorder.add_outcome(outcome)
            self.run.store.keep_calls(outcomes)

    def note(self, state: RoundState) -> None:
        self.run.recorder.rounds.append(state)
        self.run.store.keep_record(state)


def latency_pass(run: StartedExperiment, eval_set: EvalSet) -> None:
    """Time every timed reranker under every workload, and cascades as a whole, without the calls timed before."""
    settings = run.config.latency
    if settings is None:
        return
    timed = [session for session in run.sessions if session.timed]
    cells = latency_cells(run, eval_set, [session.tag for session in timed])
    cells += cascade_cells(run, eval_set)
    cascades = cascade_sessions(run.config, {session.tag: session for session in run.sessions})
    measure(
        cells,
        [*timed, *cascades],
        eval_set.dataset.name,
        run.config.seed,
        _RecordingSink(run),
        splittable=splittable(run.config, timed),
    )
    for session in timed if settings.server is not None else ():
        _open_loops(run, eval_set, session, settings)


def splittable(config: Config, sessions: Iterable[RerankerSession]) -> dict[str, RerankerSettings]:
    """Return the settings of the rerankers whose calls several processes may send.

    A budget and the limits of calls and tokens per minute are counted in one process, so its calls are sent from there.
    """
    if config.budget is not None:
        return {}
    return {
        session.tag: config.called[session.tag]
        for session in sessions
        if session.closed is None
        and session.rate_limiter.learned is None
        and session.traffic.requests_per_minute is None
        and session.traffic.tokens_per_minute is None
    }


def latency_cells(experiment: Experiment, eval_set: EvalSet, tags: Sequence[str]) -> list[LatencyCell]:
    """Return the closed loops that are not timed yet; none where the configuration has no latency pass."""
    config = experiment.config
    if config.latency is None:
        return []
    cells = plan_cells(config.latency, tags, *_texts(experiment, eval_set), config.seed)
    return without_finished(cells, experiment.recorder.timed(eval_set.dataset.name))


def arrival_cells(experiment: Experiment, eval_set: EvalSet, loads: Loads) -> list[LatencyCell]:
    """Return the open loops of one reranker that are not timed yet, the lowest rate first."""
    config = experiment.config
    if config.latency is None:
        return []
    cells = plan_arrivals(config.latency, loads, *_texts(experiment, eval_set), config.seed)
    return without_finished(cells, experiment.recorder.timed(eval_set.dataset.name))


def _texts(experiment: Experiment, eval_set: EvalSet) -> tuple[Dataset, Run]:
    """Return the texts of timed calls with the candidates, or with the passages of the candidates that are scored."""
    if eval_set.passages is None:
        return eval_set.dataset, eval_set.candidates
    return eval_set.sent_dataset, eval_set.sent_run(experiment.depth)


def timed_calls(experiment: Experiment, eval_set: EvalSet, tag: str) -> list[Call]:
    """Return the timed calls of a reranker on a dataset so far."""
    wanted = (eval_set.dataset.name, tag, "latency")
    return [call for call in experiment.recorder.calls if (call.dataset, call.reranker, call.pass_) == wanted]


def _open_loops(
    run: StartedExperiment, eval_set: EvalSet, session: RerankerSession, settings: LatencySettings
) -> None:
    """Time one reranker at increasing rates, up to the first that overloads it."""
    own = timed_calls(run, eval_set, session.tag)
    with OpenLoop(session) as open_loop:
        for cell in arrival_cells(run, eval_set, find_loads(settings, session.tag, own)):
            before = [call for call in own if call.rate_per_s == cell.load.rate_per_s]
            made = measure_arrivals(
                cell,
                open_loop,
                eval_set.dataset.name,
                run.config.seed,
                _RecordingSink(run),
                splittable(run.config, [session]).get(session.tag),
            )
            if _is_overloaded(settings, [*before, *(one.call for one in made if one.attempts)]):
                return


def find_loads(settings: LatencySettings, tag: str, calls: Iterable[Call]) -> Loads:
    """Return the configured rates, or shares of the capacity that the closed loops measured.

    Parameters
    ----------
    settings
        The latency pass.
    tag
        The reranker.
    calls
        Its timed calls.
    """
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


def _is_overloaded(settings: LatencySettings, calls: Sequence[Call]) -> bool:
    """Return whether calls pile up, or significantly too many miss the latency objective."""
    order = sorted(calls, key=lambda call: call.scheduled_s)
    response_s = np.array([call.end_s - call.scheduled_s for call in order])
    ok = np.array([call.status == "ok" for call in order])
    if flag_overload(response_s[ok]) is not None:
        return True
    if settings.slo is None:
        return False
    limit = Limit(settings.slo.max_ms / 1000, settings.slo.quantile)
    query_ids = np.array([call.query_id for call in order], dtype=object)
    parts = consecutive_parts(len(order))
    return judge_limit(response_s, ok, query_ids, parts, limit, settings.confidence).verdict == "FAIL"
