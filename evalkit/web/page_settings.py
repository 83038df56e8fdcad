"""What a page shows that does not change while it is used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page shows that is the same for every pair.

    Attributes
    ----------
    title
        Name of what is rated.
    command
        The command that starts the page again.
    rater
        Name of the rater; None if the page asks for it.
    """

    title: str
    command: str
    rater: str | None = None
