"""The main path of an experiment: datasets, candidates, rerankers, quality pass, latency pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging import Logger
from pathlib import Path

from evalkit.backend_checks import PointwiseCheck
from evalkit.config import Config, resolved_yaml
from evalkit.distributed import RayCluster
from evalkit.errors import BudgetError, InterruptError, StorageError
from evalkit.experiment.eval_sets import EvalSet, prepare_eval_sets
from evalkit.experiment.event_log import logged_to
from evalkit.experiment.experiment_store import open_store
from evalkit.experiment.kept_texts import keep_texts
from evalkit.experiment.latency_pass import latency_pass
from evalkit.experiment.manifest_facts import Origin, closing_manifest, opening_manifest
from evalkit.experiment.precision_pass import precision_pass
from evalkit.experiment.quality_pass import (
    Records,
    check_lists,
    check_pointwise_claim,
    given_up,
    knows_all,
    needs_pointwise,
    quality_pass,
    test_call,
)
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resume import ResumeOptions, find_unfinished, fingerprint, restore, spent_before
from evalkit.experiment.scoring_pools import joined_cluster, pool_for
from evalkit.experiment.sessions import opened
from evalkit.experiment.sigint import ignore_sigint
from evalkit.reranking import Outcome, RerankerSession
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import Manifest, Status


def execute(config: Config, origin: Origin, into: Path, options: ResumeOptions) -> ResultFolder:
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
    options
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
    with joined_cluster(config) as cluster:
        return _execute(config, origin, into, options, cluster)


def _execute(
    config: Config, origin: Origin, into: Path, options: ResumeOptions, cluster: RayCluster | None
) -> ResultFolder:
    eval_sets = prepare_eval_sets(config, cluster)
    resolved = resolved_yaml(config)
    with open_store(config, into) as store:
        found = find_unfinished(into, resolved, options)
        if found is not None and found.read_manifest().status == "complete":
            return found  # only its report is missing
        records = Records(Recorder(), store)
        manifest = restore(found, options, store, records.recorder)
        with opened(config, spent_before(manifest, records.recorder)) as sessions:
            first = _first_calls(config, eval_sets, sessions, records)
            manifest = manifest or opening_manifest(config, origin, eval_sets, sessions, store)
            folder = found or _new_folder(resolved, origin, into, manifest)
            store.open()
            store.run = str(folder.path.resolve())
            folder.drop_report()
            folder.write_manifest(manifest)
            recorded = _recorded(config, folder, manifest, eval_sets, sessions, records, cluster)
            with recorded, logged_to(folder.log_file) as log:
                first.keep(records)
                _measure(config, folder, eval_sets, sessions, records, cluster, log)
        if folder.read_manifest().status == "complete":
            store.finish()
    return folder


@dataclass(frozen=True, slots=True)
class _FirstCalls:
    """What was asked and found before there was a folder to write it to."""

    made: list[tuple[RerankerSession, Outcome]] = field(default_factory=list)
    checks: list[PointwiseCheck] = field(default_factory=list)

    def keep(self, records: Records) -> None:
        for session, outcome in self.made:
            records.take(session, outcome)
        for check in self.checks:
            records.recorder.pointwise_checks.append(check)
            records.store.keep_check(check)


def _first_calls(
    config: Config, eval_sets: Sequence[EvalSet], sessions: Sequence[RerankerSession], records: Records
) -> _FirstCalls:
    """Knock at the doors that will be needed, and check what was promised; nothing is written yet."""
    first = _FirstCalls()
    for session in sessions:
        if config.quality:
            check_lists(config, eval_sets, session)
        needed = [
            eval_set
            for eval_set in eval_sets
            if config.quality and not knows_all(config, eval_set, session, records.store)
        ]
        if not needed and not (config.latency and session.timed):
            continue
        if not records.recorder.has_asked(session.tag):
            first.made.append((session, test_call(eval_sets, session)))
        for eval_set in needed:
            if needs_pointwise(config, eval_set, session) and not records.recorder.has_checked(
                session.tag, eval_set.dataset.name
            ):
                check, outcomes = check_pointwise_claim(config, eval_set, session)
                first.checks.append(check)
                first.made.extend((session, outcome) for outcome in outcomes)
    return first


def _measure(
    config: Config,
    folder: ResultFolder,
    eval_sets: Sequence[EvalSet],
    sessions: Sequence[RerankerSession],
    records: Records,
    cluster: RayCluster | None,
    log: Logger,
) -> None:
    recorder = records.recorder
    for eval_set in eval_sets:
        folder.write_qrels(eval_set.dataset.name, eval_set.dataset.qrels)
        folder.write_queries(eval_set.dataset.name, eval_set.dataset.queries)
        recorder.add_first_stage(eval_set.dataset.name, eval_set.candidates)
    for eval_set in eval_sets if config.quality else ():
        for session in sessions:
            log.info("quality pass: %s on %s", session.tag, eval_set.dataset.name)
            with pool_for(session, config.rerankers[session.tag], cluster) as pool:
                quality_pass(config, session, eval_set, records, pool)
            precision_pass(config, session, eval_set, records, cluster)
    for eval_set in eval_sets if config.latency is not None else ():
        log.info("latency pass on %s", eval_set.dataset.name)
        latency_pass(config, sessions, eval_set, records)
    for failure in given_up(sessions):
        log.warning("%s", failure.message)
    log.info("done: %d calls, %d failed", len(recorder.calls), len(recorder.failures))


def _new_folder(resolved: str, origin: Origin, into: Path, manifest: Manifest) -> ResultFolder:
    def first(folder: ResultFolder) -> None:
        folder.config_file.write_bytes(origin.config_file or resolved.encode())
        folder.resolved_config_file.write_text(resolved, encoding="utf-8")
        folder.write_manifest(manifest)

    return ResultFolder.create(into, f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{fingerprint(resolved)}", first)


@contextmanager
def _recorded(
    config: Config,
    folder: ResultFolder,
    manifest: Manifest,
    eval_sets: Sequence[EvalSet],
    sessions: Sequence[RerankerSession],
    records: Records,
    cluster: RayCluster | None,
) -> Iterator[None]:
    """Write the raw tables and the final status, however the work inside ends."""
    recorder = records.recorder
    status: Status = "failed"
    try:
        yield
        status = "complete"
    except KeyboardInterrupt:
        status = "incomplete"
        raise InterruptError(
            f"interrupted; what was measured is in {folder.path}",
            f"take it up with: {manifest.command}; or see it with:"
            f" evalkit report {folder.path} --allow-incomplete",
        ) from None
    except (BudgetError, StorageError) as error:
        status = "incomplete"
        raise type(error)(
            f"{error.message}; what was measured is in {folder.path}",
            f"{error.hint}; then take it up with: {manifest.command}",
        ) from None
    finally:
        ended = status == "complete"
        if ended and (recorder.failed_queries or recorder.failed_timings):
            status = "incomplete"
        with ignore_sigint():
            recorder.write(folder)
            execution = cluster.facts() if cluster else None
            folder.write_manifest(
                closing_manifest(manifest, status, sessions, recorder, records.store, execution)
            )
        # Last, and not held against an interrupt: a report without texts shows ids.
        if ended and config.quality and config.keep_texts:
            keep_texts(folder, eval_sets, [session.tag for session in sessions], max(config.depths))
