"""A request in the queue is divided into requests of one query each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.records import RerankResponse
from evalkit.server.jobs import Job


@given(queries=st.lists(st.sampled_from("pq"), min_size=1, max_size=12), data=st.data())
def test_every_document_is_scored_for_its_query(queries: list[str], data: st.DataObject) -> None:
    """However a request is cut, each document comes once, with its own query, and its score returns to its place."""
    documents = tuple(map(str, range(len(queries))))
    job = Job("c", queries[0], documents, True, lambda: None, tuple(queries))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(queries)), max_size=3)) | {0, len(queries)})
    for start, stop in pairwise(cuts):
        for first, request in job.parts(start, stop):
            assert all(queries[int(one)] == request.query for one in request.documents)
            job.accept(first, RerankResponse(np.array([float(one) for one in request.documents])))
    assert job.ended
    assert job.scores.tolist() == list(range(len(queries)))


def test_one_query_is_one_request() -> None:
    """A request with one query is not divided further."""
    job = Job("c", "q", ("a", "b", "c"), True, lambda: None)
    ((start, request),) = job.parts(1, 3)
    assert (start, request.query, request.documents) == (1, "q", ("b", "c"))
