"""The main path of an experiment: datasets, candidates, first calls, quality pass, latency pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from evalkit.config import Config, resolved_yaml, run_yaml
from evalkit.distributed import RayCluster
from evalkit.errors import BudgetError, ClusterError, InterruptError, StorageError, tell
from evalkit.experiment.cascade_pass import derive_cascades
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.copied_run import record_inputs
from evalkit.experiment.drift_pass import drift_pass
from evalkit.experiment.eval_sets import EvalSet, document_tokens, prepare_eval_sets
from evalkit.experiment.event_log import logged_to, logger
from evalkit.experiment.experiment_store import WritableStore, open_store
from evalkit.experiment.first_calls import make_first_calls
from evalkit.experiment.kept_texts import keep_texts
from evalkit.experiment.latency_pass import latency_pass
from evalkit.experiment.manifest_facts import closing_manifest, dataset_facts, now, opening_manifest
from evalkit.experiment.precision_pass import precision_pass
from evalkit.experiment.quality_pass import quality_pass
from evalkit.experiment.recorder import WrittenTables
from evalkit.experiment.resume import RunFolder, fingerprint, restore
from evalkit.experiment.run_inputs import inputs_key
from evalkit.experiment.run_options import Origin, ResumeOptions
from evalkit.experiment.scoring_pools import joined_cluster
from evalkit.experiment.sessions import opened
from evalkit.experiment.sigint import ignore_sigint
from evalkit.files import write_file
from evalkit.reranking import RerankerSession
from evalkit.results.document_tokens_table import write_document_tokens
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import Status
from evalkit.results.rater_files import write_correction_grades, write_rater_grades


@contextmanager
def execute(
    config: Config,
    origin: Origin,
    into: Path,
    options: ResumeOptions,
    reachable: Callable[[], Config] | None = None,
) -> Iterator[ResultFolder]:
    """Run an experiment, write its raw results, and yield their folder; the block builds the report from them.

    An unfinished folder of the same configuration in `into` is resumed. Until the block ends, no other process takes
    the folder for one that lacks its report.

    Parameters
    ----------
    config
        Checked configuration.
    origin
        The command and the configuration file.
    into
        Parent of the result folder.
    options
        Which results of earlier runs are used.
    reachable
        Called once the data are there: returns the configuration in which every ``http`` reranker has a url, which
        `config` has already where None.

    Raises
    ------
    CallError
        If a service does not start, or the test call to a reranker fails; then nothing has been written.
    InputError
        If a reranker is not what it is declared to be, or the folder to resume is of another configuration.
    StorageError
        If scores cannot be stored.
    InterruptError
        If the user interrupts; what was measured is saved, and the folder's status is incomplete.
    """
    key = inputs_key(config)
    with joined_cluster(config) as cluster:
        eval_sets = prepare_eval_sets(config, cluster)
        config = reachable() if reachable else config
        with open_store(config, into) as store:
            folder = _execute(config, origin, into, options, eval_sets, cluster, store)
            del eval_sets  # a report needs no corpus
            record_inputs(folder, config, key)
            yield folder


def _execute(
    config: Config,
    origin: Origin,
    into: Path,
    options: ResumeOptions,
    eval_sets: Sequence[EvalSet],
    cluster: RayCluster | None,
    store: WritableStore,
) -> ResultFolder:
    progress = restore(store, config, into, options)
    if progress.unfinished is not None and store.scores is None:
        store.open()  # another process may be at work in this folder: wait for its end, then look again
        progress = restore(store, config, into, options)
    found = progress.unfinished
    if found is not None:
        tell(f"resuming {found.folder.path}, started {found.manifest.started}")
    if found is not None and found.manifest.status == "complete":  # only its report is missing
        found.folder.write_manifest(found.rebuilt(store.session, now()).manifest)
        return found.folder
    experiment = Experiment(
        config=config,
        eval_sets=eval_sets,
        recorder=progress.recorder,
        store=progress.store,
        cluster=cluster,
    )
    with opened(config, progress.spent_usd) as sessions:
        first_calls = make_first_calls(experiment, sessions)
        ResultFolder.create_parent(into)
        store.open()  # waits for others before the folder exists, which they would take for an unfinished one
        target = (
            found.resumed(store.session, progress.store.earlier, dataset_facts(eval_sets))
            if found
            else _new_folder(experiment, origin, into, sessions)
        )
        run = experiment.start(store, target, sessions)
        with _recorded(run), logged_to(run.folder.log_file):
            first_calls.record(run)
            _write_inputs(run)
            _measure(run)
    return run.folder


def _new_folder(
    experiment: Experiment, origin: Origin, into: Path, sessions: Sequence[RerankerSession]
) -> RunFolder:
    """Create a result folder with the configuration and the manifest, all at once."""
    resolved = resolved_yaml(experiment.config)
    manifest = opening_manifest(experiment, origin, sessions)

    def first(folder: ResultFolder) -> None:
        write_file(folder.config_file, origin.config_file or resolved, inside=folder.path)
        write_file(folder.resolved_config_file, resolved, inside=folder.path)
        folder.write_manifest(manifest)

    name = f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{fingerprint(run_yaml(experiment.config))}"
    return RunFolder(ResultFolder.create(into, name, first), manifest)


def _write_inputs(run: StartedExperiment) -> None:
    """Write the judgments and the queries, and record the scores of the first stage and of the compared runs."""
    for eval_set in run.eval_sets:
        name = eval_set.dataset.name
        run.folder.write_qrels(name, eval_set.dataset.qrels)
        run.folder.write_queries(name, eval_set.dataset.queries)
        write_rater_grades(run.folder, name, eval_set.raters)
        write_correction_grades(run.folder, name, eval_set.correction)
        run.recorder.add_first_stage(name, eval_set.candidates)
        for compared in eval_set.runs:
            run.recorder.add_run(name, compared.run)
    write_document_tokens(run.folder, document_tokens(run.eval_sets))
    run.folder.write_run_latencies(
        (eval_set.dataset.name, compared.run.tag, query_id, seconds)
        for eval_set in run.eval_sets
        for compared in eval_set.runs
        for query_id, seconds in compared.latencies.items()
    )


def _measure(run: StartedExperiment) -> None:
    """Make the quality and precision passes over all datasets, then the latency pass."""
    for eval_set in run.eval_sets if run.config.quality else ():
        for session in run.sessions:
            logger.info("quality pass: %s on %s", session.tag, eval_set.dataset.name)
            drift_pass(run, session, eval_set)
            quality_pass(run, session, eval_set)
            precision_pass(run, session, eval_set)
        derive_cascades(run, eval_set)
    for eval_set in run.eval_sets if run.config.latency is not None else ():
        logger.info("latency pass on %s", eval_set.dataset.name)
        latency_pass(run, eval_set)
    for session in run.sessions:
        if session.closed is not None:
            logger.warning("%s", session.closed.message)
    logger.info("done: %d calls, %d failed", len(run.recorder.calls), len(run.recorder.failures))


@contextmanager
def _recorded(run: StartedExperiment) -> Iterator[None]:
    """Write the raw tables and the final manifest, however the block ends.

    Raises
    ------
    InterruptError, BudgetError, ClusterError, StorageError
        If the block raises KeyboardInterrupt, BudgetError, ClusterError or StorageError; the message names the folder
        and how to resume.
    """
    status: Status = "failed"
    tables: WrittenTables | None = None
    try:
        yield
        with ignore_sigint():
            tables = run.recorder.write(run.folder)
        if run.config.quality and run.config.keep_texts:
            keep_texts(run, tables)
        lacking = run.recorder.failed_queries or run.recorder.failed_timings
        status = "incomplete" if lacking else "complete"
    except KeyboardInterrupt:
        status = "incomplete"
        raise InterruptError(
            f"interrupted; partial results: {run.folder.path}",
            f"resume with: {run.manifest.command}; view the partial results with: evalkit report"
            f" {quote(str(run.folder.path))} --allow-incomplete",
        ) from None
    except (BudgetError, ClusterError, StorageError) as error:
        status = "incomplete"
        raise type(error)(
            f"{error.message}; partial results: {run.folder.path}",
            f"{error.hint}; then resume with: {run.manifest.command}",
        ) from None
    finally:
        with ignore_sigint():
            if status != "complete":  # the next session needs a journal
                with suppress(StorageError):
                    run.store.keep_waiting()
            if tables is None:
                run.recorder.write(run.folder)
            run.folder.write_manifest(closing_manifest(run, status))
    if status == "complete":  # all files of the folder are durable
        run.store.drop_journal()
