"""Comments and columns of TREC files."""

from __future__ import annotations

import pytest

from evalkit.errors import DataFormatError
from evalkit.formats.trec_lines import (
    check_ids,
    check_line_end,
    columns_of,
    is_comment,
    tab_columns,
    wrong_width,
)


def test_comments_begin_with_a_number_sign() -> None:
    """After blanks, too; in a table only without a tab, as an id may begin so."""
    assert all(is_comment(line, table=False) for line in ("# a", " \t#a", "#a\tb"))
    assert not is_comment("a # b", table=False)
    assert is_comment("# a", table=True)
    assert not is_comment("#a\tb", table=True)


def test_columns_are_separated_by_the_blanks_of_ascii() -> None:
    """A blank of another script belongs to the column, as in trec_eval."""
    assert columns_of(" a \t b\t\tc \t") == ["a", "b", "c"]
    assert columns_of("a\u00a0b\tc \u3000 ä") == ["a\u00a0b", "c", "\u3000", "ä"]
    assert tab_columns("a \t\tb c\t\t ") == ["a", "", "b c"]
    assert columns_of("a\x1cb\x1f c") == ["a\x1cb\x1f", "c"]
    assert len(columns_of("x " * 1000)) == len(columns_of("ä " * 1000)) == 21


def test_ids_have_no_blank_of_any_script() -> None:
    """They would be other ids in files that are written."""
    check_ids("q", "ä", "f:1")
    for query_id, doc_id in (("q", ""), ("q", "a b"), ("q\u00a0", "d"), ("q", "d\x1f")):
        with pytest.raises(DataFormatError, match="f:1 has an empty id or an id with white space"):
            check_ids(query_id, doc_id, "f:1")


@pytest.mark.parametrize(("character", "name"), [("\ufeff", "byte order mark"), ("\0", "zero byte")])
def test_ids_have_no_character_that_is_not_seen(character: str, name: str) -> None:
    """As in files that were joined: the id would look the same as another."""
    for query_id, doc_id in ((f"{character}q", "d"), ("q", f"d{character}1")):
        with pytest.raises(DataFormatError, match=f"f:1 has an id with a {name}"):
            check_ids(query_id, doc_id, "f:1")


def test_a_carriage_return_is_at_the_end_of_a_line_only() -> None:
    """A file whose lines end with it alone would be one line, whose first row hides the others."""
    check_line_end("a b", "f:1")
    with pytest.raises(DataFormatError, match="f:1 has a carriage return"):
        check_line_end("a b\rc d", "f:1")


def test_counts_of_columns_have_a_limit() -> None:
    """A line of any length has a short message."""
    assert wrong_width(["a"], "f:1", "x").message == "f:1 has 1 column"
    assert wrong_width(columns_of("x " * 1000), "f:1", "x").message == "f:1 has more than 20 columns"
