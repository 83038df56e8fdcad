"""Judgments in the formats of other tools."""

from __future__ import annotations

import orjson
import pytest

from evalkit.errors import InputError
from evalkit.formats.exported_judgments import plain_csv, rank_eval_request, rows_of
from evalkit.formats.written_judgments import trec_qrels, whole_trec_grade


@pytest.mark.parametrize(
    ("grade", "whole"), [(0.49, 0), (0.5, 1), (1.5, 2), (2.5, 3), (3, 3), (-0.5, 0), (-1, -1)]
)
def test_a_half_is_rounded_up(grade: float, whole: int) -> None:
    """Always up, and not to the even number."""
    assert whole_trec_grade(grade) == whole


@pytest.mark.parametrize("grades", [{"a b": {"d": 1}}, {"q": {"d\te": 1}}, {"": {"d": 1}}, {"#q": {"d": 1}}])
def test_ids_that_qrels_cannot_contain_are_refused(grades: dict[str, dict[str, float]]) -> None:
    """A blank would make another column of an id, and # a comment of its line."""
    with pytest.raises(InputError, match="TREC qrels cannot contain the id"):
        trec_qrels(rows_of(grades))
    assert plain_csv(grades).startswith(b"query_id,doc_id,grade\n")


def test_rank_eval_has_ratings_by_request() -> None:
    """One request for each query, with the text as a parameter where it is known; ratings are at least 0."""
    found = orjson.loads(rank_eval_request({"q": {"d": 1.5, "e": -1}, "r": {"d": 0}}, {"q": "text"}, "docs"))
    assert found == {
        "requests": [
            {
                "id": "q",
                "params": {"query_string": "text"},
                "ratings": [
                    {"_index": "docs", "_id": "d", "rating": 2},
                    {"_index": "docs", "_id": "e", "rating": 0},
                ],
            },
            {"id": "r", "ratings": [{"_index": "docs", "_id": "d", "rating": 0}]},
        ]
    }
