"""Read and write relevance judgments: TREC qrels, by subtopic or not, and BEIR's TSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import DataFormatError
from evalkit.formats.ordinary_rows import parsed_blocks
from evalkit.formats.plain_numbers import grade_of
from evalkit.formats.qrels_layouts import QrelsLayout, qrels_layout
from evalkit.formats.qrels_rows import QrelsRows, ordinary_judgments
from evalkit.formats.text_files import Block, File, read_blocks, write_gzip
from evalkit.formats.trec_lines import check_ids, check_line_end, cut_off, is_comment
from evalkit.records import JudgedBy, RatersOfPairs, grade_text, judged_by
from evalkit.records.qrels import HIGHEST_GRADE, Qrels, check_grade

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class QrelsFile:
    """Judgments as they were read.

    Attributes
    ----------
    qrels
        The judgments.
    commented
        Numbers of the lines that are comments though they have the columns of a judgment.
    failures
        Pairs that a rater failed to grade, in a file of judgments by raters; they are unjudged.
    raters
        Who gave the grades, in a file of judgments by raters. Files without raters are taken as judgments of people.
    by_text
        See `evalkit.formats.rated_rows.NamedJudgments`.
    """

    qrels: Qrels
    commented: tuple[int, ...]
    failures: int = 0
    raters: RatersOfPairs = field(default_factory=dict)
    by_text: bool = False

    @property
    def judged_by(self) -> JudgedBy:
        """Whose grades they are."""
        return judged_by(rater for docs in self.raters.values() for rater in docs.values())


def read_qrels(path: File, highest_grade: int = HIGHEST_GRADE, *, comments: bool = True) -> Qrels:
    """Read judgments; see `read_qrels_file`."""
    return read_qrels_file(path, highest_grade, comments=comments).qrels


def read_qrels_file(path: File, highest_grade: int = HIGHEST_GRADE, *, comments: bool = True) -> QrelsFile:
    """Read judgments, as trec_eval 10 reads them, in these layouts, with or without a header.

    - ``query_id iteration doc_id grade``, separated by white space
    - ``query_id subtopic doc_id grade``: judgments by subtopic. They are recognised by the header ``subtopic``, or
      by a query with several values in this column, unless the values are rounds such as ``0.5``
    - ``query_id doc_id grade``; BEIR's header is ``query-id corpus-id score``
    - ``query_id doc_id`` with a header: every pair is relevant, with grade 1

    Lines that begin with ``#`` are comments. In a file of three columns, or with a header, whose columns are separated
    by tabs, ids may begin with ``#``, and only such a line without a tab is a comment.

    Parameters
    ----------
    path
        The file.
    highest_grade
        Largest absolute value of a grade.
    comments
        Whether lines can be comments; False for a file that evalkit wrote.

    Raises
    ------
    DataFormatError
        If a row has the wrong number of columns, an id contains white space, a grade is no number in ASCII digits, such
        as 2 or 1.75, or beyond `highest_grade`, a pair has two different grades (for one subtopic), or the file is cut
        off or has no judgments. The message names the file and, for a row, the line.
    """
    try:
        layout, rows = _read(path, highest_grade, comments=comments)
        by_subtopic = layout is not None and layout.by_subtopic
        qrels = rows.as_qrels(highest_grade, by_subtopic=by_subtopic)
    except DataFormatError as error:
        raise DataFormatError(_with_path(path, error.message), error.hint) from None
    if not qrels.grades:
        raise DataFormatError(f"{path} contains no judgments")
    return QrelsFile(qrels, tuple(rows.commented))


def _read(path: File, highest_grade: int, *, comments: bool) -> tuple[QrelsLayout | None, QrelsRows]:
    """Return the layout of a file, None if it has no rows, and its rows.

    Raises
    ------
    DataFormatError
        See `read_qrels`.
    """
    layout: QrelsLayout | None = None
    rows = QrelsRows()

    def parse(block: Block) -> pa.Table | None:
        return None if layout is None else ordinary_judgments(block, layout, highest_grade)

    for block, table in parsed_blocks(read_blocks(path), parse):
        if table is not None:
            rows.add_table(table)
            continue
        for number, line, ended in block.ended_lines():
            where = f"{path}:{number}"
            check_line_end(line, where)
            if layout is None:
                layout = qrels_layout(line, where, comments=comments)
                if layout is not None and layout.header:
                    continue
            if layout is not None and not (comments and is_comment(line, table=layout.table)):
                _add_row(rows, layout, line, where, highest_grade, ended=ended)
            elif _is_like_a_row(line, layout or QrelsLayout(4)):
                rows.commented.append(number)
    return layout, rows


def _add_row(
    rows: QrelsRows, layout: QrelsLayout, line: str, where: str, highest_grade: int, *, ended: bool
) -> None:
    """Add the judgment of a line that is no comment.

    Raises
    ------
    DataFormatError
        See `read_qrels`.
    """
    columns = layout.split(line)
    if rows and not ended and _is_cut(columns, layout.width, rows):
        error = cut_off(where)
        if len(columns) == layout.width:
            error = DataFormatError(
                error.message, f"{error.hint}; if the last grade is {columns[-1]}, end its line"
            )
        raise error
    if len(columns) != layout.width:
        raise layout.wrong_width(columns, where)
    rows.add_row(*_row(columns, where, highest_grade))


def _is_cut(columns: Sequence[str], width: int, rows: QrelsRows) -> bool:
    """Return whether a last line without an end lacks columns, or a part of its grade.

    The latter if its grade is the beginning of grades of the rows before, and none of them has it, or it ends with a
    decimal point.
    """
    if len(columns) < width or width < 3:
        return len(columns) < width
    if columns[-1].endswith("."):
        return True
    grades = {grade_text(grade) for grade in rows.grades()}
    return columns[-1] not in grades and any(grade.startswith(columns[-1]) for grade in grades)


def _is_like_a_row(comment: str, layout: QrelsLayout) -> bool:
    """Return whether a comment has the columns of a judgment whose query id begins with ``#``."""
    columns = layout.split(comment)
    return len(columns) == layout.width > 2 and columns[0] != "#" and _number(columns[-1]) is not None


