"""Write judgments for people and for other tools: as an Excel workbook with texts, as Quepid's CSV, as TREC qrels."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from evalkit.errors import InputError, MissingExtraError
from evalkit.formats.csv_text import could_run
from evalkit.formats.workbooks import MOST_ROWS
from evalkit.records import grade_text, plain_grade

WORKBOOK_COLUMNS = ("query_id", "query", "doc_id", "document", "grade")
CSV_COLUMNS = ("query", "docid", "rating")
_MOST_CHARACTERS = 32_767
"""Characters of a cell, as Excel limits them."""
_TO_ESCAPE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot contain or changes, and what would be read as an escape."""


@dataclass(frozen=True, slots=True)
class WrittenJudgment:
    """A judgment with its texts.

    Attributes
    ----------
    query_id, doc_id
        Ids.
    query, document
        Texts; the document's is empty if it is not known.
    grade
        The grade, which may be fractional: both formats hold decimals.
    instruction
        The instruction of the query; empty without one.
    """

    query_id: str
    query: str
    doc_id: str
    document: str
    grade: float
    instruction: str = ""


def judgments_csv(judgments: Iterable[WrittenJudgment]) -> bytes:
    """Return judgments as the CSV that Quepid imports and exports: ``query,docid,rating``, with the texts of queries.

    A text that a spreadsheet would take for a formula gets a leading blank, as Quepid writes it; Quepid removes blanks
    at both ends of a text when it reads the file. Source: ratings_controller.rb and ratings_importer.rb of Quepid 8.6.

    Raises
    ------
    InputError
        If a query has no text or that of another one, or a text cannot be encoded.
    """
    ids: dict[str, str] = {}
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for judgment in judgments:
        text = _encodable(judgment.query, judgment.query_id).strip()
        if not text or ids.setdefault(text, judgment.query_id) != judgment.query_id:
            raise InputError(
                f"query {judgment.query_id!r} has no text, or the text of query {ids.get(text)!r}; a CSV of Quepid"
                " names queries by their texts",
                "write a file that ends in .xlsx, which has the ids",
            )
        doc_id = _encodable(judgment.doc_id, judgment.doc_id)
        writer.writerow([_not_a_formula(text), _not_a_formula(doc_id), grade_text(judgment.grade)])
    return file.getvalue().encode()


def whole_trec_grade(grade: float) -> int:
    """Return the whole grade that stands for a fractional one in TREC qrels: the nearest, and the upper of two.

    trec_eval reads whole grades only, and reads ``1.75`` as 1. So 1.75 and 1.5 become 2, 1.25 becomes 1, and -0.5
    becomes 0. Files with decimals (CSV, Excel, JSON) keep the grade.
    """
    below = math.floor(grade)
    return below + (grade - below >= 0.5)


def trec_qrels(judgments: Iterable[tuple[str, str, float]]) -> bytes:
    """Return queries, documents and grades as TREC qrels, ``query_id 0 doc_id grade``; see `whole_trec_grade`.

    Raises
    ------
    InputError
        If an id contains white space, which separates the columns, or cannot be encoded.
    """
    lines = []
    for query_id, doc_id, grade in judgments:
        for name in (query_id, doc_id):
            if len(name.split()) != 1 or name != name.strip() or query_id.startswith("#"):
                raise InputError(
                    f"TREC qrels cannot contain the id {name!r}: blanks separate their columns, and # begins a comment",
                    "write a .csv file",
                )
        ids = (_encodable(name, name) for name in (query_id, doc_id))
        lines.append(f"{' 0 '.join(ids)} {whole_trec_grade(grade)}\n")
    return "".join(lines).encode()


def judgments_trec(judgments: Iterable[WrittenJudgment]) -> bytes:
    """Return judgments as TREC qrels; see `trec_qrels`."""
    return trec_qrels((one.query_id, one.doc_id, one.grade) for one in judgments)


def _not_a_formula(text: str) -> str:
    return f" {text}" if could_run(text) else text


def judgments_workbook(judgments: Iterable[WrittenJudgment]) -> bytes:
    """Return judgments as an Excel workbook with ids and texts; every text is a text, never a formula.

    There is a column of instructions if a query has one.

    Raises
    ------
    InputError
        If a text is longer than a cell, or cannot be encoded, or there are more judgments than rows.
    MissingExtraError
        If openpyxl is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise MissingExtraError("writing an Excel workbook", "xlsx") from None
    judgments = list(judgments)
    instructed = any(judgment.instruction for judgment in judgments)
    rows = [_cell_texts(judgment, instructed=instructed) for judgment in judgments]
    if len(rows) >= MOST_ROWS:
        raise InputError(
            f"there are more judgments than the {MOST_ROWS} rows of a sheet", "write a .csv file"
        )
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("Judgments")
    sheet.freeze_panes = "A2"
    sheet.append([*WORKBOOK_COLUMNS[:-1], *(["instruction"] if instructed else []), WORKBOOK_COLUMNS[-1]])
    for texts, grade in rows:
        sheet.append([*(_text_cell(sheet, text) for text in texts), grade])
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def _cell_texts(judgment: WrittenJudgment, *, instructed: bool) -> tuple[list[str], float]:
    """Return the texts of a row as a workbook has them, and the grade; source: ECMA-376, 22.9.2.19 ST_Xstring."""
    texts = [judgment.query_id, judgment.query, judgment.doc_id, judgment.document]
    texts += [judgment.instruction] if instructed else []
    escaped = [_TO_ESCAPE.sub(_escape, _encodable(text, judgment.doc_id)) for text in texts]
    if max(map(len, escaped)) > _MOST_CHARACTERS:
        raise InputError(
            f"a text of query {judgment.query_id!r}, document {judgment.doc_id!r} has"
            f" {max(map(len, texts))} characters; a cell of Excel has at most {_MOST_CHARACTERS}",
            "write a .csv file, which has no texts of documents",
        )
    return escaped, plain_grade(judgment.grade)


def _escape(found: re.Match[str]) -> str:
    return f"_x{ord(found[0]):04X}_"


def _text_cell(sheet: Any, text: str) -> Any:
    """Return a cell that is text, and stays text when it is edited."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.number_format = "@"
    return cell


def _encodable(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{name!r} contains a lone surrogate, which UTF-8 cannot encode", "fix the text in the source"
        ) from None
    return text
