"""A latency pass with a clock that only moves when a service or a wait says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.latency import RoundState
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.reranking import Batch, Outcome


class ScriptedClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.now += max(seconds, 0.0)


class Scripted:
    """A reranker whose every call takes what a script says: call number, documents -> seconds."""

    pointwise = True
    score_kind: ScoreKind = "unknown"

    def __init__(self, clock: ScriptedClock, takes: Callable[[int, int], float]) -> None:
        self._clock = clock
        self._takes = takes
        self.calls = 0

    def score(self, request: RerankRequest) -> RerankResponse:
        """Let the time pass, and return zeros."""
        self._clock.sleep(self._takes(self.calls, len(request.documents)))
        self.calls += 1
        return RerankResponse(np.zeros(len(request.documents)))

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Kept:
    """Keeps what a pass measures, block by block."""

    blocks: list[Sequence[Outcome]] = field(default_factory=list)
    states: list[RoundState] = field(default_factory=list)

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Take a block."""
        self.blocks.append(outcomes)

    def note(self, state: RoundState) -> None:
        """Take a round's state."""
        self.states.append(state)

    @property
    def outcomes(self) -> list[Outcome]:
        """Everything that came back, in the order of the blocks."""
        return [one for block in self.blocks for one in block]


def batches(count: int, documents: int = 1) -> tuple[Batch, ...]:
    """Return batches of queries of their own."""
    texts = tuple(f"document {i}" for i in range(documents))
    ids = tuple(map(str, range(documents)))
    return tuple(Batch(RerankRequest(f"q{i}", f"query {i}", texts, ids)) for i in range(count))
