"""Everything that is asked of one backend."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.backend_checks.check_result import Finding
from evalkit.backend_checks.score_checks import probe_scores
from evalkit.backend_checks.wire_checks import probe_wire
from evalkit.records import RerankRequest
from evalkit.rerankers.http import Http
from evalkit.reranking import Arm


def probe(arm: Arm, dataset: str, requests: list[RerankRequest]) -> Iterator[Finding]:
    """Yield finding after finding, as the calls are made.

    Parameters
    ----------
    arm
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
    yield from probe_scores(arm, dataset, requests)
    if isinstance(arm.reranker, Http):
        yield from probe_wire(arm, arm.reranker, requests[0])
