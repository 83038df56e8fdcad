"""Read replies, which may contain anything: results, billed amounts, server times."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.dialects.shape import Shape, dig, put, split_path
from evalkit.errors import CallError
from evalkit.records import ServerTime, known_amount, known_count, shown_amount

Scores = tuple[NDArray[np.float64], NDArray[np.int64]]


def read_results(results: Any, documents: int, shape: Shape) -> Scores:
    """Return the score of every document, and the documents in the order of the list.

    Parameters
    ----------
    results
        The list as parsed from JSON.
    documents
        Number of documents in the request.
    shape
        The key names of a result.

    Returns
    -------
    ``(documents,)`` scores and ``(documents,)`` indices.

    Raises
    ------
    CallError
        Kind ``reply``, if an entry is malformed, an index is out of range, repeated or missing,
        or a score is not a finite number.
    """
    if not isinstance(results, list):
        raise CallError("reply", f"the reply contains no list of results{_under(shape.results)}")
    return _read_valid(results, documents, shape) or _read_any(results, documents, shape)


def _read_valid(results: list[Any], documents: int, shape: Shape) -> Scores | None:
    """Read a well-formed list; return None for any other. Fast, because reading is part of every measured latency."""
    if len(results) != documents:
        return None
    try:
        indices = list(range(documents)) if shape.index is None else _column(results, shape.index)
        values = results if shape.score is None else _column(results, shape.score)
    except (TypeError, KeyError, IndexError):
        return None
    if {*map(type, indices)} != {int} or not {*map(type, values)} <= {float, int}:
        return None
    if sorted(indices) != list(range(documents)):
        return None
    order = np.array(indices, dtype=np.int64)
    scores = np.empty(documents)
    try:
        scores[order] = values
    except OverflowError:
        return None
    return (scores, order) if np.isfinite(scores).all() else None


def _column(results: list[Any], path: str) -> list[Any]:
    """Return the values at a path of each result; a plain key is read directly, which is faster."""
    parts = split_path(path)
    if len(parts) == 1 and isinstance(parts[0], str):
        key = parts[0]
        return [result[key] for result in results]
    return [dig(result, path) for result in results]


def _read_any(results: list[Any], documents: int, shape: Shape) -> Scores:
    """Read a list entry by entry, and raise `CallError` at the first entry that is wrong or missing."""
    scores, order = read_some_results(results, documents, shape)
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise CallError(
            "reply",
            f"{len(missing)} of {documents} documents have no score, the first is document {missing[0]}",
        )
    return scores, order


def read_some_results(results: list[Any], documents: int, shape: Shape) -> Scores:
    """Return the scores in a list that may lack documents, whose score is then NaN, and the order of the list.

    Parameters
    ----------
    results, documents, shape
        See `read_results`.

    Raises
    ------
    CallError
        Kind ``reply``, as `read_results`, but not for documents that are missing.
    """
    scores = np.full(documents, np.nan)
    order: list[int] = []
    for position, entry in enumerate(results):
        index = _index(entry, position, documents, shape)
        score = _score(entry, index, shape)
        if not np.isnan(scores[index]):
            raise CallError("reply", f"document {index} is in the results twice")
        scores[index] = score
        order.append(index)
    return scores, np.array(order, dtype=np.int64)


def joined_pages(pages: Sequence[Any], path: str) -> Any:
    """Return the last page of a reply with the results of all pages in the list at a path.

    Pages without a list stay as they are; `read_results` rejects them.
    """
    lists = [dig(page, path) for page in pages]
    if len(pages) > 1 and all(isinstance(results, list) for results in lists):
        put(pages[-1], path, [result for results in lists for result in results])
    return pages[-1]


def _under(path: str) -> str:
    return f" under {path!r}" if path else ""


def _index(entry: Any, position: int, documents: int, shape: Shape) -> int:
    if shape.index is None:
        index: Any = position
    else:
        index = dig(entry, shape.index)
        if shape.text_numbers and isinstance(index, str) and index.isascii() and index.isdigit():
            index = int(index[:10])
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < documents:
        raise CallError(
            "reply",
            f"a result has the {shape.index or 'position'} {shown_amount(index)}; {documents} documents were sent",
        )
    return index


def _score(entry: Any, index: int, shape: Shape) -> float:
    score = entry
    if shape.score is not None:
        score = dig(entry, shape.score)
    value = _number(score, text=shape.text_numbers)
    if value is None:
        raise CallError(
            "reply",
            f"document {index} has the {shape.score or 'score'} {shown_amount(score)}, not a finite number",
        )
    return value


def _number(value: Any, *, text: bool = False) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str) if text else (int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def first_amount(body: Any, paths: Iterable[str]) -> float | None:
    """Return the first amount at one of the paths, as `known_amount` reads it; None if there is none."""
    amounts = (known_amount(dig(body, path)) for path in paths)
    return next((amount for amount in amounts if amount is not None), None)


def whole(amount: float | None) -> int | None:
    """Return a count as an integer; None for a fraction, too."""
    return known_count(amount)


def header_amount(headers: Mapping[str, str], name: str) -> float | None:
    """Return a header's amount; None if it is absent or anything else."""
    return known_amount(_number(headers.get(name), text=True))


