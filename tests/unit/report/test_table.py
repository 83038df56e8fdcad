"""Tables of a terminal: every cell is shown, columns line up, and nothing is wider than the terminal."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.table import (
    Table,
    as_markdown,
    as_text,
    columns_of,
    markdown_code,
    markdown_prose,
)

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=12).map(" ".join)
NUMBERS = st.integers(0, 10**9).map(str)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw a table of text columns, then number columns."""
    left, right, rows = draw(st.integers(1, 4)), draw(st.integers(0, 6)), draw(st.integers(0, 5))
    columns = draw(st.lists(WORDS, min_size=left + right, max_size=left + right))
    cells = tuple(
        (*(draw(WORDS) for _ in range(left)), *(draw(NUMBERS) for _ in range(right))) for _ in range(rows)
    )
    return Table("t", tuple(columns), cells, left=left)


@given(table=tables(), width=st.integers(40, 120))
def test_no_line_is_wider_than_the_terminal_unless_two_columns_are(table: Table, width: int) -> None:
    """A part has at least the key column and one more; where these fit, every line fits."""
    lines = as_text(table, width).splitlines()
    names = max((len(word) for name in table.columns for word in name.split()), default=0)
    cells = max((len(cell) for row in table.rows for cell in row), default=0)
    most = 2 * max(names, cells, 12) + 2
    assert max(map(len, lines)) <= max(width, most)


@given(table=tables(), width=st.integers(40, 120))
def test_every_word_of_every_cell_is_shown(table: Table, width: int) -> None:
    """Wrapping and parts lose nothing, and break no word that a column has room for."""
    shown = "".join(as_text(table, width).split())
    for row in table.rows:
        for cell in row:
            for word in cell.split():
                assert word in shown
    for name in table.columns:
        assert all(word in shown for word in name.split())


def test_a_wide_table_repeats_its_key_columns() -> None:
    """A reader of the second part still knows which row is which."""
    table = Table("t", ("system", "size", *"abcd"), (("x", "1", *["0" * 9] * 4),), keys=2)
    parts = as_text(table, 40, heading=False).split("\n\n")
    assert [part.split("\n")[0].split()[:2] for part in parts] == [["system", "size"]] * 2


def test_characters_of_two_columns_line_up() -> None:
    """Chinese takes two columns for each character, a combining accent none."""
    assert (columns_of("模型"), columns_of("e\u0301"), columns_of("abc")) == (4, 1, 3)
    rows = (("模型", "1"), ("ab", "2"), ("e\u0301", "3"))
    lines = as_text(Table("t", ("name", "n"), rows), heading=False).splitlines()
    assert {columns_of(line) for line in lines[1:5]} == {columns_of(lines[0])}


def test_a_column_without_any_value_is_left_out() -> None:
    """The key columns stay; text columns are counted anew."""
    table = Table("t", ("system", "note", "p95", "n"), (("x", "-", "-", "1"), ("y", "-", "2", "3")), left=2)
    assert table.without_empty_columns() == Table(
        "t", ("system", "p95", "n"), (("x", "-", "1"), ("y", "2", "3"))
    )


def test_a_long_table_is_cut_and_says_so() -> None:
    """The note counts the rows that are left out; a short table stays as it is."""
    table = Table("t", ("n",), tuple((str(n),) for n in range(5)), note="N.")
    assert table.cut(5) is table
    assert table.cut(3).rows == (("0",), ("1",), ("2",))
    assert table.cut(3).note == "N. 2 more rows are in the report and its files."


HOSTILE = "a|b`c``d\n::error::x\x1b[2J\u202e<script>![p](http://e)[q]: x"


def test_no_cell_breaks_a_table_of_markdown() -> None:
    """Bars, code, HTML, links, line breaks and control characters in a cell are text."""
    table = Table(HOSTILE, (HOSTILE, "n"), ((HOSTILE, "1"),), HOSTILE)
    lines = as_markdown(table).split("\n")
    assert len(lines) == 3
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)
    for text in (*lines, markdown_prose(HOSTILE), markdown_code(HOSTILE), *as_text(table).split("\n")):
        assert text.isprintable() or not text
    assert markdown_code(HOSTILE).startswith("``` ")
    for text in (*lines, markdown_prose(HOSTILE)):
        assert not re.search(r"(?<!\\)(\]\(|<script>)", text)


def test_a_command_of_our_own_stays_as_it_is() -> None:
    """Code without backticks has a fence of one."""
    assert markdown_code("evalkit run c.yaml") == "`evalkit run c.yaml`"
    assert markdown_prose("Two  spaces, a * and\na line.") == "Two  spaces, a * and a line."
