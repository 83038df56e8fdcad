"""The answers to the windows of one list, and what they come to together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from evalkit.records import ServerTime, Timeline, Usage
from evalkit.rerankers.permutations import Permutation

N = TypeVar("N", int, float)
MOST_UNFINISHED = 1024
"""Calls whose answers are kept until they are made again; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one window.

    Attributes
    ----------
    places
        The order of its documents.
    usage, server_times, model, reused, pause_s, timeline
        As in `RerankResponse`.
    """

    places: Permutation
    usage: Usage
    server_times: tuple[ServerTime, ...]
    model: str | None
    reused: bool
    pause_s: float | None
    timeline: Timeline


class Unfinished:
    """The answers to calls that failed on the way, by the name of the call. Used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, list[Answer]] = OrderedDict()

    def take(self, call_id: str) -> list[Answer]:
        """Return the answers a call has, none for one that is new; they are kept no longer."""
        with self._lock:
            return self._answers.pop(call_id, [])

    def keep(self, call_id: str, answers: list[Answer]) -> None:
        """Keep the answers of a call that may be made again under the same name."""
        if not call_id or not answers:
            return
        with self._lock:
            self._answers[call_id] = answers
            if len(self._answers) > MOST_UNFINISHED:
                self._answers.popitem(last=False)


def total_usage(answers: Sequence[Answer]) -> Usage:
    """Return what all answers were billed; None where one of them does not tell."""
    told = [answer.usage for answer in answers]
    return Usage(
        tokens=_total([usage.tokens for usage in told]),
        output_tokens=_total([usage.output_tokens for usage in told]),
        cost_usd=_total([usage.cost_usd for usage in told]),
    )


def _total(amounts: Sequence[N | None]) -> N | None:
    told = [amount for amount in amounts if amount is not None]
    return sum(told) if len(told) == len(amounts) else None


def total_times(answers: Sequence[Answer]) -> tuple[ServerTime, ...]:
    """Return the sums of the times that all answers tell."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for answer in answers:
        for time in answer.server_times:
            seconds.setdefault((time.name, time.meaning), []).append(time.seconds)
    return tuple(
        ServerTime(name, sum(told), meaning)
        for (name, meaning), told in seconds.items()
        if len(told) == len(answers)
    )


def end_to_end(answers: Sequence[Answer]) -> Timeline:
    """Return the stations of one exchange as long as all together, which ends when the last one did.

    What this process does between two windows is not in it; a window that an earlier attempt asked for is.
    """
    lines = [answer.timeline for answer in answers]
    body_s = lines[-1].body_s
    headers_s = body_s - sum(line.body_s - line.headers_s for line in lines)
    sent_s = headers_s - sum(line.headers_s - line.sent_s for line in lines)
    return Timeline(sent_s - sum(line.sent_s - line.encoded_s for line in lines), sent_s, headers_s, body_s)
