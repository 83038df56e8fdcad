"""Answers of a chat model to the windows of one list, and their totals."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.records import RerankResponse, ServerTime, Timeline, Usage
from evalkit.rerankers.permutations import Permutation

N = TypeVar("N", int, float)
MOST_UNFINISHED = 1024
"""Maximum number of unfinished calls whose answers are kept; the oldest are dropped first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one window.

    Attributes
    ----------
    places
        The order of the window's documents.
    usage, server_times, model, reused, pause_s, timeline, unusable, harness_delay_s
        As in `RerankResponse`.
    """

    places: Permutation
    usage: Usage
    server_times: tuple[ServerTime, ...]
    model: str | None
    reused: bool
    pause_s: float | None
    timeline: Timeline
    unusable: Mapping[str, str] = field(default_factory=dict)
    harness_delay_s: float | None = None


class Reported(Protocol):
    """What is known of an answered request, as `RerankResponse` has it."""

    @property
    def usage(self) -> Usage: ...  # noqa: D102 - of the protocol

    @property
    def server_times(self) -> tuple[ServerTime, ...]: ...  # noqa: D102 - of the protocol

    @property
    def harness_delay_s(self) -> float | None: ...  # noqa: D102 - of the protocol


class UnfinishedCalls:
    """Answers of calls that failed at a later window, by call id, for the retry of the call. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, list[Answer]] = OrderedDict()

    def take(self, call_id: str) -> list[Answer]:
        """Remove and return the answers of a call; an empty list if there are none."""
        with self._lock:
            return self._answers.pop(call_id, [])

    def keep(self, call_id: str, answers: list[Answer]) -> None:
        """Keep the answers of a call until it is retried with the same id."""
        if not call_id or not answers:
            return
        with self._lock:
            self._answers[call_id] = answers
            if len(self._answers) > MOST_UNFINISHED:
                self._answers.popitem(last=False)


def total_usage(answers: Sequence[Reported]) -> Usage:
    """Return the summed usage; a field is None if an answer does not report it."""
    usages = [answer.usage for answer in answers]
    return Usage(
        tokens=_total([usage.tokens for usage in usages]),
        output_tokens=_total([usage.output_tokens for usage in usages]),
        cost_usd=_total([usage.cost_usd for usage in usages]),
    )


def _total(amounts: Sequence[N | None]) -> N | None:
    reported = [amount for amount in amounts if amount is not None]
    return sum(reported) if len(reported) == len(amounts) else None


def total_delay_s(answers: Sequence[Reported]) -> float | None:
    """Return the summed delays of this process; None if one is unknown."""
    return _total([answer.harness_delay_s for answer in answers])


def total_times(answers: Sequence[Reported]) -> tuple[ServerTime, ...]:
    """Return the summed server times, only those that every answer reports."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for answer in answers:
        for time in answer.server_times:
            seconds.setdefault((time.name, time.meaning), []).append(time.seconds)
    return tuple(
        ServerTime(name, sum(reported), meaning)
        for (name, meaning), reported in seconds.items()
        if len(reported) == len(answers)
    )


def end_to_end(answers: Sequence[Answer]) -> Timeline:
    """Return the timeline of a single exchange with the summed durations of all, ending with the last one.

    It excludes this process's own work between windows, and includes windows answered in an earlier attempt.
    """
    return _one_after_another([answer.timeline for answer in answers])


def _one_after_another(lines: Sequence[Timeline]) -> Timeline:
    body_s = lines[-1].body_s
    headers_s = body_s - sum(line.body_s - line.headers_s for line in lines)
    sent_s = headers_s - sum(line.headers_s - line.sent_s for line in lines)
    return Timeline(sent_s - sum(line.sent_s - line.encoded_s for line in lines), sent_s, headers_s, body_s)


def joined(responses: Sequence[RerankResponse]) -> RerankResponse:
    """Return the response to one call that was answered in several requests, one after the other.

    Parameters
    ----------
    responses
        At least one response, each with a timeline.
    """
    if len(responses) == 1:
        return responses[0]
    lines = [response.timeline for response in responses if response.timeline is not None]
    first, last = responses[0], responses[-1]
    cut = _cut(responses)
    return RerankResponse(
        scores=np.concatenate([response.scores for response in responses]),
        usage=total_usage(responses),
        server_times=total_times(responses),
        model=last.model,
        http_status=last.http_status,
        conn_reused=first.conn_reused,
        pause_s=last.pause_s,
        timeline=_one_after_another(lines),
        truncated=np.concatenate(cut) if len(cut) == len(responses) else None,
        unusable={name: shown for response in responses for name, shown in response.unusable.items()},
        harness_delay_s=total_delay_s(responses),
    )


def _cut(responses: Sequence[RerankResponse]) -> list[NDArray[np.bool_]]:
    """Return which pairs were truncated, for those responses that say so."""
    return [response.truncated for response in responses if response.truncated is not None]
