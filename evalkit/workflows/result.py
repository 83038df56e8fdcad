"""A result as Python code gets it: its folder, its figures as frames, and how a notebook shows it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import EvalkitWarning, InputError
from evalkit.report.cautions import grouped
from evalkit.report.notebook import notebook_html
from evalkit.report.pages import screen_of
from evalkit.report.sections import Findings, all_cautions
from evalkit.report.terminal import screen_lines
from evalkit.results import ResultFolder
from evalkit.results.locate import LATEST, locate_result
from evalkit.results.result_frames import comparison_frame, latency_frame, quality_frame

if TYPE_CHECKING:
    import pandas as pd


class Result(ResultFolder):
    """A result folder whose figures are pandas frames, and which a notebook shows as the first screen of its report.

    Parameters
    ----------
    path
        The folder.
    """

    @property
    def quality(self) -> pd.DataFrame:
        """Means with intervals: one row for each dataset, system, depth and metric."""
        return quality_frame(self.read_summary())

    @property
    def latency(self) -> pd.DataFrame:
        """Percentiles and throughput: one row for each dataset, system and load; empty without a latency pass."""
        return latency_frame(self.read_summary())

    @property
    def comparison(self) -> pd.DataFrame:
        """Differences to the baseline: one row for each dataset and system, on the primary metric."""
        return comparison_frame(self.read_comparisons())

    def __repr__(self) -> str:
        """Return the class with the path."""
        return f"Result({str(self.path)!r})"

    def __str__(self) -> str:
        """Return the decision and its tables as text, or the class with the path where there is no report."""
        try:
            screen = screen_of(Findings.read(self), self, str(self.path))
        except InputError:
            return repr(self)
        return "\n".join([screen.decision.line, *screen_lines(screen)])

    def _repr_html_(self) -> str | None:
        """Return the first screen of the report for a notebook; None where there is no report."""
        try:
            return notebook_html(Findings.read(self), self)
        except InputError:
            return None


def load_result(result: str | Path = LATEST, *, allow_incomplete: bool = False) -> Result:
    """Open the result of an earlier run.

    Parameters
    ----------
    result
        A result folder, a folder with results (the newest complete one is opened), or ``latest``.
    allow_incomplete
        Open the newest result of a folder whatever its status. A result that is named by its own folder is opened in
        any case.

    Raises
    ------
    InputError
        If there is no such result.
    IncompleteError
        If none of the results in a folder is complete.
    """
    return Result(locate_result(result, allow_incomplete=allow_incomplete))


def give_warnings(found: Findings) -> None:
    """Give each warning of a result as a Python warning, at the caller of the function that calls this one."""
    for group in grouped(all_cautions(found)):
        for one in group.cautions:
            warnings.warn(f"{one.text} {one.remedy}", EvalkitWarning, stacklevel=3)
