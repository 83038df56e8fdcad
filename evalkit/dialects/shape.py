"""The key names of a wire format: most dialects are little more than these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

FOR_EACH = ".*"
"""End of the path of a query that is sent once for each document."""
MOST_POSITIONS = 1000
"""Positions of a list that a path can name."""
GAP = object()
"""Placeholder in a request that is being built: a position of a list without a value."""
_PART = re.compile(
    r'"([^"]+)"'  # a quoted key
    r"|(0|[1-9]\d{0,2})(?![^.])"  # a position
    r"|(?![-+]?\d+(?![^.]))"  # any other number is neither
    r"([^\".\[\]*\s](?:[^\".\[\]*]*[^\".\[\]*\s])?)(?![^.])"
)
"""One part of a path: a key in quotes, a position in a list, or a key."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The key names of a rerank API. The empty path is the body itself; for other paths see `split_path`.

    Attributes
    ----------
    model, query, documents
        Paths in a request; the model is None if the body does not name it. A query path that ends in ``.*`` is
        that of a list with the query once for each document.
    instruction
        Path of the instruction in a request; None if the API has no field for it.
    document_key
        Path of a document's text if documents are objects; None if they are strings.
    document_id_key
        Path of a document's index in a request; None if documents have no index.
    document_extra
        Path -> what every document has there besides its text.
    objects
        Whether documents may be objects with ``text`` as well as strings.
    top_n, return_documents
        Paths of request options; None if the API does not have the option.
    echoes
        Whether documents are returned by default.
    return_inverted
        Whether the option is true to *omit* documents.
    results
        Path of the list in a reply.
    index
        Path of a result's index; None if the position is the index.
    score
        Path of a result's score; None if a result is its score.
    text_numbers
        Whether the API may write an index or a score as text.
    echo, echo_key
        Key of a returned document, and of its text; `echo_key` is None if the document is a string.
    tokens, units, billed_bytes, cost_usd
        Paths in a reply at which the API reports what it billed; the first with a number counts.
    error, error_code
        Paths of the message and the code of an error; None if they are where most APIs have them.
    """

    model: str | None = "model"
    query: str = "query"
    documents: str = "documents"
    instruction: str | None = None
    document_key: str | None = None
    document_id_key: str | None = None
    document_extra: Mapping[str, Any] = field(default_factory=dict)
    objects: bool = False
    top_n: str | None = "top_n"
    return_documents: str | None = "return_documents"
    echoes: bool = False
    return_inverted: bool = False
    results: str = "results"
    index: str | None = "index"
    score: str | None = "relevance_score"
    text_numbers: bool = False
    echo: str | None = "document"
    echo_key: str | None = "text"
    tokens: tuple[str, ...] = ("usage.total_tokens",)
    units: tuple[str, ...] = ()
    billed_bytes: tuple[str, ...] = ()
    cost_usd: tuple[str, ...] = ()
    error: str | None = None
    error_code: str | None = None

    def request_keys(self) -> frozenset[str]:
        """Return the top-level keys of a request that the dialect fills itself."""
        query = self.query.removesuffix(FOR_EACH)
        paths = (self.model, query, self.documents, self.top_n, self.return_documents)
        return frozenset(str(split_path(path)[0]) for path in paths if path)


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str | int, ...]:
    """Return the parts of a path: keys as text, positions in a list as integers.

    A key that contains a dot, a bracket or an asterisk, or consists of digits, is written in double quotes.

    Raises
    ------
    ValueError
        If the path is malformed.

    >>> split_path('queries.0."max.tokens"')
    ('queries', 0, 'max.tokens')
    """
    parts: list[str | int] = []
    end = -1
    while end < len(path):
        match = _PART.match(path, end + 1)
        if match is None or path[match.end() : match.end() + 1] not in {"", "."}:
            raise ValueError(f"is not a path: {_fault_at(path, end + 1)}")
        quoted, position, key = match.groups()
        parts.append(int(position) if position else quoted or key)
        end = match.end()
    return tuple(parts)


def _fault_at(path: str, start: int) -> str:
    """Return what is wrong with the part of a path that starts at a position."""
    part = re.split(r"\.", path[start:], maxsplit=1)[0]
    if not part:
        return "it has an empty part; write a key that contains a dot in double quotes"
    if "[" in part:
        return f"{part!r} has a bracket; write a position in a list as a part of its own, such as results.0"
    if part.lstrip("+-").isdigit():
        return f"{part!r} is no position in a list; positions are 0 to {MOST_POSITIONS - 1}"
    return f"the key {part!r} must be in double quotes"


def dig(body: Any, path: str) -> Any:
    """Return the value at a path; None if there is none."""
    for part in split_path(path) if path else ():
        body = take(body, part)
    return body


def take(value: Any, part: str | int) -> Any:
    """Return what a value has at one part of a path; None if it has none."""
    if isinstance(value, dict):
        return value.get(str(part))
    is_there = isinstance(value, list) and isinstance(part, int) and part < len(value)
    return value[part] if is_there else None


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path, in place of any other, and create the objects and lists that lead to it.

    Raises
    ------
    ValueError
        If the path is malformed, or leads through a value that is no object or list.
    """
    place, part = _place_of(body, path)
    place[part] = value


def add(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path as `put` does, but overwrite nothing: an object is added to an object.

    Raises
    ------
    ValueError
        As `put`, and if there is another value already.
    """
    place, part = _place_of(body, path)
    if _is_free(place, part):
        place[part] = value
    else:
        _merge(place[part], value, path)


def _place_of(body: dict[str, Any], path: str) -> tuple[Any, str | int]:
    """Return the object or list that contains the value of a path, and its key or position there."""
    parts = split_path(path)
    place: Any = body
    for part, following in pairwise(parts):
        _make_room(place, part, path)
        if _is_free(place, part):
            place[part] = [] if isinstance(following, int) else {}
        place = place[part]
    _make_room(place, parts[-1], path)
    return place, parts[-1]


def _make_room(place: Any, part: str | int, path: str) -> None:
    if isinstance(part, int) and isinstance(place, list):
        place.extend([GAP] * (part + 1 - len(place)))
    elif isinstance(part, int) or not isinstance(place, dict):
        raise ValueError(f"{path!r} leads through {_kind(place)}")  # noqa: TRY004 - the path is at fault


def _is_free(place: Any, part: str | int) -> bool:
    return part not in place if isinstance(place, dict) else place[part] is GAP


def _merge(held: Any, value: Any, path: str) -> None:
    if not (isinstance(held, dict) and isinstance(value, dict)):
        raise ValueError(f"{path!r} is set twice")  # noqa: TRY004 - as above
    for key, inner in value.items():
        if key in held:
            _merge(held[key], inner, path)
        else:
            held[key] = inner


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text"}
    return names.get(type(value), "another value")


def first_gap(body: Any, path: str = "") -> str | None:
    """Return the path of the first position of a list that no value was set at; None if there is none."""
    if body is GAP:
        return path
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    gaps = (first_gap(value, f"{path}.{key}".lstrip(".")) for key, value in inner)
    return next((gap for gap in gaps if gap is not None), None)
