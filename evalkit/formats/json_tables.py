"""Read tables in JSON: one object per line, or one list of objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from evalkit.errors import DataFormatError
from evalkit.formats.text_files import File, open_lines, read_json_lines, read_text

MOST_CHARACTERS = 2**29
"""Characters of a file that is one JSON document; it is held in memory."""
_DOCUMENT_KEYS = {
    "requests": "a request of Elasticsearch's _rank_eval",
    "judgmentRatings": "a judgment list of OpenSearch",
    "query_doc_pairs": "a book of Quepid",
    "case_name": "a case of Quepid",
}
"""Key of a JSON document of another tool -> what the document is."""
_AS_JUDGMENTS = "give it as the judgments (qrels), and the documents and queries as tables"


def read_json_rows(path: File) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the position and the object of every row: of JSON Lines, or of one list of objects.

    Raises
    ------
    DataFormatError
        If the file is neither; the message names the file and the line or the item.
    """
    first = next((line for _, line in open_lines(path)), "")
    if not first.strip():
        raise DataFormatError(f"{path} is empty", "write one object per line")
    document = _parsed(first)
    if document == []:
        raise DataFormatError(f"{path} is an empty list", "write a list of objects, or one object per line")
    if isinstance(document, dict):
        if known_document(document):
            raise _not_rows(path, document)
        yield from ((f"{path}:{number}", row) for number, row in read_json_lines(path))
        return
    if document is not None and not (
        isinstance(document, list) and any(isinstance(x, dict) for x in document)
    ):
        raise DataFormatError(f"{path}:1 is not a JSON object", "write one object per line")
    document = read_json_document(path)
    if not isinstance(document, list):
        raise _not_rows(path, document)
    for number, row in enumerate(document, start=1):
        if not isinstance(row, dict):
            raise DataFormatError(
                f"{path}, item {number} is not a JSON object",
                "write a list of objects, or one object per line",
            )
        yield f"{path}, item {number}", row


def read_json_document(path: File) -> Any:
    """Return the value of a file that is one JSON document.

    Raises
    ------
    DataFormatError
        If it is not JSON, or too large; the message names the line.
    """
    return parse_document(read_text(path, MOST_CHARACTERS), path)


def parse_document(text: str, path: File) -> Any:
    """Return the value of the text of a file; see `read_json_document`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DataFormatError(
            f"{path}:{error.lineno} is not JSON: {error}", "write one object per line, or one list of objects"
        ) from None


def known_document(document: dict[str, Any]) -> str:
    """Return what a JSON document of another tool is; empty for others."""
    return next((name for key, name in _DOCUMENT_KEYS.items() if key in document), "")


def _not_rows(path: File, document: Any) -> DataFormatError:
    if not isinstance(document, dict):
        return DataFormatError(f"{path} is not a JSON object", "write one object per line")
    name = known_document(document)
    if name:
        return DataFormatError(f"{path} is {name}, not a table", _AS_JUDGMENTS)
    keys = ", ".join(map(repr, list(document)[:5])) or "none"
    return DataFormatError(
        f"{path} is one JSON document, not JSON Lines; its keys: {keys}",
        "write one object per line, or one list of objects",
    )


def _parsed(line: str) -> Any:
    """Return the value of a line; None if the line alone is not JSON."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
