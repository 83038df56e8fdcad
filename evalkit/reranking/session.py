"""A reranker with the state that its calls share over all passes of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.config import RerankerSettings, Traffic
from evalkit.errors import CallError
from evalkit.rerankers import Reranker
from evalkit.reranking.batching import Caps
from evalkit.reranking.budget import Budget
from evalkit.reranking.list_limits import ListLimits
from evalkit.reranking.rate_limits import RateLimiter
from evalkit.reranking.session_notes import SessionNotes
from evalkit.reranking.token_estimates import TokenEstimate

GIVE_UP_AFTER = 5
"""After this many consecutive failed batches the reranker is given up."""


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
    notes
        Informs the user of what the calls show, once for each subject.
    rate_limiter, tokens
        Limits calls per minute, and estimates their tokens.
    states_scores
        Whether the configuration states what the scores mean.
    limits
        What refused lists have shown about the most documents of a call.
    closed
        Why no more calls are sent; None while calls are sent.
    has_replied
        Whether a call had a reply of the server.
    """

    tag: str
    reranker: Reranker
    traffic: Traffic = field(default_factory=Traffic)
    caps: Caps = field(default_factory=Caps)
    concurrency: int = 1
    timed: bool = True
    budget: Budget = field(default_factory=Budget)
    states_scores: bool = False
    notes: SessionNotes = field(init=False)
    rate_limiter: RateLimiter = field(init=False)
    tokens: TokenEstimate = field(init=False)
    limits: ListLimits = field(default_factory=ListLimits)
    closed: CallError | None = None
    has_replied: bool = False
    _failed_in_a_row: int = 0

    def __post_init__(self) -> None:
        self.notes = SessionNotes(self.tag)
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

    def wait_for_start(self, seconds: float) -> None:
        """Let all calls wait for a model that is being loaded."""
        self.notes.starting(seconds)
        self.rate_limiter.pause(seconds)

    def check_range(self, scores: NDArray[np.float64]) -> None:
        """Warn once of a score outside the range of its kind, if the configuration states the kind.

        Parameters
        ----------
        scores
            ``(n,)`` float64.
        """
        if self.states_scores:
            self.notes.range_of_scores(scores, self.reranker.score_kind)

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
