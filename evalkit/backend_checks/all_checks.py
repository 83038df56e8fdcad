"""All checks of one backend."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.backend_checks.check_calls import CheckResult
from evalkit.backend_checks.score_checks import probe_scores
from evalkit.backend_checks.score_dependence import ExchangedQueries
from evalkit.backend_checks.wire_checks import probe_wire
from evalkit.records import RerankRequest
from evalkit.rerankers.http import Http
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
