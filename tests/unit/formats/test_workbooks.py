"""Excel workbooks as tables."""

from __future__ import annotations

import re
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.messages import said

from evalkit.formats import read_rows

openpyxl = pytest.importorskip("openpyxl")


def workbook(path: Path, *rows: list[Any], title: str = "Judgments") -> Path:
    """Write a workbook with one sheet."""
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def values(path: Path, sheet: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a workbook."""
    return [row for _, row in read_rows(path, sheet)]


def changed(path: Path, part: str, old: str, new: str) -> Path:
    """Replace text in a part of a workbook by the first match of a pattern."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[part].decode()
    assert re.search(old, text)
    parts[part] = re.sub(old, lambda _: new, text, count=1).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def test_the_first_sheet_that_is_shown_is_read(tmp_path: Path) -> None:
    """A hidden sheet is read only by its name."""
    book = openpyxl.Workbook()
    book.active.title = "Lists"
    book.active.append(["id"])
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("Ratings")
    shown.append(["id"])
    shown.append(["shown"])
    book.save(tmp_path / "a.xlsx")
    assert values(tmp_path / "a.xlsx") == [{"id": "shown"}]
    assert values(tmp_path / "a.xlsx", "Lists") == [{"id": "hidden"}]


def test_a_sheet_is_a_table_like_its_csv(tmp_path: Path) -> None:
    """Numbers are text without a needless fraction; empty rows are left out, empty cells are None."""
    file = workbook(
        tmp_path / "a.xlsx",
        ["id", "text", "n", None],
        ["d1", "a\nb", 1.0],
        [],
        [7, " ", 0.5],
        ["d3", None, True],
        [None, " "],
        [],
    )
    place = f"{file}, sheet 'Judgments', row"
    assert list(read_rows(file)) == [
        (f"{place} 2", {"id": "d1", "text": "a\nb", "n": "1"}),
        (f"{place} 4", {"id": "7", "text": None, "n": "0.5"}),
        (f"{place} 5", {"id": "d3", "text": None, "n": "TRUE"}),
    ]


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    """The first one without a name."""
    book = openpyxl.Workbook()
    book.active.append(["id"])
    book.active.append(["first"])
    other = book.create_sheet("Other")
    other.append(["id"])
    other.append(["second"])
    book.save(tmp_path / "a.xlsx")
    assert values(tmp_path / "a.xlsx") == [{"id": "first"}]
    assert values(tmp_path / "a.xlsx", "Other") == [{"id": "second"}]
    assert "has no sheet 'other'\n  hint: use one of: Sheet, Other" in said(
        lambda: values(tmp_path / "a.xlsx", "other")
    )
    (tmp_path / "a.csv").write_text("id\n1\n", encoding="utf-8")
    assert "has no sheets\n  hint: remove 'sheet'" in said(lambda: values(tmp_path / "a.csv", "Other"))


def test_numbers_as_identifiers(tmp_path: Path) -> None:
    """Leading zeros of a format are kept; a number with 16 digits stays a number, which no identifier may be."""
    file = workbook(tmp_path / "a.xlsx", ["id"], [42], [42], [1234567890123456])
    book = openpyxl.load_workbook(file)
    book.active["A3"].number_format = "000000"
    book.save(file)
    assert [row["id"] for row in values(file)] == ["42", "000042", 1234567890123456.0]


def test_dates_are_dates(tmp_path: Path) -> None:
    """Their text depends on the country, so that nothing may read it as an identifier."""
    file = workbook(tmp_path / "a.xlsx", ["id"], [datetime(2024, 1, 5)])  # noqa: DTZ001 - workbooks know no zones
    assert values(file) == [{"id": datetime(2024, 1, 5)}]  # noqa: DTZ001


def test_stored_values_of_formulas_are_read(tmp_path: Path) -> None:
    """A formula without a stored value, and an error, are named with their place."""
    file = workbook(tmp_path / "a.xlsx", ["id", "n"], ["d1", "=1+1"], ["d2", 5], ["d3", "=2+2"])
    assert "sheet 'Judgments', row 2: the formula in column B has no stored value" in said(
        lambda: values(file)
    )
    changed(file, SHEET, r"<f>1\+1</f><v ?/>", "<f>1+1</f><v>2</v>")
    assert "row 4: the formula in column B" in said(lambda: values(file))
    changed(file, SHEET, r"<f>2\+2</f><v ?/>", "<f>2+2</f><v>4</v>")
    assert [row["n"] for row in values(file)] == ["2", "5", "4"]
    changed(file, SHEET, r'<c r="B3"[^>]*><v>5</v>', '<c r="B3" t="e"><v>#DIV/0!</v>')
    assert "row 3: the cell in column B has the error #DIV/0!" in said(lambda: values(file))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([["id", None], ["d1", "x"]], "row 2: the cell in column B has no heading"),
        ([["My table"], ["id", "text"]], "row 2: the cell in column B has no heading"),
        ([["id", "id "], ["d1", "x"]], "row 1 has two columns with the same name"),
        ([[], []], "sheet 'Judgments' is empty"),
    ],
)
def test_a_table_without_clear_headings_is_refused(
    tmp_path: Path, rows: list[list[Any]], problem: str
) -> None:
    """Nothing is guessed about columns."""
    file = workbook(tmp_path / "a.xlsx", *rows)
    assert problem in said(lambda: values(file))


