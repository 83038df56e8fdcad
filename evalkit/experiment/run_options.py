"""What a run is given apart from its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Origin:
    """The command and the configuration file of an experiment.

    Attributes
    ----------
    command
        The command line or call.
    config_file
        The configuration file, byte for byte; None where there was no file.
    path
        Path of the configuration file as it was named; None where there was no file.
    """

    command: str
    config_file: bytes | None
    path: str | None = None

    @classmethod
    def of_file(cls, command: str, path: str | Path) -> Origin:
        """Return the origin of an experiment whose configuration is a file."""
        return cls(command, Path(path).read_bytes(), str(path))


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """Which results of earlier runs are used.

    Attributes
    ----------
    refresh
        Whether every score is requested again.
    resume
        The folder to resume; None to search for one.
    """

    refresh: bool = False
    resume: Path | None = None