def _row(columns: Sequence[str], where: str, highest_grade: int) -> tuple[str, str, str, float]:
    """Return query, iteration, document and grade of a row.

    Raises
    ------
    DataFormatError
        If an id contains white space, or the grade is not a number or too high.
    """
    query_id, iteration = columns[0], columns[1] if len(columns) == 4 else ""
    doc_id, grade = (columns[1], "1") if len(columns) == 2 else (columns[-2], columns[-1])
    check_ids(query_id, doc_id, where)
    return query_id, iteration, doc_id, _grade(grade, where, highest_grade)


def _grade(text: str, where: str, highest_grade: int) -> float:
    grade = _number(text)
    if grade is None:
        raise DataFormatError(f"{where} has the grade {text!r}", "use numbers as grades, such as 2 or 1.75")
    return grade if abs(grade) <= highest_grade else check_grade(grade, where, highest_grade)


@lru_cache(maxsize=1024)  # a file of millions of rows has a handful of grades
def _number(text: str) -> float | None:
    """Return `grade_of` a text."""
    return grade_of(text)


def write_qrels(qrels: Qrels, path: Path, *, inside: Path | None = None) -> None:
    """Write judgments as gzipped TREC qrels, in the order of `qrels`. See `write_file` for `inside`.

    The file has tabs and a header where `read_qrels` would otherwise not know that judgments are by subtopic, or that
    rows are no comments because a query id begins with ``#``.
    """
    table = bool(qrels.subtopics) or any(query_id.startswith("#") for query_id in qrels.grades)
    second = "subtopic" if qrels.subtopics else "iteration"
    header = [("query_id", second, "doc_id", "grade")] if table else []
    blank = "\t" if table else " "
    write_gzip(
        path, "".join(blank.join(row) + "\n" for row in [*header, *judgment_rows(qrels)]), inside=inside
    )


def judgment_rows(qrels: Qrels) -> Iterator[tuple[str, str, str, str]]:
    """Yield query, subtopic, document and grade of every judgment as text; the subtopic is 0 where there is none.

    The text of a fractional grade has the fewest decimals that are read back exactly.
    """
    for query_id, judged in qrels.grades.items():
        for subtopic, docs in qrels.subtopics.get(query_id, {"0": judged}).items():
            for doc_id, grade in docs.items():
                yield query_id, subtopic, doc_id, grade_text(grade)


def _with_path(path: File, message: str) -> str:
    """Return the message with the path in front, unless it already names the file."""
    names_file = message.startswith((str(path), "file not found", "cannot read"))
    return message if names_file else f"{path}: {message}"
