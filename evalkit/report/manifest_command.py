"""What the command of a run tells: its configuration file, and the command that repeats it."""

from __future__ import annotations

import re
import shlex

PLACEHOLDER = "CONFIG"
_PLACE = re.compile(rf"(evalkit(?: [a-z]+)+ ){PLACEHOLDER}\b(?!\.\w)")
_SUFFIXES = (".yaml", ".yml")


def config_in(command: str) -> str:
    """Return the configuration file in a command; ``CONFIG`` where it names none."""
    return next((word for word in _words(command) if word.endswith(_SUFFIXES)), PLACEHOLDER)


def with_config(text: str, config: str) -> str:
    """Return a text whose commands name a configuration in place of ``CONFIG``."""
    return _PLACE.sub(lambda found: found[1] + shlex.quote(config), text)


def overrides_in(command: str) -> tuple[str, ...]:
    """Return the ``path=value`` settings that a command gave with ``--set``, in their order."""
    words = _words(command)
    return tuple(
        word.removeprefix("--set=") if word.startswith("--set=") else words[place + 1]
        for place, word in enumerate(words)
        if word.startswith("--set=") or (word == "--set" and place + 1 < len(words))
    )


def timing_command(command: str, documents: int | None) -> str:
    """Return the command that repeats a run with a latency pass: quality and latency are in one result.

    Parameters
    ----------
    command
        The command of the run.
    documents
        Documents per call, where the run has timed calls with other numbers; None where it has timed none.
    """
    words = [word for word in _words(command) if word != "--refresh"]
    if words[:2] != ["evalkit", "run"]:
        words = ["evalkit", "run", config_in(command)]
    block = "latency={}" if documents is None else f"latency.batch_sizes=[{documents}]"
    return shlex.join([*words, "--set", block])


def repeated(command: str, *, refreshed: bool = False) -> str | None:
    """Return the command that repeats a run with its cached scores; None if it was not a command line.

    With `refreshed` it keeps ``--refresh``, without which it would not resume a run that was started with it.
    """
    words = _words(command)
    if words[:1] != ["evalkit"]:
        return None
    return shlex.join(word for word in words if refreshed or word != "--refresh")


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
