"""The main path of an experiment: datasets, candidates, rerankers, quality pass, latency pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from logging import Logger
from pathlib import Path
from typing import Any

from evalkit.config import Config, resolved_yaml
from evalkit.errors import BudgetError, InterruptError
from evalkit.experiment.arenas import Arena, prepare_arenas
from evalkit.experiment.event_log import logged_to
from evalkit.experiment.folder import ResultFolder
from evalkit.experiment.interrupts import undisturbed
from evalkit.experiment.passes import (
    check_promise,
    given_up,
    knock,
    latency_pass,
    needs_pointwise,
    quality_pass,
)
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.surroundings import git_state, machine, versions
from evalkit.rerankers import open_reranker
from evalkit.reranking import Arm, Spending


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


def execute(config: Config, origin: Origin, into: Path) -> ResultFolder:
    """Run an experiment and record everything raw; derived files are the report's work.

    Parameters
    ----------
    config
        Checked configuration; every ``http`` reranker has a url.
    origin
        What the user typed.
    into
        Parent of the result folder.

    Raises
    ------
    CallError
        If a reranker does not answer a first small call: nothing has been written then.
    InterruptError
        If the user interrupts: what was measured is saved, the folder's status is incomplete.
    """
    arenas = prepare_arenas(config)
    with _opened(config) as arms:
        recorder = Recorder()
        knock(config, arenas, arms, recorder)
        for arena in arenas:
            for arm in arms:
                if needs_pointwise(config, arena, arm):
                    check_promise(config, arena, arm, recorder)
        folder = _new_folder(config, origin, into)
        manifest = _manifest(config, origin, arenas, arms)
        folder.write_manifest(manifest)
        with _recorded(folder, manifest, recorder, arms), logged_to(folder.log_file) as log:
            _measure(config, folder, arenas, arms, recorder, log)
    return folder


def _measure(
    config: Config,
    folder: ResultFolder,
    arenas: Sequence[Arena],
    arms: Sequence[Arm],
    recorder: Recorder,
    log: Logger,
) -> None:
    for arena in arenas:
        folder.write_qrels(arena.dataset.name, arena.dataset.qrels)
        recorder.add_first_stage(arena.dataset.name, arena.candidates)
    for arena in arenas:
        for arm in arms:
            log.info("quality pass: %s on %s", arm.tag, arena.dataset.name)
            quality_pass(config, arm, arena, recorder)
    for arena in arenas if config.latency is not None else ():
        log.info("latency pass on %s", arena.dataset.name)
        latency_pass(config, arms, arena, recorder)
    for failure in given_up(arms):
        log.warning("%s", failure.message)
    log.info("done: %d calls, %d failed", len(recorder.calls), len(recorder.failures))


@contextmanager
def _opened(config: Config) -> Iterator[list[Arm]]:
    """Open every reranker; they share one budget."""
    spending = Spending(config.budget.usd if config.budget else None)
    arms: list[Arm] = []
    try:
        for tag, settings in config.rerankers.items():
            arms.append(Arm.of(tag, open_reranker(settings), settings, spending))
        yield arms
    finally:
        for arm in arms:
            arm.reranker.close()


def _new_folder(config: Config, origin: Origin, into: Path) -> ResultFolder:
    resolved = resolved_yaml(config)
    fingerprint = hashlib.sha256(resolved.encode()).hexdigest()[:6]
    folder = ResultFolder.create(into, f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{fingerprint}")
    folder.config_file.write_bytes(origin.config_file or resolved.encode())
    folder.resolved_config_file.write_text(resolved, encoding="utf-8")
    return folder


@contextmanager
def _recorded(
    folder: ResultFolder, manifest: dict[str, Any], recorder: Recorder, arms: Sequence[Arm]
) -> Iterator[None]:
    """Write the raw tables and the final status, however the work inside ends."""
    status = "failed"
    try:
        yield
        status = "complete"
    except KeyboardInterrupt:
        status = "incomplete"
        raise InterruptError(
            f"interrupted; what was measured is in {folder.path}",
            f"see it with: evalkit report {folder.path} --allow-incomplete",
        ) from None
    except BudgetError as error:
        status = "incomplete"
        raise BudgetError(
            f"{error.message}; what was measured is in {folder.path}",
            f"see it with: evalkit report {folder.path} --allow-incomplete; {error.hint}",
        ) from None
    finally:
        if status == "complete" and (recorder.failed_queries or not _timed_enough(recorder)):
            status = "incomplete"
        with undisturbed():
            recorder.write(folder)
            folder.write_manifest(
                {**manifest, "status": status, "finished": _now(), **_facts(arms, recorder)}
            )


def _facts(arms: Sequence[Arm], recorder: Recorder) -> dict[str, Any]:
    """Return what only the end of an experiment knows."""
    return {
        "quality_passes": recorder.queries,
        "pointwise_checks": [
            {**asdict(check), "verdict": check.verdict, "evidence": check.evidence()}
            for check in recorder.pointwise_checks
        ],
        "failed_calls": dict(recorder.failed_calls()),
        "endpoints": {arm.tag: _endpoint(arm, recorder) for arm in arms},
        "spent_usd": _spent(arms),
    }


def _timed_enough(recorder: Recorder) -> bool:
    """Return whether no timed call failed."""
    return all(call.status == "ok" for call in recorder.calls if call.pass_ == "latency")


def _manifest(config: Config, origin: Origin, arenas: Sequence[Arena], arms: Sequence[Arm]) -> dict[str, Any]:
    return {
        "status": "running",
        "name": config.name,
        "command": origin.command,
        "started": _now(),
        "finished": None,
        "seed": config.seed,
        "versions": versions(),
        "git": git_state(),
        "machine": machine(),
        "first_stage": config.retriever.label,
        "datasets": [_describe(arena) for arena in arenas],
        "rerankers": {
            arm.tag: {
                "backend": config.rerankers[arm.tag].backend,
                "pointwise": arm.reranker.pointwise,
                "score_kind": arm.reranker.score_kind,
                "timed": arm.timed,
                "price": _price(arm),
            }
            for arm in arms
        },
    }


def _price(arm: Arm) -> dict[str, Any] | None:
    return arm.traffic.price.model_dump(mode="json", exclude_none=True) if arm.traffic.price else None


def _spent(arms: Sequence[Arm]) -> float | None:
    """Return what the calls cost by the configured prices; None where nothing has a price."""
    priced = any(arm.traffic.price is not None for arm in arms)
    return arms[0].spending.spent_usd if priced else None


def _endpoint(arm: Arm, recorder: Recorder) -> dict[str, Any]:
    """Return what an endpoint said of itself, and what its calls taught."""
    return {
        "models": sorted({c.model for c in recorder.calls if c.reranker == arm.tag and c.model}),
        "lowest_concurrency": recorder.lowest_concurrency.get(arm.tag),
        "learned_max_documents": arm.learned_documents,
        "given_up": arm.closed.message if arm.closed else None,
    }


def _describe(arena: Arena) -> dict[str, Any]:
    with_candidates = set(arena.candidates.query_ids)
    lengths = [len(docs) for _, docs, _ in arena.candidates]
    return {
        "name": arena.dataset.name,
        **asdict(arena.dataset.origin),
        "empty_queries": [q.query_id for q in arena.dataset.queries if q.query_id not in with_candidates],
        "candidates": {
            "pairs": sum(lengths),
            "shortest_list": min(lengths, default=0),
            "longest_list": max(lengths, default=0),
        },
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
