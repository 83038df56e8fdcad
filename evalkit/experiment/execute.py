"""The main path of an experiment: datasets, candidates, rerankers, quality pass, latency pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from logging import Logger
from pathlib import Path
from typing import Any

from evalkit.config import Config, resolved_yaml
from evalkit.errors import BudgetError, InterruptError, StorageError
from evalkit.experiment.arenas import Arena, prepare_arenas
from evalkit.experiment.event_log import logged_to
from evalkit.experiment.folder import ResultFolder
from evalkit.experiment.interrupts import undisturbed
from evalkit.experiment.memory import Memory, remembered
from evalkit.experiment.passes import (
    Records,
    check_lists,
    check_promise,
    given_up,
    knock,
    latency_pass,
    needs_pointwise,
    quality_pass,
    unknown_pairs,
)
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resuming import find_unfinished, fingerprint
from evalkit.experiment.surroundings import git_state, machine, versions
from evalkit.rerankers import open_reranker
from evalkit.reranking import Arm, Outcome, Spending


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


@dataclass(frozen=True, slots=True)
class Again:
    """What of earlier work counts.

    Attributes
    ----------
    refresh
        Ask for every score again, known or not.
    resume
        The folder to take up; None to look for one.
    """

    refresh: bool = False
    resume: Path | None = None


def execute(config: Config, origin: Origin, into: Path, again: Again = Again()) -> ResultFolder:
    """Run an experiment and record everything raw; derived files are the report's work.

    An unfinished folder of the same configuration below `into` is taken up where it was left.

    Parameters
    ----------
    config
        Checked configuration; every ``http`` reranker has a url.
    origin
        What the user typed.
    into
        Parent of the result folder.
    again
        What of earlier work counts.

    Raises
    ------
    CallError
        If a reranker does not answer a first small call: nothing has been written then.
    InputError
        If a reranker is not what it is declared to be, or the folder to resume is of another configuration.
    StorageError
        If scores cannot be kept.
    InterruptError
        If the user interrupts: what was measured is saved, the folder's status is incomplete.
    """
    arenas = prepare_arenas(config)
    resolved = resolved_yaml(config)
    with remembered(config, into, refresh=again.refresh) as memory, _opened(config) as arms:
        found = find_unfinished(into, resolved, again.resume)
        if found is not None and found.read_manifest()["status"] == "complete":
            return found  # only its report is missing
        records = Records(Recorder(), memory)
        manifest = _take_up(found, records)
        first = _first_calls(config, arenas, arms, records)
        manifest = manifest or _manifest(config, origin, arenas, arms, memory)
        folder = found or _new_folder(resolved, origin, into, manifest)
        memory.open()
        memory.run = str(folder.path.resolve())
        folder.write_manifest(manifest)
        with _recorded(folder, manifest, records, arms), logged_to(folder.log_file) as log:
            for arm, outcome in first:
                records.take(arm, outcome)
            for check in records.recorder.pointwise_checks:
                memory.keep_check(check)
            _measure(config, folder, arenas, arms, records, log)
        if folder.read_manifest()["status"] == "complete":
            memory.finish()
    return folder


def _take_up(found: ResultFolder | None, records: Records) -> dict[str, Any] | None:
    """Restore what an unfinished folder had measured, and return its manifest."""
    if found is None:
        return None
    manifest = found.read_manifest()
    records.memory.run = str(found.path.resolve())
    records.memory.started_s = manifest["started_s"]
    records.recorder.restore(records.memory.journal())
    return {**manifest, "status": "running", "resumed": manifest["resumed"] + 1}


def _first_calls(
    config: Config, arenas: Sequence[Arena], arms: Sequence[Arm], records: Records
) -> list[tuple[Arm, Outcome]]:
    """Knock at the doors that will be needed, and check what was promised; nothing is written yet."""
    made: list[tuple[Arm, Outcome]] = []
    for arm in arms:
        check_lists(config, arenas, arm)
        needed = [arena for arena in arenas if unknown_pairs(config, arena, arm, records.memory)]
        if not needed and not (config.latency and arm.timed):
            continue
        if not records.recorder.has_asked(arm.tag):
            made.append((arm, knock(arenas, arm)))
        for arena in needed:
            if needs_pointwise(config, arena, arm) and not records.recorder.has_checked(
                arm.tag, arena.dataset.name
            ):
                check, outcomes = check_promise(config, arena, arm)
                records.recorder.pointwise_checks.append(check)
                made += [(arm, outcome) for outcome in outcomes]
    return made


def _measure(
    config: Config,
    folder: ResultFolder,
    arenas: Sequence[Arena],
    arms: Sequence[Arm],
    records: Records,
    log: Logger,
) -> None:
    recorder = records.recorder
    for arena in arenas:
        folder.write_qrels(arena.dataset.name, arena.dataset.qrels)
        recorder.add_first_stage(arena.dataset.name, arena.candidates)
    for arena in arenas:
        for arm in arms:
            log.info("quality pass: %s on %s", arm.tag, arena.dataset.name)
            quality_pass(config, arm, arena, records)
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


def _new_folder(resolved: str, origin: Origin, into: Path, manifest: dict[str, Any]) -> ResultFolder:
    def first(folder: ResultFolder) -> None:
        folder.config_file.write_bytes(origin.config_file or resolved.encode())
        folder.resolved_config_file.write_text(resolved, encoding="utf-8")
        folder.write_manifest(manifest)

    return ResultFolder.create(into, f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{fingerprint(resolved)}", first)


@contextmanager
def _recorded(
    folder: ResultFolder, manifest: dict[str, Any], records: Records, arms: Sequence[Arm]
) -> Iterator[None]:
    """Write the raw tables and the final status, however the work inside ends."""
    recorder = records.recorder
    status = "failed"
    try:
        yield
        status = "complete"
    except KeyboardInterrupt:
        status = "incomplete"
        raise InterruptError(
            f"interrupted; what was measured is in {folder.path}",
            f"take it up with: {_resume_command(manifest)}; or see it with:"
            f" evalkit report {folder.path} --allow-incomplete",
        ) from None
    except (BudgetError, StorageError) as error:
        status = "incomplete"
        raise type(error)(
            f"{error.message}; what was measured is in {folder.path}",
            f"{error.hint}; then take it up with: {_resume_command(manifest)}",
        ) from None
    finally:
        if status == "complete" and (recorder.failed_queries or not _timed_enough(recorder)):
            status = "incomplete"
        with undisturbed():
            recorder.write(folder)
            folder.write_manifest({**manifest, "status": status, "finished": _now(), **_facts(arms, records)})


def _resume_command(manifest: dict[str, Any]) -> str:
    """Return the command that takes an unfinished run up: the same one, without asking for everything again."""
    return str(manifest["command"]).replace(" --refresh", "")


def _facts(arms: Sequence[Arm], records: Records) -> dict[str, Any]:
    """Return what only the end of an experiment knows."""
    recorder = records.recorder
    reused = [
        {"dataset": dataset, "reranker": tag, **asdict(found)}
        for (dataset, tag), found in records.memory.reused.items()
    ]
    return {
        "reused": reused,
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


def _manifest(
    config: Config, origin: Origin, arenas: Sequence[Arena], arms: Sequence[Arm], memory: Memory
) -> dict[str, Any]:
    return {
        "status": "running",
        "name": config.name,
        "command": origin.command,
        "started": _now(),
        "started_s": memory.started_s,
        "finished": None,
        "resumed": 0,
        "store": str(memory.path),
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
                "remote": arm.traffic.billed,
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
