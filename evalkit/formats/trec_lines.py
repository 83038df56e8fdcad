"""Lines of TREC runs and qrels: comments, columns between white space, and files that were cut off."""

from __future__ import annotations

import re
from collections.abc import Iterable

from evalkit.errors import DataFormatError

MOST_COLUMNS = 20
"""Columns that are counted: a line of any length must not become a list of millions."""
_BLANKS = " \t\r\v\f"
_INVISIBLE = {"\ufeff": "a byte order mark (U+FEFF)", "\0": "a zero byte"}
"""Characters of files that were joined or damaged; such an id equals no other id, though it looks the same."""
_BLANK_RUN = re.compile(f"[{_BLANKS}]+")


def is_comment(line: str, *, table: bool) -> bool:
    """Return whether a line is a comment: its first character that is no blank is ``#``, as in trec_eval 10.

    In a table that is separated by tabs, an id may begin with ``#``: there a comment is such a line without a tab.
    """
    return line.lstrip(_BLANKS).startswith("#") and not (table and "\t" in line)


def columns_of(line: str) -> list[str]:
    """Return the columns between white space of ASCII, as C splits them; at most `MOST_COLUMNS` and the rest."""
    return _BLANK_RUN.split(line.strip(_BLANKS), MOST_COLUMNS)


def tab_columns(line: str) -> list[str]:
    """Return the columns between tabs without blanks around them; tabs at the end of the line separate nothing."""
    return [column.strip(_BLANKS) for column in line.rstrip(_BLANKS).split("\t", MOST_COLUMNS)]


def check_ids(query_id: str, doc_id: str, where: str) -> None:
    """Check the ids of one row.

    Raises
    ------
    DataFormatError
        If one is empty, or contains white space of any script or a character that is no part of an id.
    """
    if f"{query_id} {doc_id}".split() != [query_id, doc_id]:
        raise DataFormatError(
            f"{where} has an empty id or an id with white space", "use ids without white space"
        )
    for character, name in _INVISIBLE.items():
        if character in query_id or character in doc_id:
            raise DataFormatError(f"{where} has an id with {name}", "remove it from the file")


def are_ids(texts: Iterable[str]) -> bool:
    """Return whether all texts are identifiers, as `check_ids` demands."""
    return all(text.split() == [text] and not any(map(text.__contains__, _INVISIBLE)) for text in texts)


def check_line_end(line: str, where: str) -> None:
    """Check that a line without its line ending is one line.

    Raises
    ------
    DataFormatError
        If a carriage return, which ends a line elsewhere, is in the middle of it.
    """
    if "\r" in line:
        raise DataFormatError(
            f"{where} has a carriage return before the end of the line",
            "end the lines with line feeds: tr '\\r' '\\n' < FILE > NEW_FILE",
        )


def wrong_width(columns: list[str], where: str, hint: str) -> DataFormatError:
    """Return the error for a line with too few or too many columns."""
    count = f"more than {MOST_COLUMNS}" if len(columns) > MOST_COLUMNS else str(len(columns))
    return DataFormatError(f"{where} has {count} {'column' if count == '1' else 'columns'}", hint)


def cut_off(where: str) -> DataFormatError:
    """Return the error for a file whose last line is incomplete."""
    return DataFormatError(f"{where} ends in the middle: the file is cut off", "download or copy it again")
