"""A reranker with the state that its calls share over all passes of an experiment."""

from __future__ import annotations

import threading
import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.config import RerankerSettings, Traffic
from evalkit.errors import CallError, EvalkitWarning, tell
from evalkit.records import MAX_AMOUNT, RANGES, RerankResponse, outside_range
from evalkit.rerankers import Reranker
from evalkit.reranking.batching import Caps
from evalkit.reranking.budget import Budget
from evalkit.reranking.list_limits import ListLimits
from evalkit.reranking.rate_limits import RateLimiter
from evalkit.reranking.token_estimates import TokenEstimate

GIVE_UP_AFTER = 5
"""After this many consecutive failed batches the reranker is given up."""
_LONG_WAIT_S = 5.0
"""A wait of which the user is informed."""


@dataclass(slots=True, eq=False)
class RerankerSession:
    """A reranker with its budget, rate limits and learned limits.

    Attributes
    ----------
    tag
        Unique tag of the reranker in the experiment.
    traffic
        Retries, rate limits, request limits and prices.
    caps
        Maximum documents, bytes and tokens of one call.
    concurrency
        Calls in flight in the quality pass.
    timed
        Whether the latency of a call is meaningful, i.e. the time a user would wait.
    budget
        The budget, shared by all sessions.
    rate_limiter, tokens
        Limits calls per minute, and estimates their tokens.
    states_scores
        Whether the configuration states what the scores mean.
    limits
        What refused lists have shown about the most documents of a call.
    closed
        Why no more calls are sent; None while calls are sent.
    """

    tag: str
    reranker: Reranker
    traffic: Traffic = field(default_factory=Traffic)
    caps: Caps = field(default_factory=Caps)
    concurrency: int = 1
    timed: bool = True
    budget: Budget = field(default_factory=Budget)
    states_scores: bool = False
    rate_limiter: RateLimiter = field(init=False)
    tokens: TokenEstimate = field(init=False)
    limits: ListLimits = field(default_factory=ListLimits)
    closed: CallError | None = None
    _failed_in_a_row: int = 0
    _unusable: set[str] = field(default_factory=set)
    _warned_of_range: bool = False
    _noted: set[str] = field(default_factory=set)
    _noting: threading.Lock = field(default_factory=threading.Lock)
    _starts_until_s: float = 0.0

    def __post_init__(self) -> None:
        self.rate_limiter = RateLimiter(self.traffic.requests_per_minute, self.traffic.tokens_per_minute)
        self.tokens = TokenEstimate(self.traffic)

    @classmethod
    def of(cls, tag: str, reranker: Reranker, settings: RerankerSettings, budget: Budget) -> RerankerSession:
        """Return the session that settings describe."""
        traffic, caps = settings.traffic(), Caps.of(settings)
        stated = getattr(settings, "scores", None) is not None
        return cls(tag, reranker, traffic, caps, settings.concurrency, settings.timed, budget, stated)

    @property
    def learned_documents(self) -> int | None:
        """Maximum documents of a call, learned after the server refused a larger one; None before that."""
        return self.limits.documents

    def tell_unusable(self, response: RerankResponse | None) -> None:
        """Warn once for each field in which the backend reports an amount that cannot be used."""
        for name, shown in response.unusable.items() if response else ():
            if name not in self._unusable:
                self._unusable.add(name)
                text = (
                    f"{self.tag}: a reply has {name}: {shown}, not a number from 0 to {MAX_AMOUNT:g}."
                    " Where it does, this amount is unknown; the scores are kept."
                )
                warnings.warn(text, EvalkitWarning, stacklevel=2)

    def warn_of_range(self, scores: NDArray[np.float64]) -> None:
        """Warn once of a score outside the range of its kind, if the configuration states the kind.

        Parameters
        ----------
        scores
            ``(n,)`` float64.
        """
        kind = self.reranker.score_kind
        score = outside_range(scores, kind) if self.states_scores and not self._warned_of_range else None
        if score is not None:
            self._warned_of_range = True
            text = (
                f"{self.tag}: 'scores' is {kind}, from {RANGES[kind][0]:g} to {RANGES[kind][1]:g}, but the API"
                f" returned {score:.6g}. Correct rerankers.{self.tag}.scores; the ranking does not depend on it."
            )
            warnings.warn(text, EvalkitWarning, stacklevel=2)

    def tell_start(self, seconds: float) -> None:
        """Let calls wait for a model that is being loaded, and note it once for each wait."""
        with self._noting:
            if time.monotonic() >= self._starts_until_s:
                tell(f"{self.tag!r} is starting; waiting up to {seconds:.0f} s")
            self._starts_until_s = max(self._starts_until_s, time.monotonic() + seconds)
        self.rate_limiter.pause(seconds)

    def tell_refusal(self) -> None:
        """Note once that the API refuses calls for their rate and that they wait."""
        wait = self.rate_limiter.next_s()
        with self._noting:
            if wait >= _LONG_WAIT_S and "refusal" not in self._noted:
                self._noted.add("refusal")
                tell(f"{self.tag!r} refuses calls for their rate; waiting {wait:.0f} s before the next one")

    def tell_rate(self) -> None:
        """Note once the rate that was learned from refusals."""
        learned = self.rate_limiter.learned
        with self._noting:
            if learned is not None and "rate" not in self._noted:
                self._noted.add("rate")
                tell(
                    f"{self.tag!r} accepts about {learned.shown} calls a minute (learned from refusals); set"
                    f" requests_per_minute: {learned.shown} to silence this"
                )

    def record(self, failure: CallError | None) -> None:
        """Record how a batch ended; close the session if more calls cannot succeed."""
        if failure is None:
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row += failure.remedy.transient
        if failure.remedy.permanent or self._failed_in_a_row >= GIVE_UP_AFTER:
            self.closed = self.closed or CallError(
                failure.kind,
                f"not sent: {self.tag!r} was stopped after this failure: {failure.message}",
                failure.hint,
                http_status=failure.http_status,
            )
