"""Read judgments of any tool: the file is recognised by its suffix and its content."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Literal

import orjson

from evalkit.errors import DataFormatError
from evalkit.formats.column_names import QUERY_OF_JUDGMENTS, column_name, compared
from evalkit.formats.judgment_json import DOCUMENT_KEYS, is_console_request, read_judgment_json
from evalkit.formats.judgment_tables import (
    JudgmentNames,
    has_short_rows,
    is_judgment_header,
    names_query,
    read_judgment_table,
)
from evalkit.formats.letor_files import is_letor, read_letor
from evalkit.formats.qrels_files import QrelsFile, read_qrels, read_qrels_file
from evalkit.formats.rated_rows import NamedJudgments, RatedRows, named_judgments, rating_grade
from evalkit.formats.rater_judgments import agreed_judgments
from evalkit.formats.rater_lines import BINARY_TABLES, is_judgment_line, names_raters, read_judgment_lines
from evalkit.formats.row_files import (
    JSON_SUFFIXES,
    WITHOUT_HEADER,
    delimiter_of,
    is_number,
    read_delimited,
    read_rows,
    stated_delimiter,
)
from evalkit.formats.text_files import File, format_suffix, open_lines
from evalkit.records.qrels import Qrels

_Kind = Literal["TREC", "rows", "CSV", "TSV", "JSON", "LETOR", "raters"]
_MOST_CHARACTERS = 100_000
"""Characters of a first line that are looked at."""
_MOST_LINES = 100
"""Lines of a JSON list that are looked at."""
_JUDGMENT_LISTS = re.compile(r'"(?:judgmentRatings|ratings)"\s*:\s*\[')
"""In a list of judgment lists of OpenSearch, and in a list of queries with their ratings."""


def read_judgments(path: File, queries: Mapping[str, str] | None = None) -> QrelsFile:
    """Read judgments: TREC's and BEIR's lines, tables, and the files of Quepid, Elasticsearch, OpenSearch and LETOR.

    A file may also be judgments by raters, as `read_judgment_lines` reads them; see `agreed_judgments`. Where a file
    names queries by their texts, their ids are those of `queries`, else from `query_id_of`.

    Parameters
    ----------
    path
        The file.
    queries
        Query id -> text; None if the texts are not known.

    Raises
    ------
    DataFormatError
        If the format is not recognised, or a row is invalid; the message names the place.
    """
    if _kind(path) == "TREC":
        return read_qrels_file(path)
    found = read_named_judgments(path, queries=queries)
    return QrelsFile(found.qrels, (), found.failures, found.raters, found.by_text)


def read_named_judgments(
    path: File,
    *,
    sheet: str | None = None,
    names: JudgmentNames | None = None,
    grade_of: Callable[[Any, str], float] = rating_grade,
    queries: Mapping[str, str] | None = None,
) -> NamedJudgments:
    """Read judgments with the texts of their queries, as far as the file has them; see `read_judgments`.

    Parameters
    ----------
    path
        The file.
    sheet
        Name of the sheet of an Excel workbook; None for the first one.
    names
        Names of the columns of a table.
    grade_of
        Returns the grade of a rating at a position.
    queries
        See `read_judgments`.
    """
    named = sheet is not None or names not in {None, JudgmentNames()}
    if named and names_raters(path):
        raise DataFormatError(
            f"{path} has judgments by raters, whose keys have fixed names", "remove the names of columns"
        )
    kind = "rows" if named else _kind(path)
    if (
        kind == "TREC"
        and format_suffix(path) in {".csv", ".tsv"}
        and not _ends_with_number(_first_line(path))
    ):
        kind = "rows"
    if kind == "TREC":
        return NamedJudgments(_graded(read_qrels(path), path, grade_of), {})
    if kind == "raters":
        agreed = agreed_judgments(read_judgment_lines(path), path)
        return NamedJudgments(_graded(agreed.qrels, path, grade_of), {}, agreed.failures, agreed.raters)
    return named_judgments(_rated(path, kind, sheet, names), path, grade_of, queries)


def _graded(qrels: Qrels, path: File, grade_of: Callable[[Any, str], float]) -> Qrels:
    """Return judgments with the grades that `grade_of` returns for theirs."""

    def graded(query_id: str, docs: Mapping[str, float]) -> dict[str, float]:
        return {
            doc: grade_of(grade, f"{path}: query {query_id!r}, document {doc!r}")
            for doc, grade in docs.items()
        }

    return Qrels(
        {query_id: graded(query_id, docs) for query_id, docs in qrels.grades.items()},
        {
            query_id: {subtopic: graded(query_id, docs) for subtopic, docs in subtopics.items()}
            for query_id, subtopics in qrels.subtopics.items()
        },
    )


def _rated(path: File, kind: _Kind, sheet: str | None, names: JudgmentNames | None) -> RatedRows:
    if kind == "LETOR":
        return read_letor(path)
    if kind == "JSON":
        return read_judgment_json(path)
    if kind == "rows":
        return read_judgment_table(read_rows(path, sheet), path, names)
    pad = has_short_rows(_cells(_first_line(path), ","))
    return read_judgment_table(read_delimited(path, tabs=kind == "TSV", pad=pad), path, names)


def _kind(path: File) -> _Kind:
    """Return the format of a file of judgments, from its suffix and its first line."""
    suffix = format_suffix(path)
    if suffix in BINARY_TABLES:
        return "rows"
    first = _first_line(path)
    if is_console_request(first):
        return "JSON"
    if is_judgment_line(first):
        return "raters"
    if first.lstrip().startswith(("{", "[")):
        return "rows" if suffix in JSON_SUFFIXES and _is_json_table(first, path) else "JSON"
    if suffix in JSON_SUFFIXES:
        return "rows"
    return "LETOR" if is_letor(first) else _kind_of_lines(path, first, suffix)


def _first_line(path: File) -> str:
    """Return the beginning of the first line that is neither blank nor a comment; empty if there is none."""
    lines = (line for _, line in open_lines(path) if not line.lstrip().startswith("#"))
    return next((line for line in lines if not stated_delimiter(line)), "")[:_MOST_CHARACTERS]


def _ends_with_number(line: str) -> bool:
    return is_number(line.rsplit(None, 1)[-1]) if line.strip() else False


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except (
        csv.Error
    ):  # a carriage return within the line, or a cell without end: read_delimited names the place
        return line.split(delimiter)


def _is_json_table(first: str, path: File) -> bool:
    """Return whether a JSON file is a table: one object per line, or a list of objects; from its beginning."""
    if first.lstrip().startswith("["):
        lines = (line for _, line in open_lines(path))
        return not _JUDGMENT_LISTS.search("".join(islice(lines, _MOST_LINES))[:_MOST_CHARACTERS])
    try:
        row = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(row, dict) or any(isinstance(row.get(key), list | dict) for key in DOCUMENT_KEYS):
        return False
    return names_query(row) or not any(isinstance(value, list | dict) for value in row.values())


def _kind_of_lines(path: File, first: str, suffix: str) -> _Kind:
    tabs = "\t" in first
    delimiter = "\t" if tabs else delimiter_of(first)
    cells = _cells(first, delimiter)
    if is_judgment_header(cells):
        known = tabs and len(cells) in {3, 4} and column_name(cells[0]) in compared(*QUERY_OF_JUDGMENTS)
        return "TREC" if known else "TSV" if tabs else "CSV"
    delimited = len(cells) > 1 and not tabs
    columns = first.split("\t") if tabs and " " not in first.strip() else first.split()
    if len(columns) in {3, 4} and is_number(columns[-1]) and not (suffix == ".csv" and delimited):
        return "TREC"
    if suffix == ".csv" or (delimited and len(first.split()) not in {3, 4}):
        if cells and is_number(cells[-1]):
            raise DataFormatError(f"{path}:1 looks like data, not like the names of columns", WITHOUT_HEADER)
        return "CSV"
    return "TREC"
