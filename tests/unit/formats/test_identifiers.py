"""Identifiers of files, and those made of texts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from support.messages import said

from evalkit.formats import check_id, is_from_text, query_id_of


@pytest.mark.parametrize(("value", "expected"), [("007", "007"), (7, "7"), (7.0, "7"), (2**60, str(2**60))])
def test_an_identifier_is_text_without_white_space(value: Any, expected: str) -> None:
    """Whole numbers become text; leading zeros stay."""
    assert check_id(value, "a:1") == expected


@pytest.mark.parametrize("value", [1e15, 1.2345678901234568e16, "1E+15", "1.23457E+11", "1,23457E+11"])
def test_a_number_that_lost_digits_is_no_identifier(value: Any) -> None:
    """Spreadsheets keep 15 digits of a number, and show fewer."""
    problem = said(lambda: check_id(value, "a.csv:2"))
    assert problem.startswith("error: a.csv:2: the identifier ")
    assert "format the column as text" in problem


@pytest.mark.parametrize("value", [date(2024, 1, 5), datetime(2024, 1, 5)])  # noqa: DTZ001 - as in workbooks
def test_a_date_is_no_identifier(value: Any) -> None:
    """A spreadsheet made it of 5-1 or of 2024-01-05."""
    assert "the identifier is a date or a time, 2024-01-05" in said(lambda: check_id(value, "row 2"))


@pytest.mark.parametrize("value", ["", "a b", "a\u00a0b", None, True, 1.5, ["a"]])
def test_what_names_nothing_is_no_identifier(value: Any) -> None:
    """Files of TREC separate their columns by white space."""
    problem = said(lambda: check_id(value, "row 2"))
    assert "invalid identifier" in problem or "the identifier is missing" in problem


def test_a_query_of_one_word_is_its_own_id() -> None:
    """A run can contain it; other texts get an id of 16 digits."""
    assert query_id_of("button") == "button"
    assert query_id_of("star wars") == "q6efced6a7e04d113"
    assert query_id_of("star  wars") != query_id_of("star wars")
    assert query_id_of("").startswith("q")


def test_an_id_that_is_made_from_a_text_is_recognised() -> None:
    """A query of one word, and an id of another kind, are not taken for one."""
    assert is_from_text(query_id_of("star wars"))
    assert not any(map(is_from_text, ("trek", "q1", query_id_of("star wars")[:-1])))
