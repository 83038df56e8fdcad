"""The main path of an experiment: datasets, candidates, rerankers, quality pass, latency pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evalkit.config import Config, RerankerSettings, resolved_yaml
from evalkit.datasets import open_dataset
from evalkit.errors import InputError, InterruptError
from evalkit.experiment.event_log import logged_to
from evalkit.experiment.folder import ResultFolder
from evalkit.experiment.pointwise import PointwiseCheck
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.surroundings import git_state, machine, versions
from evalkit.records import Dataset, Run
from evalkit.rerankers import Preparable, Reranker, open_reranker
from evalkit.reranking import CallContext, Outcome, Sender, assemble, batch, request_scores
from evalkit.retrievers import open_retriever, retrieve_candidates
from evalkit.timing import Arm, measure, plan_cells


@dataclass(frozen=True, slots=True)
class Arena:
    """A dataset with its candidates: what every reranker is put to."""

    dataset: Dataset
    candidates: Run


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
    arenas = [_prepare(config, settings) for settings in config.datasets]
    with _opened(config.rerankers) as rerankers:
        recorder = Recorder()
        _knock(config, arenas, rerankers, recorder)
        folder = _new_folder(config, origin, into)
        manifest = _manifest(config, origin, arenas, rerankers)
        folder.write_manifest(manifest)
        with _recorded(folder, manifest, recorder), logged_to(folder.log_file) as log:
            for arena in arenas:
                folder.write_qrels(arena.dataset.name, arena.dataset.qrels)
                recorder.add_first_stage(arena.dataset.name, arena.candidates)
            for arena in arenas:
                for tag, reranker in rerankers.items():
                    log.info("quality pass: %s on %s", tag, arena.dataset.name)
                    _quality_pass(config, tag, reranker, arena, recorder)
            for arena in arenas if config.latency is not None else ():
                log.info("latency pass on %s", arena.dataset.name)
                _latency_pass(config, rerankers, arena, recorder)
            log.info("done: %d calls, %d failed", len(recorder.calls), len(recorder.failures))
    return folder


def _prepare(config: Config, settings: Any) -> Arena:
    dataset = open_dataset(settings)
    retriever = open_retriever(config.retriever, dataset)
    return Arena(dataset, retrieve_candidates(retriever, dataset, config.retriever.depth))


@contextmanager
def _opened(settings: Mapping[str, RerankerSettings]) -> Iterator[dict[str, Reranker]]:
    opened: dict[str, Reranker] = {}
    try:
        for tag, one in settings.items():
            opened[tag] = open_reranker(one)
        yield opened
    finally:
        for reranker in opened.values():
            reranker.close()


def _knock(
    config: Config, arenas: Sequence[Arena], rerankers: Mapping[str, Reranker], recorder: Recorder
) -> None:
    """Make one call with one document to every reranker, so that a wrong url or key costs a second."""
    arena = next((a for a in arenas if len(a.candidates)), None)
    if arena is None:
        raise InputError(
            "the retriever found no candidates for any query",
            "check the dataset's language and the retriever",
        )
    first = next(batch(arena.candidates.cut(1), arena.dataset, 1, pointwise=True))
    for tag, reranker in rerankers.items():
        _check_depths(config, tag, reranker)
        outcome = request_scores(reranker, first, CallContext(arena.dataset.name, tag, "check"))
        if outcome.failure is not None:
            failure = outcome.failure
            failure.message = f"reranker {tag!r} does not answer: {failure.message}"
            raise failure
        recorder.add_outcome(outcome)


def _check_depths(config: Config, tag: str, reranker: Reranker) -> None:
    limit = config.rerankers[tag].largest_batch()
    if not reranker.pointwise and limit is not None and max(config.depths) > limit:
        raise InputError(
            f"reranker {tag!r} looks at the whole list, takes {limit} documents in one call,"
            f" and is asked for depth {max(config.depths)}",
            f"lower depths to at most {limit}, or raise its batch_size or max_documents",
        )


def _quality_pass(config: Config, tag: str, reranker: Reranker, arena: Arena, recorder: Recorder) -> None:
    """Score each pair once at the largest depth; a reranker that sees the list, once per depth."""
    passes: tuple[int | None, ...] = (None,) if reranker.pointwise else config.depths
    with _prepared(reranker, arena, max(config.depths)):
        for depth in passes:
            candidates = arena.candidates.cut(depth or max(config.depths))
            outcomes: list[Outcome] = []
            try:
                for outcome in _calls(config.rerankers[tag], tag, reranker, arena.dataset, candidates):
                    outcomes.append(outcome)
                    recorder.add_outcome(outcome)
            finally:  # an interrupted pass keeps what it has
                scored = assemble(outcomes, candidates, tag)
                recorder.add_scored(arena.dataset.name, scored, depth)
    if reranker.pointwise and config.rerankers[tag].timed and len(config.depths) > 1:
        check = PointwiseCheck(tag, arena.dataset.name)
        shallow = arena.candidates.cut(min(config.depths))
        for outcome in check.run(reranker, arena.dataset, shallow, scored, config.seed):
            recorder.add_outcome(outcome)
        recorder.pointwise_checks.append(asdict(check))


def _calls(
    settings: RerankerSettings, tag: str, reranker: Reranker, dataset: Dataset, candidates: Run
) -> Iterator[Outcome]:
    batches = list(batch(candidates, dataset, settings.largest_batch(), pointwise=reranker.pointwise))
    context = CallContext(dataset.name, tag, "quality", settings.concurrency)
    with Sender(reranker, settings.concurrency) as sender:
        yield from tqdm(
            sender.send(batches, context),
            total=len(batches),
            desc=f"{dataset.name}: {tag}",
            unit="call",
            disable=None,
        )


@contextmanager
def _prepared(reranker: Reranker, arena: Arena, depth: int) -> Iterator[None]:
    """Let a reranker work ahead for the quality pass, and forget it afterwards: timing is honest."""
    if not isinstance(reranker, Preparable):
        yield
        return
    docs = dict.fromkeys(arena.candidates.cut(depth).doc_ids)
    reranker.prepare([arena.dataset.corpus.text(doc_id) for doc_id in docs])
    try:
        yield
    finally:
        reranker.forget()


def _latency_pass(
    config: Config, rerankers: Mapping[str, Reranker], arena: Arena, recorder: Recorder
) -> None:
    if config.latency is None:
        return
    arms = [Arm(tag, reranker) for tag, reranker in rerankers.items() if config.rerankers[tag].timed]
    tags = [arm.tag for arm in arms]
    cells = plan_cells(config.latency, tags, arena.dataset, arena.candidates, config.seed)
    for outcome in measure(cells, arms, arena.dataset.name, config.seed):
        recorder.add_outcome(outcome)


def _new_folder(config: Config, origin: Origin, into: Path) -> ResultFolder:
    resolved = resolved_yaml(config)
    fingerprint = hashlib.sha256(resolved.encode()).hexdigest()[:6]
    folder = ResultFolder.create(into, f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{fingerprint}")
    folder.config_file.write_bytes(origin.config_file or resolved.encode())
    folder.resolved_config_file.write_text(resolved, encoding="utf-8")
    return folder


@contextmanager
def _recorded(folder: ResultFolder, manifest: dict[str, Any], recorder: Recorder) -> Iterator[None]:
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
    finally:
        if status == "complete" and (recorder.failed_queries or not _timed_enough(recorder)):
            status = "incomplete"
        recorder.write(folder)
        finished = {
            "status": status,
            "finished": _now(),
            "quality_passes": recorder.queries,
            "pointwise_checks": recorder.pointwise_checks,
            "failed_calls": dict(recorder.failed_calls()),
        }
        folder.write_manifest({**manifest, **finished})


def _timed_enough(recorder: Recorder) -> bool:
    """Return whether no timed call failed."""
    return all(call.status == "ok" for call in recorder.calls if call.pass_ == "latency")


def _manifest(
    config: Config, origin: Origin, arenas: Sequence[Arena], rerankers: Mapping[str, Reranker]
) -> dict[str, Any]:
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
            tag: {
                "backend": config.rerankers[tag].backend,
                "pointwise": reranker.pointwise,
                "score_kind": reranker.score_kind,
                "timed": config.rerankers[tag].timed,
            }
            for tag, reranker in rerankers.items()
        },
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
