"""Google's ranking API leaves out a score of 0."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dialects import WireRequest
from evalkit.dialects.vertex_rank import VertexRank
from evalkit.errors import CallError


def read(records: Any, documents: int = 3) -> list[float]:
    """Return the scores in a reply."""
    request = WireRequest("m", "q", ("d",) * documents)
    return VertexRank().decode_response({"records": records}, {}, request).scores.tolist()


def test_a_record_without_a_score_has_the_score_0() -> None:
    """One, or all of them; the order of the list stays."""
    assert read([{"id": "2", "score": 0.4}, {"id": "0", "score": 0.1}, {"id": "1"}]) == [0.1, 0.0, 0.4]
    assert read([{"id": "0"}, {"id": "1"}, {"id": "2"}]) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "records",
    [
        [{"id": "0"}, {"id": "1"}],
        [{"id": "0"}, {"id": "1"}, {"score": 0.3}],
        [{"id": "0"}, {"id": "1"}, {}],
        [{"id": "0"}, {"id": "1"}, None],
        [{"id": "0"}, {"id": "1"}, {"id": "2", "score": None}],
        [{"id": "0"}, {"id": "1"}, {"id": "2", "score": "high"}],
        None,
    ],
    ids=str,
)
def test_nothing_else_that_is_missing_is_a_score(records: Any) -> None:
    """A record without an id, a missing record, or something else than a number."""
    with pytest.raises(CallError):
        read(records)
