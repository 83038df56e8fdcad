"""CSV that no spreadsheet runs: formulas are text, numbers are numbers."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.formats.csv_text import csv_text

FORMULAS = [
    "=1+1", "+1+1", "-1-1", "@SUM(0)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\x00=1",
    "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM", "\ufe661", '=HYPERLINK("http://x","y")', "-", "+", "-1;=2", "\tx",
    "-cmd|' /C calc'!A0",
]  # fmt: skip
NUMBERS: list[Any] = [-1, 1, -0.12, 1e-300, np.float64(-0.5), np.int64(-3), True, float("-inf")]
NUMERALS = ["-0.12", "+3", "-1e-5", "-.5", "3", "-5%", "1.", "0"]


def read(text: str) -> list[list[str]]:
    """Return the cells of CSV."""
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_and_a_heading_that_begin_a_formula_are_text(text: str) -> None:
    """Also in full width, and behind blanks or characters that nobody sees."""
    (heading, first), (cell, other) = read(csv_text([text, "n"], [{text: text, "n": 1}]))
    assert heading == cell == f"'{text}"
    assert (first, other) == ("n", "1")


@pytest.mark.parametrize("number", [*NUMBERS, *NUMERALS])
def test_a_number_stays_a_number(number: Any) -> None:
    """As a value and as text, with its sign."""
    assert read(csv_text(["n"], [{"n": number}]))[1] == [str(number)]


def test_a_missing_value_is_an_empty_cell() -> None:
    """And so is None; rows without a row are a header alone."""
    assert csv_text(["a", "b"], [{"b": None}, {"a": "x"}]) == "a,b\n,\nx,\n"
    assert csv_text(["a"], []) == "a\n"


@given(cells=st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2))
def test_text_is_kept_but_for_the_sign_before_it(cells: list[str]) -> None:
    """A cell that begins as a formula does is a number."""
    _, held = read(csv_text(["a", "b"], [dict(zip("ab", cells, strict=True))]))
    for text, cell in zip(cells, held, strict=True):
        assert cell in {text, f"'{text}"}
        first = unicodedata.normalize("NFKC", cell[:1])
        assert (
            first not in {"=", "+", "-", "@", "\t", "\n", "\r"}
            or float(text.rstrip("%")) <= 0
            or text[0] == "+"
        )
