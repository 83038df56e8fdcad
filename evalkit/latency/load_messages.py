"""The messages between a latency pass and the processes that send calls for it."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.config import RerankerSettings
from evalkit.reranking import Arrival, Batch, CallContext, Outcome

Task = tuple[Batch, CallContext]


@dataclass(frozen=True, slots=True)
class Opening:
    """Open a reranker: the first message. Keys of services come from the environment, as in the first process.

    Attributes
    ----------
    tag, settings
        The reranker.
    most_in_flight
        Maximum calls in flight of an open loop.
    """

    tag: str
    settings: RerankerSettings
    most_in_flight: int


@dataclass(frozen=True, slots=True)
class ClosedBlock:
    """Send calls in a closed loop.

    Attributes
    ----------
    concurrency
        Calls in flight.
    before, timed
        What is sent.
    after
        What is sent after it, again and again, until all processes have sent theirs: calls in flight stay constant.
    delay_s, spread_s
        Seconds from the start of the block to the first call, and over which the first calls are spread.
    """

    concurrency: int
    before: tuple[Task, ...]
    timed: tuple[Task, ...]
    after: tuple[Task, ...]
    delay_s: float
    spread_s: float


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Send these calls at once."""

    items: tuple[Batch, ...]
    context: CallContext


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """Send calls at scheduled times, which count from the start of the block."""

    schedule: tuple[Arrival, ...]
    context: CallContext


@dataclass(frozen=True, slots=True)
class Start:
    """Start the block at `at_s`, in seconds of `time.perf_counter`, which is one clock for all processes."""

    at_s: float


@dataclass(frozen=True, slots=True)
class TimedDone:
    """All timed calls of a block of this process have ended; in the other direction: those of all processes."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The reranker is open, or an order was read; the clock of this process shows `clock_s`."""

    clock_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcomes of a block."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The process cannot go on; why."""

    reason: str


Order = ClosedBlock | WarmUp | OpenBlock
Answer = Ready | TimedDone | Finished | Failed
