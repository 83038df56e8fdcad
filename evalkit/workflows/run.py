"""One experiment from its configuration to the report: start services, measure, build the report."""

from __future__ import annotations

from pathlib import Path

from evalkit.config import Config, load_config
from evalkit.experiment import execute
from evalkit.experiment.call_planning import plan_experiment
from evalkit.experiment.context import Experiment
from evalkit.experiment.eval_sets import prepare_eval_sets
from evalkit.experiment.experiment_store import read_store
from evalkit.experiment.manifest_facts import Origin
from evalkit.experiment.resume import ResumeOptions, restore
from evalkit.reranking.token_estimates import PlannedPass
from evalkit.results import ResultFolder
from evalkit.results.folder import results_folder
from evalkit.server.subprocess_service import served
from evalkit.workflows.report import rebuild


def run(
    config: Config | str | Path,
    into: str | Path | None = None,
    origin: Origin | None = None,
    again: ResumeOptions | None = None,
) -> ResultFolder:
    """Run an experiment and build its report.

    Parameters
    ----------
    config
        A configuration, or the path of one.
    into
        Parent of the result folder; ``results/<name>`` where None.
    origin
        The command and the configuration file, for the record; derived from the call where None.
    again
        Which results of earlier runs are used; stored scores and an unfinished folder where None.

    Returns
    -------
    ResultFolder
        Its status is complete, or incomplete where calls failed.

    Raises
    ------
    EvalkitError
        See `evalkit.experiment.execute`.
    """
    if not isinstance(config, Config):
        file = Path(config)
        config = load_config(file)
        origin = origin or Origin(f"evalkit.run({str(file)!r})", file.read_bytes())
    origin = origin or Origin("evalkit.run(Config)", None)
    with served(config) as reachable:
        folder = execute(reachable, origin, results_folder(config.name, into), again or ResumeOptions())
    rebuild(folder, allow_incomplete=True)
    return folder


def plan(
    config: Config, into: str | Path | None = None, again: ResumeOptions | None = None
) -> list[PlannedPass]:
    """Return the calls and the cost of `run`, pass by pass; no reranker is contacted and nothing is written."""
    parent, options = results_folder(config.name, into), again or ResumeOptions()
    with read_store(config, parent) as store:
        progress = restore(store, config, parent, options)
        experiment = Experiment(
            config=config,
            eval_sets=prepare_eval_sets(config),
            recorder=progress.recorder,
            store=progress.store,
        )
        return plan_experiment(experiment)
