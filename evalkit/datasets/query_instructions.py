"""Join queries with their instructions from a table of their own, as FollowIR's repositories have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from evalkit.datasets.columns import check_id, check_text, required_value
from evalkit.errors import DataFormatError
from evalkit.formats import Rows
from evalkit.formats.column_names import JUDGED_QUERY
from evalkit.records import Query

_QUERY = (*JUDGED_QUERY, "_id", "id")
_INSTRUCTION = ("instruction", "instructions", "text")


def with_instructions(queries: Iterable[Query], rows: Rows) -> tuple[Query, ...]:
    """Return the queries with the instructions that a table has for their ids; others stay as they are.

    Raises
    ------
    DataFormatError
        If the table lacks a column, has two different instructions for a query, or has none for any of the queries.
    """
    instructions: dict[str, str] = {}
    for where, row in rows:
        query_id = check_id(required_value(row, None, _QUERY, where, "query"), where)
        cell = required_value(row, None, _INSTRUCTION, where, "instruction")
        text = check_text(cell, where, "instruction")
        if instructions.setdefault(query_id, text) != text:
            raise DataFormatError(
                f"{where}: query {query_id!r} has two different instructions",
                "keep one instruction for each query",
            )
    found = tuple(queries)
    if instructions and instructions.keys().isdisjoint(query.query_id for query in found):
        raise DataFormatError(
            f"no query has one of the {len(instructions)} instructions (first: of query {next(iter(instructions))!r})",
            "use the same query ids in queries and instructions",
        )
    return tuple(
        replace(query, instruction=instructions.get(query.query_id) or query.instruction) for query in found
    )