def unusable_amounts(body: Any, counts: Iterable[str], amounts: Iterable[str] = ()) -> dict[str, str]:
    """Return what stands at paths of amounts but is none, for messages: path -> value.

    Parameters
    ----------
    body
        A reply, as parsed from JSON.
    counts, amounts
        Paths of whole numbers, and of any numbers.
    """
    readers = {**dict.fromkeys(amounts, known_amount), **dict.fromkeys(counts, known_count)}
    found = {path: dig(body, path) for path in readers}
    return {
        path: shown_amount(value)
        for path, value in found.items()
        if value is not None and readers[path](value) is None
    }


@dataclass(frozen=True, slots=True)
class TimeSource:
    """A header, or a path of the body, in which a server reports a time.

    Attributes
    ----------
    name
        Name of the header in lower case, or path.
    unit_s
        Length of the unit in seconds.
    meaning
        What was timed: ``request`` for the whole request, else a description.
    in_body
        Whether `name` is a path of the body.
    """

    name: str
    unit_s: float = 1e-3
    meaning: str = "request"
    in_body: bool = False


COMMON_TIMES = (
    TimeSource("x-envoy-upstream-service-time", meaning="the proxy's upstream, with the network to it"),
    TimeSource("openai-processing-ms"),
)
"""Headers that any API, or a proxy in front of it, may send."""
_DESCRIPTION = re.compile(r'desc="[^"]*"')
_ENTRY = re.compile(r'\s*([^\s;]+)\s*;.*?\bdur="?(\d+(?:\.\d+)?)')
"""One entry of a Server-Timing header (W3C): a name and its milliseconds."""


def read_server_times(
    headers: Mapping[str, str], body: Any, sources: Iterable[TimeSource]
) -> tuple[ServerTime, ...]:
    """Return every time that a reply reports."""
    times = []
    for source in sources:
        amount = first_amount(body, [source.name]) if source.in_body else header_amount(headers, source.name)
        if amount is not None:
            times.append(ServerTime(source.name, amount * source.unit_s, source.meaning))
    return (*times, *_server_timing(headers.get("server-timing", "")))


def _server_timing(header: str) -> list[ServerTime]:
    """Return the entries of a Server-Timing header; the entry ``total`` is the time of the whole request."""
    sums: dict[str, float] = {}
    # Commas separate entries, but a description may contain one.
    for entry in filter(None, map(_ENTRY.match, _DESCRIPTION.sub("", header).split(","))):
        # A name may occur several times.
        sums[entry[1]] = sums.get(entry[1], 0.0) + float(entry[2]) / 1000
    return [
        ServerTime(
            f"server-timing: {name}", seconds, "request" if name.lower() == "total" else f"{name} alone"
        )
        for name, seconds in sums.items()
        if known_amount(seconds) is not None
    ]
