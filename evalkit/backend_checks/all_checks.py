"""Everything that is asked of one backend."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.backend_checks.check_result import CheckResult
from evalkit.backend_checks.score_checks import probe_scores
from evalkit.backend_checks.wire_checks import probe_wire
from evalkit.records import RerankRequest
from evalkit.rerankers.http import Http
from evalkit.reranking import RerankerSession


def probe(session: RerankerSession, dataset: str, requests: list[RerankRequest]) -> Iterator[CheckResult]:
    """Yield finding after finding, as the calls are made.

    Parameters
    ----------
    session
        Whom to probe.
    dataset
        Where the requests come from.
    requests
        One or more, each with two documents or more.

    Raises
    ------
    CallError
        If not even a plain call succeeds.
    """
    yield from probe_scores(session, dataset, requests)
    if isinstance(session.reranker, Http):
        yield from probe_wire(session, session.reranker, requests[0])
