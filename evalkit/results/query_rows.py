"""Rows of ``queries/*.jsonl.gz``: the queries of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from evalkit.errors import InputError
from evalkit.formats import read_json_lines
from evalkit.records import Query
from evalkit.results.json_shapes import JsonObject, Key, from_plain

_REMEDY = "check that the result folder is complete"


@dataclass(frozen=True, slots=True)
class QueryRow(JsonObject):
    """One query; `metadata` holds its further fields."""

    query_id: Annotated[str, Key("_id")]
    text: str
    metadata: Mapping[str, str]
    instruction: str = ""


def read_queries(file: Path) -> dict[str, Query]:
    """Return query id -> query.

    Raises
    ------
    InputError
        If the file is damaged, or has a query twice.
    """
    plain = [row for _, row in read_json_lines(file)]
    queries: dict[str, Query] = {}
    for number, row in enumerate(from_plain(tuple[QueryRow, ...], plain, file, _REMEDY)):
        if row.query_id in queries:
            raise InputError(
                f"{file.resolve()} is damaged: {number}._id: {row.query_id!r} occurs twice", _REMEDY
            )
        queries[row.query_id] = Query(row.query_id, row.text, row.metadata, row.instruction)
    return queries
