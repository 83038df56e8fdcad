"""A reranker with everything that its calls share over all passes of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, field

from evalkit.config import RerankerSettings, Traffic
from evalkit.errors import CallError
from evalkit.rerankers import Reranker
from evalkit.reranking.batching import Caps
from evalkit.reranking.budget import Budget
from evalkit.reranking.rate_limits import RateLimiter
from evalkit.reranking.token_estimates import TokenEstimate

GIVE_UP_AFTER = 5
"""Batches in a row that failed after all their attempts: then the server is taken for gone."""


@dataclass(slots=True, eq=False)
class RerankerSession:
    """A reranker under its tag.

    Attributes
    ----------
    traffic
        How it may be called.
    caps
        Most documents, bytes and tokens of one call.
    concurrency
        Calls in flight in the quality pass.
    timed
        Whether a call takes the time a user would wait for.
    budget
        The budget, shared by all arms.
    learned_documents
        Most documents of a call after the server refused more; None before that.
    closed
        Why nothing more is sent; None while calls go out.
    """

    tag: str
    reranker: Reranker
    traffic: Traffic = field(default_factory=Traffic)
    caps: Caps = field(default_factory=Caps)
    concurrency: int = 1
    timed: bool = True
    budget: Budget = field(default_factory=Budget)
    rate_limiter: RateLimiter = field(init=False)
    tokens: TokenEstimate = field(init=False)
    learned_documents: int | None = None
    closed: CallError | None = None
    _failed_in_a_row: int = 0

    def __post_init__(self) -> None:
        self.rate_limiter = RateLimiter(self.traffic.requests_per_minute, self.traffic.tokens_per_minute)
        self.tokens = TokenEstimate(self.traffic)

    @classmethod
    def of(cls, tag: str, reranker: Reranker, settings: RerankerSettings, budget: Budget) -> RerankerSession:
        """Return the arm that settings describe."""
        traffic, caps = settings.traffic(), Caps.of(settings)
        return cls(tag, reranker, traffic, caps, settings.concurrency, settings.timed, budget)

    def note(self, failure: CallError | None) -> None:
        """Take note of how a batch ended, and close the arm where asking on is senseless."""
        if failure is None:
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row += failure.remedy.transient
        if failure.remedy.permanent or self._failed_in_a_row >= GIVE_UP_AFTER:
            self.closed = self.closed or CallError(
                failure.kind,
                f"not asked: {self.tag!r} was given up after: {failure.message}",
                failure.hint,
                http_status=failure.http_status,
            )
