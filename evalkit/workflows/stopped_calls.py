"""Why a pass makes no more calls before its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoppedCalls:
    """Why no more calls are made, although some are left.

    Attributes
    ----------
    message
        The reason.
    hint
        What to do about it; None if nothing is known.
    """

    message: str
    hint: str | None = None
