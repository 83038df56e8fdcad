"""A JSON Lines file of judgments: read whole, appended to, and complete up to its last line after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from evalkit.formats import judgment_lines, read_judgment_lines
from evalkit.records import Judgment
from evalkit.store.line_file import LineFile


@dataclass(frozen=True, slots=True)
class JudgmentFile:
    """A file that several processes and raters may append to.

    Attributes
    ----------
    path
        The file; it need not exist.
    """

    path: Path

    def read(self) -> list[Judgment]:
        """Return the judgments in order; empty if there is no file. A last line without its end is left out.

        Raises
        ------
        DataFormatError
            If another line is no judgment.
        """
        return list(read_judgment_lines(self.path)) if self.path.is_file() else []

    def check_appendable(self) -> None:
        """Check that judgments can be appended, before any is paid for; see `LineFile.check_appendable`."""
        LineFile(self.path).check_appendable()

    def append(self, judgments: Iterable[Judgment]) -> None:
        """Append judgments; they are on the disk when this returns; see `LineFile.append`."""
        LineFile(self.path).append(judgment_lines(judgments))

    def replace(self, judgments: Iterable[Judgment], replaced: Callable[[Judgment], bool]) -> None:
        """Write judgments in place of some of those in the file; the file is on the disk, whole, when this returns.

        Parameters
        ----------
        judgments
            What is written, after the judgments that stay.
        replaced
            Whether a judgment of the file is left out.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        LineFile(self.path).rewrite(
            lambda: judgment_lines([*(one for one in self.read() if not replaced(one)), *judgments])
        )
