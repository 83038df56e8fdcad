"""Warnings and notes about one reranker, each of them shown once."""

from __future__ import annotations

import threading
import time
import warnings

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitWarning, tell
from evalkit.plurals import number_of
from evalkit.records import MAX_AMOUNT, RANGES, RerankResponse, ScoreKind, outside_range
from evalkit.reranking.learned_rates import LearnedLimit

_LONG_WAIT_S = 5.0
"""A wait of which the user is informed."""


class SessionNotes:
    """Informs the user of what the calls of a session show, once for each subject. Thread-safe.

    Parameters
    ----------
    tag
        Tag of the reranker.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._shown: set[str] = set()
        self._lock = threading.Lock()
        self._starts_until_s = 0.0

    def unusable_amounts(self, response: RerankResponse | None) -> None:
        """Warn once for each field in which the backend reports an amount that cannot be used."""
        for name, shown in response.unusable.items() if response else ():
            if self._is_first(f"unusable {name}"):
                text = (
                    f"{self._tag}: a reply has {name}: {shown}, not a number from 0 to {MAX_AMOUNT:g}."
                    " Where it does, this amount is unknown; the scores are kept."
                )
                warnings.warn(text, EvalkitWarning, stacklevel=2)

    def range_of_scores(self, scores: NDArray[np.float64], kind: ScoreKind) -> None:
        """Warn once of a score outside the range of its kind, which the configuration states.

        Parameters
        ----------
        scores
            ``(n,)`` float64.
        kind
            What the configuration says that the scores mean.
        """
        score = outside_range(scores, kind)
        if score is not None and self._is_first("range"):
            text = (
                f"{self._tag}: 'scores' is {kind}, from {RANGES[kind][0]:g} to {RANGES[kind][1]:g}, but the API"
                f" returned {score:.6g}. Correct rerankers.{self._tag}.scores; the ranking does not depend on it."
            )
            warnings.warn(text, EvalkitWarning, stacklevel=2)

    def starting(self, seconds: float) -> None:
        """Say that calls wait for a model that is being loaded, once for each wait."""
        with self._lock:
            now = time.monotonic()
            if now >= self._starts_until_s:
                tell(f"{self._tag!r} is starting; waiting up to {seconds:.0f} s")
            self._starts_until_s = max(self._starts_until_s, now + seconds)

    def unreachable(self, message: str, retries: int, within_s: float) -> None:
        """Say that a server cannot be reached, how often a call tries again and for how long, unless that is short."""
        if within_s >= _LONG_WAIT_S and self._is_first("unreachable"):
            tell(
                f"{self._tag!r}: {message}; trying again up to {number_of(retries, 'time')} within {within_s:.0f} s"
            )

    def refused(self, wait_s: float) -> None:
        """Say that the API refuses calls for their rate, and how long they wait, unless that is short."""
        if wait_s >= _LONG_WAIT_S and self._is_first("refusal"):
            tell(f"{self._tag!r} refuses calls for their rate; waiting {wait_s:.0f} s before the next one")

    def learned_rate(self, learned: LearnedLimit | None) -> None:
        """Say which rate was learned from refusals; nothing before that."""
        if learned is not None and self._is_first("rate"):
            tell(
                f"{self._tag!r} accepts about {learned.shown} calls a minute (learned from refusals); set"
                f" requests_per_minute: {learned.shown} to silence this"
            )

    def _is_first(self, subject: str) -> bool:
        """Return whether a subject has not been shown, and count it as shown."""
        with self._lock:
            first = subject not in self._shown
            self._shown.add(subject)
            return first
