"""What the values of a store may be: somebody else may have written the file, or it may be damaged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MOST_RANK = 2**31 - 1
MOST_STORED_S = 32_503_680_000.0
"""The year 3000, in seconds since 1970: a calendar can show every earlier time."""
MOST_NAME = 10_000
"""Most characters of the name of a model, and of the id of a session."""

# ruff: noqa: S608 - the statements are made of constants
INCONSISTENCIES = {
    "scores of unknown queries": "SELECT count(*) FROM scores WHERE query NOT IN (SELECT query FROM queries)",
    "scores of unknown documents": "SELECT count(*) FROM scores"
    " WHERE document NOT IN (SELECT document FROM documents)",
    "scores of unknown calls": "SELECT count(*) FROM scores WHERE call NOT IN (SELECT call FROM calls)",
    "scores that are not finite": "SELECT count(*) FROM scores WHERE typeof(score) != 'real' OR abs(score) = 9e999",
    "scores with an invalid list rank": "SELECT count(*) FROM scores WHERE list_rank IS NOT NULL AND"
    f" (typeof(list_rank) != 'integer' OR list_rank NOT BETWEEN 1 AND {MOST_RANK})",
    "calls with an invalid time": "SELECT count(*) FROM calls WHERE typeof(stored_s) != 'real'"
    f" OR stored_s NOT BETWEEN 0 AND {MOST_STORED_S}",
    "calls with an invalid model": "SELECT count(*) FROM calls WHERE model IS NOT NULL AND"
    f" (typeof(model) != 'text' OR length(model) > {MOST_NAME})",
    "queries of unknown backends": "SELECT count(*) FROM queries"
    " WHERE backend NOT IN (SELECT backend FROM backends)",
    "queries with an invalid hash": "SELECT count(*) FROM queries"
    " WHERE typeof(text_hash) != 'blob' OR length(text_hash) != 16"
    " OR typeof(list_hash) != 'blob' OR length(list_hash) NOT IN (0, 16)",
    "documents with an invalid hash": "SELECT count(*) FROM documents"
    " WHERE typeof(text_hash) != 'blob' OR length(text_hash) != 16",
    "backends with an unreadable identity": "SELECT count(*) FROM backends WHERE CASE"
    " WHEN typeof(identity) = 'text' AND json_valid(identity)"
    " THEN coalesce(json_type(identity, '$.backend'), '') != 'text' ELSE 1 END",
    "journal entries that are unreadable": "SELECT count(*) FROM journal WHERE typeof(run) != 'text'"
    " OR typeof(kind) != 'text' OR typeof(content) != 'blob'",
}
"""Name of an inconsistency -> the query that counts it."""
SESSIONS = (
    "SELECT count(*) FROM calls WHERE session IS NOT NULL AND"
    f" (typeof(session) != 'text' OR length(session) > {MOST_NAME})"
)
"""Counts the calls with an invalid session, in a store that has sessions."""
JUDGMENT_INCONSISTENCIES = {
    "judgments of unknown judges": "SELECT count(*) FROM judgments WHERE judge NOT IN (SELECT judge FROM judges)",
    "judgments with an invalid hash": "SELECT count(*) FROM judgments"
    " WHERE typeof(query_hash) != 'blob' OR length(query_hash) != 32"
    " OR typeof(document_hash) != 'blob' OR length(document_hash) != 32",
    "judges with an unreadable identity": "SELECT count(*) FROM judges WHERE CASE"
    " WHEN typeof(identity) = 'text' AND json_valid(identity)"
    " THEN coalesce(json_type(identity, '$.backend'), '') != 'text' ELSE 1 END",
}
"""The same of the tables of judgments, in a store that has them."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that a store cannot hold: its column, its row from 0, and the value as text."""

    column: str
    row: int
    value: str

    def __str__(self) -> str:
        """Return column and value."""
        return f"{self.column} {self.value}"


def find_wrong(columns: Mapping[str, Sequence[Any]]) -> Wrong | None:
    """Return the first value that is not possible; None without one. Columns with other names are ignored.

    Parameters
    ----------
    columns
        Any of ``score``, ``list_rank``, ``stored_s``, ``model``, ``session`` and ``identity``, with values of Python.
    """
    for name, values in columns.items():
        holds, all_hold = _RULES.get(name, _ANY)
        if not all_hold(values):
            row = next(number for number, value in enumerate(values) if not holds(value))
            return Wrong(name, row, repr(values[row])[:60])
    return None


def settings_of(identity: object) -> dict[str, Any] | None:
    """Return the settings in the identity of a backend; None if it is none of ours."""
    if not isinstance(identity, str):
        return None
    try:
        settings = orjson.loads(identity)
    except orjson.JSONDecodeError:
        return None
    return settings if isinstance(settings, dict) and isinstance(settings.get("backend"), str) else None


def _is_score(value: object) -> bool:
    return type(value) is float and math.isfinite(value)


def _is_rank(value: object) -> bool:
    return value is None or (type(value) is int and 1 <= value <= MOST_RANK)


def _is_time(value: object) -> bool:
    return type(value) is float and 0 <= value <= MOST_STORED_S


def _is_name(value: object) -> bool:
    return value is None or (type(value) is str and len(value) <= MOST_NAME)


def _are_scores(values: Sequence[Any]) -> bool:
    """Return whether all are scores; a lookup calls this for every list, so that no loop of Python runs."""
    return set(map(type, values)) <= {float} and all(map(math.isfinite, values))


def _are_ranks(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    if not kinds <= {int, type(None)}:
        return False
    ranks = values if type(None) not in kinds else [value for value in values if value is not None]
    return not ranks or (min(ranks) >= 1 and max(ranks) <= MOST_RANK)


def _all_different(holds: Any) -> Any:
    """Return a check of all values that looks at equal ones once: the rows of a call share most of theirs."""

    def all_hold(values: Sequence[Any]) -> bool:
        return all(map(holds, set(values)))

    return all_hold


_RULES: dict[str, Any] = {
    "score": (_is_score, _are_scores),
    "list_rank": (_is_rank, _are_ranks),
    "stored_s": (_is_time, _all_different(_is_time)),
    "model": (_is_name, _all_different(_is_name)),
    "session": (_is_name, _all_different(_is_name)),
    "identity": (settings_of, _all_different(lambda value: settings_of(value) is not None)),
}
_ANY: Any = (lambda _: True, lambda _: True)
