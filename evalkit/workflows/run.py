"""One experiment from settings to report: services started, everything measured, everything derived."""

from __future__ import annotations

from pathlib import Path

from evalkit.config import Config, load_config, resolved_yaml
from evalkit.experiment import execute
from evalkit.experiment.call_planning import plan_experiment
from evalkit.experiment.eval_sets import prepare_eval_sets
from evalkit.experiment.experiment_store import open_store
from evalkit.experiment.manifest_facts import Origin
from evalkit.experiment.quality_pass import Records
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resume import ResumeOptions, find_unfinished, restore
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
        What the user typed; filled in where None.
    again
        What of earlier work counts: known scores and an unfinished folder where None.

    Returns
    -------
    ResultFolder
        Complete, or marked incomplete where calls failed.

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
    """Return what `run` would ask and cost, pass by pass; see there. Nothing is contacted or written."""
    parent, options = results_folder(config.name, into), again or ResumeOptions()
    with open_store(config, parent, only_look=True) as store:
        records = Records(Recorder(), store)
        restore(find_unfinished(parent, resolved_yaml(config), options), options, store, records.recorder)
        return plan_experiment(config, prepare_eval_sets(config), records)
