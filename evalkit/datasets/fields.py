"""Reading documents and queries out of JSON objects and TSV rows, with the errors in one place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.datasets.assemble import RawDocument
from evalkit.errors import DataFormatError
from evalkit.formats import open_lines, read_json_lines
from evalkit.records import Query

_ID_KEYS = ("_id", "id", "doc_id", "docno", "query_id")
_TEXT_KEYS = ("text", "contents", "query")


def documents_from_json_lines(path: Path) -> Iterator[RawDocument]:
    """Yield the documents of a JSON Lines file: ``_id`` (or id, doc_id, docno), ``title``, ``text``."""
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        title = row.get("title") or ""
        if not isinstance(title, str):
            raise DataFormatError(f"{where}: 'title' is not text")
        yield RawDocument(_identifier(row, where), title, _text(row, where))


def queries_from_json_lines(path: Path) -> Iterator[Query]:
    """Yield the queries of a JSON Lines file: ``_id`` (or id, query_id), ``text`` (or query), further fields."""
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        yield Query(_identifier(row, where), _text(row, where), _further(row))


def _further(row: dict[str, Any]) -> dict[str, str]:
    """Return the plain values of a query's other keys, and of its ``metadata``, as text."""
    metadata = row.get("metadata")
    other = {key: value for key, value in row.items() if key not in {*_ID_KEYS, *_TEXT_KEYS, "metadata"}}
    held = {**(metadata if isinstance(metadata, dict) else {}), **other}
    return {key: str(value) for key, value in held.items() if isinstance(value, str | int | float | bool)}


def documents_from_tsv(path: Path) -> Iterator[RawDocument]:
    """Yield the documents of a TSV file: ``id  text`` or ``id  title  text``."""
    for number, columns in _tsv(path):
        if len(columns) not in {2, 3}:
            raise DataFormatError(
                f"{path}:{number} has {len(columns)} columns", "a row holds id, text or id, title, text"
            )
        yield RawDocument(
            checked_identifier(columns[0], f"{path}:{number}"),
            columns[1] if len(columns) == 3 else "",
            columns[-1],
        )


def queries_from_tsv(path: Path) -> Iterator[Query]:
    """Yield the queries of a TSV file: ``id  text``."""
    for number, columns in _tsv(path):
        if len(columns) != 2:
            raise DataFormatError(f"{path}:{number} has {len(columns)} columns", "a row holds id, text")
        yield Query(checked_identifier(columns[0], f"{path}:{number}"), columns[1])


def _tsv(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in open_lines(path):
        yield number, line.split("\t")


def _identifier(row: dict[str, Any], where: str) -> str:
    value = next((row[key] for key in _ID_KEYS if key in row), None)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return checked_identifier(value, where)


def checked_identifier(value: Any, where: str) -> str:
    """Return an identifier that survives TREC files: text without white space."""
    if not isinstance(value, str) or not value or value != "".join(value.split()):
        raise DataFormatError(
            f"{where}: no usable identifier (found {value!r})", "an identifier is text without white space"
        )
    return value


def _text(row: dict[str, Any], where: str) -> str:
    value = next((row[key] for key in _TEXT_KEYS if key in row), None)
    if not isinstance(value, str):
        raise DataFormatError(f"{where}: no text (found {value!r})", "give 'text' a string")
    return value
