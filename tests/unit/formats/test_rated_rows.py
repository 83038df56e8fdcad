"""Names of queries in judgments, joined with a table of queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import query_id_of, read_judgments

ASKED = {"1": "star wars", "2": "button", "3": "button ", "4": "2001"}


def read(folder: Path, header: str, *queries: str, asked: Mapping[str, str] = ASKED) -> set[str]:
    """Return the ids of the judged queries of a table."""
    file = folder / "x.csv"
    rows = "".join(f"{query},d,1\n" for query in queries)
    file.write_text(f"{header},docid,rating\n{rows}", encoding="utf-8")
    return set(read_judgments(file, asked).qrels.grades)


def test_texts_lead_to_the_ids_of_the_queries(tmp_path: Path) -> None:
    """A text that no query has keeps an id of its own."""
    assert read(tmp_path, "query", "star wars", "star trek") == {"1", query_id_of("star trek")}
    assert read(tmp_path, "query_text", "2001") == {"4"}


def test_ids_lead_to_themselves(tmp_path: Path) -> None:
    """Also those of queries that are missing; a column of ids is never matched by text."""
    assert read(tmp_path, "query", "1", "2", "9") == {"1", "2", "9"}
    assert read(tmp_path, "query_id", "1", "button") == {"1", "button"}


def test_ids_and_texts_in_one_column_are_refused(tmp_path: Path) -> None:
    """They may mean either."""
    assert "may name its queries by their ids or by their texts" in said(
        lambda: read(tmp_path, "query", "2", "star wars")
    )


def test_a_text_of_two_queries_is_refused(tmp_path: Path) -> None:
    """If it is judged."""
    assert "'button' is the text of the queries '2', '3'" in said(
        lambda: read(tmp_path, "query_text", "button")
    )


@pytest.mark.parametrize("rating", ["", " ", "--"])
def test_what_is_not_rated_is_unjudged(tmp_path: Path, rating: str) -> None:
    """It is not 0."""
    file = tmp_path / "x.csv"
    file.write_text(f"query,docid,rating\na b,d1,{rating}\na b,d2,0\n", encoding="utf-8")
    assert read_judgments(file).qrels.grades == {query_id_of("a b"): {"d2": 0}}
