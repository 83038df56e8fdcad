"""One experiment from settings to report: services started, everything measured, everything derived."""

from __future__ import annotations

from pathlib import Path

from evalkit.config import Config, load_config
from evalkit.experiment import ResultFolder, execute
from evalkit.experiment.execute import Again, Origin
from evalkit.report import rebuild
from evalkit.server.process import served


def run(
    config: Config | str | Path,
    into: str | Path | None = None,
    origin: Origin | None = None,
    again: Again | None = None,
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
    parent = Path(into) if into is not None else Path("results") / config.name
    with served(config) as reachable:
        folder = execute(reachable, origin or Origin("evalkit.run(Config)", None), parent, again or Again())
    rebuild(folder, allow_incomplete=True)
    return folder
