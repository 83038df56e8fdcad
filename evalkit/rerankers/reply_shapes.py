"""Find where a reply has its results, and which dialects or key names fit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalkit import registry
from evalkit.dialects import Dialect, Shape, WireRequest
from evalkit.dialects.reading import read_some_results
from evalkit.errors import CallError, EvalkitError

_LIST_KEYS = (
    "results", "data", "rankings", "rerank", "records", "scores", "ranks", "ranking", "reranked", "items", "documents",
    "predictions", "embeddings", "response",
)  # fmt: skip
_OUTER_KEYS = ("output", "result", "data", "response", "body")
_INDEX_KEYS = ("index", "document_index", "documentIndex", "idx", "id", "position", "corpus_id")
_TEXTS = ("the query of a request", "its first document", "its second document")
"""A query and documents that are no other part of a request."""
_SCORE_KEYS = (
    "relevance_score", "score", "logit", "relevanceScore", "similarity", "relevance", "rerank_score", "probability",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CutList:
    """A list of results that is correct except that some documents are missing.

    Attributes
    ----------
    returned, sent
        Number of results and of documents.
    missing
        Positions of the documents without a result.
    """

    returned: int
    sent: int
    missing: tuple[int, ...]


def has_results(body: Any, dialect: Dialect) -> bool:
    """Return whether a reply contains a list of results, where a dialect has it or under any of the usual keys."""
    return bool(_own_list(body, dialect)) or next(_lists(body), None) is not None


def _own_list(body: Any, dialect: Dialect) -> list[Any]:
    """Return the list of results where a dialect has it; empty if there is none."""
    try:
        found = dialect.results_in(body)
    except Exception:  # noqa: BLE001 - a dialect of a plugin may raise anything
        return []
    return found if isinstance(found, list) and _may_be_results(found) else []


def fitting_dialects(body: Any, headers: Mapping[str, str], request: WireRequest) -> list[str]:
    """Return the names of the dialects that read a reply without a fault, those without settings of their own."""
    return [name for name, dialect in open_dialects().items() if _reads(dialect, body, headers, request)]


def open_dialects() -> dict[str, Dialect]:
    """Return every dialect that needs no further settings, by its name."""
    found = {}
    for name in registry.names("dialect"):
        try:
            found[name] = registry.lookup("dialect", name)()
        except (EvalkitError, TypeError):  # a broken plugin, or one with parameters
            continue
    found.pop("generic", None)
    return found


def sends_alike(one: Dialect, other: Dialect, model: str) -> bool:
    """Return whether two dialects send the texts of a request to a model under the same keys and in the same form."""
    return sent_texts(one, model) == sent_texts(other, model)


def sent_texts(dialect: Dialect, model: str) -> dict[str, Any]:
    """Return what a request to a model contains of the query and the documents, without its other keys."""
    try:
        found = _only_texts(dialect.encode_request(WireRequest(model, _TEXTS[0], _TEXTS[1:])))
    except Exception:  # noqa: BLE001 - a dialect of a plugin may raise anything
        return {}
    return found if isinstance(found, dict) else {}


def _only_texts(sent: Any) -> Any:
    """Return a part of a request without what contains neither query nor document; None if nothing is left."""
    if isinstance(sent, dict):
        kept = {key: part for key, value in sent.items() if (part := _only_texts(value)) is not None}
        return kept or None
    if isinstance(sent, list):
        return [part for value in sent if (part := _only_texts(value)) is not None] or None
    return sent if sent in _TEXTS else None


def fitting_shape(dialect: Dialect, body: Any, request: WireRequest) -> dict[str, str] | None:
    """Return the settings under ``shape:`` with which the generic dialect reads a reply; None if there are none.

    Settings with the value of their default are left out. With them, the generic dialect sends the texts as `dialect`.
    There are none for objects without an index.
    """
    mine, generic = dialect.shape, registry.lookup("dialect", "generic")
    asks = Shape(query=mine.query, documents=mine.documents, document_key=mine.document_key)
    if not sends_alike(generic(asks), dialect, request.model):
        return None
    for path, results in _lists(body):
        keys = _keys_of(results[0])
        if keys is None:
            continue
        as_text = isinstance(results[0], dict) and any(isinstance(results[0].get(key), str) for key in keys)
        shape = replace(Shape(), results=path, index=keys[0], score=keys[1], text_numbers=as_text)
        if _reads(generic(shape), body, {}, request):
            found = {
                "query": mine.query, "documents": mine.documents, "document_key": mine.document_key or "",
                "model": mine.model or "", "results": path, "index": keys[0] or "", "score": keys[1] or "",
                **({"text_numbers": "true"} if as_text else {}),
            }  # fmt: skip
            usual = {"results": "results", "index": "index", "score": "relevance_score", "model": "model"}
            usual |= {"query": "query", "documents": "documents", "document_key": ""}
            return {key: value for key, value in found.items() if value != usual.get(key)}
    return None


def cut_list(body: Any, dialect: Dialect, documents: int) -> CutList | None:
    """Return how far a reply's list was cut: fewer results than documents, and nothing else wrong; None otherwise."""
    results = _own_list(body, dialect)
    if dialect.shape.index is None or not 0 < len(results) < documents:
        return None
    try:
        scores, _ = read_some_results(results, documents, dialect.shape)
    except CallError:
        return None
    return CutList(len(results), documents, tuple(np.flatnonzero(np.isnan(scores)).tolist()))


def _reads(dialect: Dialect, body: Any, headers: Mapping[str, str], request: WireRequest) -> bool:
    try:
        dialect.decode_response(body, headers, request)
    except Exception:  # noqa: BLE001 - a dialect of a plugin may raise anything, and is only tried here
        return False
    return True


def _lists(body: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the path and the content of every list that may be one of results."""
    if isinstance(body, list):
        yield from _list_at("", body)
    if not isinstance(body, dict):
        return
    for outer in ("", *_OUTER_KEYS):
        place = body.get(outer) if outer else body
        if isinstance(place, list):
            yield from _list_at(outer, place)
        for key in _LIST_KEYS:
            found = place.get(key) if isinstance(place, dict) else None
            if isinstance(found, list):
                yield from _list_at(f"{outer}.{key}" if outer else key, found)


def _list_at(path: str, found: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield a list with its path if it may be one of results, or the only list in it: some APIs take many queries."""
    if _may_be_results(found):
        yield path, found
    elif len(found) == 1 and isinstance(found[0], list) and _may_be_results(found[0]):
        yield f"{path}.0" if path else "0", found[0]


def _may_be_results(found: list[Any]) -> bool:
    return bool(found) and (_is_number(found[0]) or (isinstance(found[0], dict) and "error" not in found[0]))


def _keys_of(entry: Any) -> tuple[str | None, str | None] | None:
    """Return the keys of the index and the score of a result; None if no score is found, or no usable index.

    Both are None if the result is a number. The position in the list is no index of a result that is an object:
    most lists are sorted, and every score would be that of another document.
    """
    if _is_number(entry):
        return None, None
    score = next((key for key in _SCORE_KEYS if _as_number(entry.get(key)) is not None), None)
    index = next((key for key in _INDEX_KEYS if isinstance(_as_number(entry.get(key)), int)), None)
    return None if score is None or index is None else (index, score)


def _as_number(value: Any) -> int | float | None:
    """Return a number, also one that is a string; None for anything else."""
    if isinstance(value, str):
        try:
            return int(value) if value.isascii() and value.isdigit() else float(value)
        except ValueError:
            return None
    return value if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
