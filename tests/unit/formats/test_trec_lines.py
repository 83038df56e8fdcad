"""Comments and columns of TREC files."""

from __future__ import annotations

import pytest

from evalkit.errors import DataFormatError
from evalkit.formats.trec_lines import (
    check_ids,
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
    assert len(columns_of("x " * 1000)) == len(columns_of("ä " * 1000)) == 21


def test_ids_have_no_blank_of_any_script() -> None:
    """They would be other ids in files that are written."""
    check_ids("q", "ä", "f:1")
    for query_id, doc_id in (("q", ""), ("q", "a b"), ("q\u00a0", "d")):
        with pytest.raises(DataFormatError, match="f:1 has an empty id or an id with white space"):
            check_ids(query_id, doc_id, "f:1")


def test_counts_of_columns_have_a_limit() -> None:
    """A line of any length has a short message."""
    assert wrong_width(["a"], "f:1", "x").message == "f:1 has 1 column"
    assert wrong_width(columns_of("x " * 1000), "f:1", "x").message == "f:1 has more than 20 columns"
