"""What to do next: a sentence, and the command for it where there is one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next.

    Attributes
    ----------
    text
        One sentence.
    command
        The command to type; None where there is none.
    """

    text: str
    command: str | None = None
