"""What ``manifest.json`` holds: what was asked for, on what, with what, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from evalkit import registry
from evalkit.config import Config
from evalkit.experiment.dataset_inspection import preflight
from evalkit.experiment.environment import git_state, machine, versions
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.experiment_store import ExperimentStore
from evalkit.experiment.recorder import Recorder
from evalkit.rerankers import Described
from evalkit.reranking import RerankerSession


@dataclass(frozen=True, slots=True)
class Origin:
    """What the user typed, for the record.

    Attributes
    ----------
    command
        The command line or call.
    config_file
        The configuration file, byte for byte; None where there was no file.
    """

    command: str
    config_file: bytes | None


def opening_facts(
    config: Config,
    origin: Origin,
    eval_sets: Sequence[EvalSet],
    sessions: Sequence[RerankerSession],
    store: ExperimentStore,
) -> dict[str, Any]:
    """Return what the beginning of an experiment knows."""
    return {
        "status": "running",
        "name": config.name,
        "command": origin.command,
        "started": now(),
        "started_s": store.started_s,
        "finished": None,
        "resumed": 0,
        "refresh": store.refresh,
        "store": str(store.path),
        "seed": config.seed,
        "versions": versions(),
        "plugins": _strangers(config),
        "git": git_state(),
        "machine": machine(),
        "first_stage": config.retriever.label,
        "datasets": [_describe(eval_set) for eval_set in eval_sets],
        "preflight": preflight(config, eval_sets),
        "rerankers": {session.tag: _describe_session(config, session) for session in sessions},
    }


def _strangers(config: Config) -> list[dict[str, str]]:
    """Return what the configuration names that is not evalkit's own: whose it is, and in which state."""
    named = [
        *(("dataset source", one.source) for one in config.datasets),
        ("retriever kind", config.retriever.kind),
        *(("reranker backend", one.backend) for one in config.rerankers.values()),
        *(("dialect", str(one.dialect)) for one in config.rerankers.values() if hasattr(one, "dialect")),
    ]
    found = [registry.find(*one) for one in dict.fromkeys(named)]
    return [
        {"kind": one.kind, "name": one.name, "owner": one.owner, "version": one.version}
        for one in found
        if one.owner != registry.DISTRIBUTION
    ]


def closing_facts(
    sessions: Sequence[RerankerSession], recorder: Recorder, store: ExperimentStore
) -> dict[str, Any]:
    """Return what only the end of an experiment, or of a session of it, knows."""
    return {
        "finished": now(),
        "pairs": [_pairs(recorder, store, *where) for where in store.reused],
        "quality_passes": recorder.queries,
        "pointwise_checks": [
            {**asdict(check), "verdict": check.verdict, "evidence": check.evidence()}
            for check in recorder.pointwise_checks
        ],
        "precision_checks": [asdict(check) for check in recorder.precision_checks],
        "rounds": [asdict(state) for state in recorder.rounds],
        "calls": recorder.count_calls(),
        "endpoints": {session.tag: _endpoint(session, recorder) for session in sessions},
        "spent_usd": _spent(sessions),
    }


def now() -> str:
    """Return the time to the second, with its zone."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _describe_session(config: Config, session: RerankerSession) -> dict[str, Any]:
    settings = config.rerankers[session.tag]
    price = session.traffic.price
    return {
        "backend": settings.backend,
        "pointwise": session.reranker.pointwise,
        "score_kind": session.reranker.score_kind,
        "timed": session.timed,
        "runs_on": session.reranker.facts() if isinstance(session.reranker, Described) else None,
        "remote": session.traffic.billed,
        "moving_name": settings.moving_name(),
        "price": price.model_dump(mode="json", exclude_none=True) if price else None,
        "usd_per_hour": settings.usd_per_hour,
    }


def _pairs(recorder: Recorder, store: ExperimentStore, dataset: str, tag: str) -> dict[str, Any]:
    """Return where the scores of one dataset and reranker came from."""
    entries = [entry for entry in recorder.queries if (entry["dataset"], entry["reranker"]) == (dataset, tag)]
    asked = sum(entry["pairs"] for entry in entries)
    scored, reused = recorder.pairs_scored(dataset, tag), store.reused[dataset, tag]
    return {
        "dataset": dataset,
        "reranker": tag,
        "asked": asked,
        "scored": scored,
        "resumed": reused.resumed,
        "reused": reused.pairs,
        "failed": asked - scored - reused.pairs,
        "oldest_s": reused.oldest_s,
        "models": list(reused.models),
    }


def _spent(sessions: Sequence[RerankerSession]) -> float | None:
    """Return what the calls cost by the configured prices; None where nothing has a price."""
    priced = any(session.traffic.price is not None for session in sessions)
    return sessions[0].budget.spent_usd if priced else None


def _endpoint(session: RerankerSession, recorder: Recorder) -> dict[str, Any]:
    """Return what an endpoint said of itself, and what its calls taught."""
    return {
        "models": sorted({c.model for c in recorder.calls if c.reranker == session.tag and c.model}),
        "lowest_concurrency": recorder.lowest_concurrency.get(session.tag),
        "learned_max_documents": session.learned_documents,
        "given_up": session.closed.message if session.closed else None,
    }


def _describe(eval_set: EvalSet) -> dict[str, Any]:
    with_candidates = set(eval_set.candidates.query_ids)
    lengths = [len(docs) for _, docs, _ in eval_set.candidates]
    return {
        "name": eval_set.dataset.name,
        **asdict(eval_set.dataset.origin),
        "empty_queries": [q.query_id for q in eval_set.dataset.queries if q.query_id not in with_candidates],
        "candidates": {
            "pairs": sum(lengths),
            "shortest_list": min(lengths, default=0),
            "longest_list": max(lengths, default=0),
        },
    }
