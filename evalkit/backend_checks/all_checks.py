"""All checks of one backend."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.backend_checks.check_calls import CheckResult
from evalkit.backend_checks.fixed_request import fixed_request
from evalkit.backend_checks.pointwise import CALLS
from evalkit.backend_checks.score_checks import most_odd_requests, probe_scores
from evalkit.backend_checks.score_dependence import ExchangedQueries
from evalkit.backend_checks.wire_checks import most_wire_requests, probe_wire
from evalkit.config import RerankerSettings
from evalkit.records import RerankRequest
from evalkit.rerankers.http import Http
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.reranking import RerankerSession


def probe(
    session: RerankerSession, dataset: str, requests: list[RerankRequest], exchanged: ExchangedQueries
) -> Iterator[CheckResult]:
    """Yield the result of every check, as soon as its calls are made.

    Parameters
    ----------
    session
        Session of the backend.
    dataset
        Name of the dataset that the requests come from.
    requests
        At least one request; each has at least two documents.
    exchanged
        Requests of a few queries for the same documents.

    Raises
    ------
    CallError
        If no ordinary call succeeds.
    """
    scored = yield from probe_scores(session, dataset, requests, exchanged)
    if isinstance(session.reranker, Http):
        yield from probe_wire(session, session.reranker, scored)


def most_requests(
    settings: RerankerSettings, requests: list[RerankRequest], exchanged: ExchangedQueries
) -> Iterator[RerankRequest]:
    """Yield the requests that `probe` sends at most, without retries; each is one call.

    Parameters
    ----------
    settings
        Settings of the backend.
    requests, exchanged
        As for `probe`.
    """
    yield from (*requests, fixed_request(2))
    yield from (request for request in requests for _ in range(CALLS))
    yield from exchanged.requests
    yield from most_odd_requests(max(requests, key=lambda one: sum(map(len, one.documents))))
    if isinstance(settings, HttpSettings):
        yield from most_wire_requests(requests[0], settings)
