"""One experiment from its configuration to the report: start services, measure, build the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.config import Config, load_config
from evalkit.experiment.run_options import Origin, ResumeOptions
from evalkit.progress import import_tqdm_quietly
from evalkit.server.subprocess_service import starting

if TYPE_CHECKING:
    from evalkit.report.sections import Findings
    from evalkit.reranking.token_estimates import PlannedPass
    from evalkit.results import ResultFolder
    from evalkit.workflows.result import Result


def run(
    config: Config | Mapping[str, Any] | str | Path,
    into: str | Path | None = None,
    origin: Origin | None = None,
    again: ResumeOptions | None = None,
) -> Result:
    """Run an experiment and build its report; warnings of the result are given as `EvalkitWarning`.

    Parameters
    ----------
    config
        A configuration, the path of one, or a dictionary with the content of one.
    into
        Parent of the result folder; where None that of the folder to resume, else ``results/<name>``.
    origin
        The command and the configuration file, for the record; derived from the call where None.
    again
        Which results of earlier runs are used; stored scores and an unfinished folder where None.

    Returns
    -------
    Result
        Its status is complete, or incomplete where calls failed.

    Raises
    ------
    EvalkitError
        See `evalkit.experiment.execute.execute`.
    """
    import_tqdm_quietly()
    checked = config if isinstance(config, Config) else load_config(config)
    folder, found = _run(checked, into, origin or _origin(config), again)
    from evalkit.workflows.result import Result, give_warnings

    give_warnings(found)
    return Result(folder.path)


def run_experiment(
    config: Config, into: str | Path | None, origin: Origin, again: ResumeOptions | None = None
) -> ResultFolder:
    """Do the same as `run` for a command, which prints the warnings of the result itself."""
    return _run(config, into, origin, again)[0]


def _origin(config: Config | Mapping[str, Any] | str | Path) -> Origin:
    """Return the call of `run`, with the bytes of a configuration file."""
    if isinstance(config, str | Path):
        return Origin.of_file(f"evalkit.run({str(config)!r})", config)
    return Origin("evalkit.run(Config)" if isinstance(config, Config) else "evalkit.run(dict)", None)


def _run(
    config: Config, into: str | Path | None, origin: Origin, again: ResumeOptions | None
) -> tuple[ResultFolder, Findings]:
    options = again or ResumeOptions()
    with starting(config) as services:
        # They start while this is imported. A run that can be copied has none.
        from evalkit.experiment.copied_run import copied_run
        from evalkit.experiment.execute import execute
        from evalkit.workflows.report import rebuild

        parent = _parent(config, into, options)
        with copied_run(config, origin, parent, options) as copied:
            if copied is not None:
                return copied, rebuild(copied, allow_incomplete=True)
        with execute(config, origin, parent, options, services.reachable) as folder:
            services.stop()  # they end while the report is made
            return folder, rebuild(folder, allow_incomplete=True)


def _parent(config: Config, into: str | Path | None, options: ResumeOptions) -> Path:
    """Return the parent of the result folder; by default that of the folder to resume, where its score store is."""
    from evalkit.results.folder import results_folder

    if into is None and options.resume is not None:
        return options.resume.resolve().parent
    return results_folder(config.name, into)


def plan(
    config: Config, into: str | Path | None = None, again: ResumeOptions | None = None
) -> list[PlannedPass]:
    """Return the calls and the cost of `run`, pass by pass; no reranker is contacted and nothing is written."""
    from evalkit.experiment.call_planning import plan_experiment
    from evalkit.experiment.context import Experiment
    from evalkit.experiment.eval_sets import prepare_eval_sets
    from evalkit.experiment.experiment_store import read_store
    from evalkit.experiment.resume import restore

    options = again or ResumeOptions()
    parent = _parent(config, into, options)
    with read_store(config, parent) as store:
        progress = restore(store, config, parent, options)
        experiment = Experiment(
            config=config,
            eval_sets=prepare_eval_sets(config),
            recorder=progress.recorder,
            store=progress.store,
        )
        return plan_experiment(experiment)
