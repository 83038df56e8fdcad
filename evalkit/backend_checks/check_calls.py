"""Send single requests for checks, outside of the quality and latency passes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.fixed_request import fixed_request
from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.reranking import Batch, CallContext, RerankerSession, RetryingCaller
from evalkit.reranking.list_limits import may_be_content
from evalkit.stats import Interval


class CheckCaller:
    """Sends the requests of a check.

    Parameters
    ----------
    session
        Session of the backend.
    dataset
        Name of the dataset, for the records of the calls.
    """

    def __init__(self, session: RerankerSession, dataset: str) -> None:
        self._session = session
        self._caller = RetryingCaller(session, splits=False)
        self._context = CallContext(dataset, session.tag, "check")
        self.lowest, self.highest = math.inf, -math.inf
        """Lowest and highest score of all calls so far; infinite without one."""
        self.first_failure: CallError | None = None
        """Of the first call without scores; None if every call had some."""

    def outcome(self, request: RerankRequest) -> RerankResponse | CallError:
        """Send one request, and return its response or its failure."""
        self._session.closed = None  # a check may provoke failures, and must continue after them
        (outcome,) = self._caller.deliver(Batch(request), self._context)
        if outcome.response is not None:
            scores = outcome.response.scores
            self.lowest = min(self.lowest, float(scores.min(initial=math.inf)))
            self.highest = max(self.highest, float(scores.max(initial=-math.inf)))
            return outcome.response
        failure = outcome.failure or CallError("backend", "no answer")
        self.first_failure = self.first_failure or failure
        return failure

    def must_score(self, request: RerankRequest) -> NDArray[np.float64]:
        """Send one request and return its scores.

        Raises
        ------
        CallError
            If the call failed.
        """
        outcome = self.outcome(request)
        if isinstance(outcome, CallError):
            raise outcome
        return outcome.scores

    def first_scored(
        self, requests: Sequence[RerankRequest]
    ) -> tuple[RerankRequest, RerankResponse, CallError | None]:
        """Send requests until one is scored; return it, its response, and why the first one was refused.

        The next one is sent only after a refusal that may be one of a text; the last one has short fixed texts.

        Raises
        ------
        CallError
            If none is scored.
        """
        refused: CallError | None = None
        for request in requests:
            outcome = self.outcome(request)
            if isinstance(outcome, RerankResponse):
                return request, outcome, refused
            refused = refused or outcome
            if not may_be_content(outcome):
                raise outcome
        request = fixed_request(2)
        outcome = self.outcome(request)
        if isinstance(outcome, CallError):
            raise outcome
        return request, outcome, refused

    def scores(self, request: RerankRequest) -> NDArray[np.float64] | None:
        """Send one request and return its scores; None if the call failed."""
        outcome = self.outcome(request)
        return outcome.scores if isinstance(outcome, RerankResponse) else None


Verdict = Literal["kept", "broken", "not met", "not testable"]
"""``not met``: a property that was measured is absent, and the backend does not promise it."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A promise or a property of a backend, whether it is kept, and the evidence.

    Attributes
    ----------
    promise
        What is checked, as a statement.
    verdict
        Whether it is true.
    evidence
        What was measured, in words.
    figures
        What was measured, by name, with 95 % intervals.
    bins
        Of probabilities: pairs, mean stated probability and share that is relevant, of each bin.
    """

    promise: str
    verdict: Verdict
    evidence: str
    figures: Mapping[str, Interval] = field(default_factory=dict)
    bins: tuple[tuple[int, float, float], ...] = ()


def kept(promise: str, evidence: str) -> CheckResult:
    """Return the result that a promise is kept."""
    return CheckResult(promise, "kept", evidence)


def broken(promise: str, evidence: str) -> CheckResult:
    """Return the result that a promise is broken."""
    return CheckResult(promise, "broken", evidence)


def not_testable(promise: str, why: str) -> CheckResult:
    """Return the result that a promise cannot be tested."""
    return CheckResult(promise, "not testable", why)