def test_an_empty_text_of_a_formula_is_an_empty_cell(tmp_path: Path) -> None:
    """As of =IF(A2="", "", 1)."""
    file = workbook(tmp_path / "a.xlsx", ["id", "n"], ["d1", "=1+1"])
    changed(file, SHEET, r'<c r="B2"[^>]*><f>1\+1</f><v ?/>', '<c r="B2" t="str"><f>1+1</f><v></v>')
    assert values(file) == [{"id": "d1", "n": None}]


def test_texts_that_cells_share_are_read(tmp_path: Path) -> None:
    """Excel keeps every text once, in a part of its own."""
    file = workbook(tmp_path / "a.xlsx", ["id"], ["d1"])
    changed(file, SHEET, '<c r="A2" t="inlineStr"><is><t>d1</t></is></c>', '<c r="A2" t="s"><v>0</v></c>')
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    changed(file, "[Content_Types].xml", "</Types>", part)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}"><si><t>a_x000D_b</t></si></sst>')
    assert values(file) == [{"id": "a\rb"}]
    changed(file, SHEET, "<v>0</v>", "<v>7</v>")
    assert "is an Excel workbook that cannot be read" in said(lambda: values(file))


def test_merged_cells_are_refused(tmp_path: Path) -> None:
    """All but the first of them are empty in the file: a query would be missing from its rows."""
    file = workbook(tmp_path / "a.xlsx", ["query", "doc"], ["q", "d1"], [None, "d2"])
    book = openpyxl.load_workbook(file)
    book.active.merge_cells("A2:A3")
    book.save(file)
    assert "sheet 'Judgments': the cells A2:A3 are merged\n  hint: unmerge them" in said(lambda: values(file))


def test_escapes_are_characters(tmp_path: Path) -> None:
    """Excel writes carriage returns as _x000D_."""
    file = workbook(tmp_path / "a.xlsx", ["text"], ["a_x000D_b_x005F_x000D_ _xD800_"])
    assert values(file) == [{"text": "a\rb_x000D_ _xD800_"}]


def test_a_row_number_without_end_is_refused(tmp_path: Path) -> None:
    """The rows before it would be made up one after the other."""
    file = workbook(tmp_path / "a.xlsx", ["id"], ["d1"])
    changed(file, SHEET, '<row r="2"', '<row r="999999999"')
    changed(file, SHEET, 'r="A2"', 'r="A999999999"')
    assert "row 1048577: the sheet is too large" in said(lambda: values(file))


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", SHEET])
def test_a_workbook_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """It is refused by the sizes that it states, before anything is unpacked."""
    file = workbook(tmp_path / "a.xlsx", ["id"], ["d1"])
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part.replace("1", "2").replace(".xml", "-2.xml"), bytes(2**21))
    monkeypatch.setattr("evalkit.formats.workbooks._MOST_HELD_BYTES", 2**20)
    monkeypatch.setattr("evalkit.formats.workbooks._MOST_SHEET_BYTES", 2**20)
    assert "is too large when unpacked" in said(lambda: values(file))


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "[Content_Types].xml"])
def test_a_damaged_workbook_is_named(tmp_path: Path, part: str) -> None:
    """Whatever part is damaged."""
    file = workbook(tmp_path / "a.xlsx", ["id"], ["d1"])
    changed(file, part, "</", "<")
    assert "is an Excel workbook that cannot be read" in said(lambda: values(file))


def test_entities_that_expand_without_end_are_refused(tmp_path: Path) -> None:
    """The parser of XML stops them."""
    file = workbook(tmp_path / "a.xlsx", ["id"], ["d1"])
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read(SHEET).decode()
    body = sheet[sheet.index("<worksheet") :].replace(">d1<", ">&e11;<")
    with (
        zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr(SHEET, f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>{body}')
    assert "is an Excel workbook that cannot be read" in said(lambda: values(file))


def test_without_the_extra_the_command_to_install_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    file = workbook(tmp_path / "a.xlsx", ["id"], ["d1"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install 'rerank-evalkit[xlsx]'" in said(lambda: values(file))
