"""What a search engine's reply means: whole answers are lists of hits, everything else a named failure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.errors import RETRYABLE, CallError, EvalkitError, InputError, Remedy

_SHOWN = 200
"""Characters of what the engine says that a message repeats."""
_NEVER_TRANSIENT = {501, 505}


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found.

    Attributes
    ----------
    place
        What the engine goes on after; empty where it was not asked to sort.
    """

    doc_id: str
    score: float
    place: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which question a reply belongs to.

    Attributes
    ----------
    address
        As messages show it.
    key_variable
        The variable that holds the key or password; None where none is named.
    """

    address: str
    query_id: str
    id_field: str
    key_variable: str | None


def read_hits(asked: Asked, answer: Any) -> list[Hit]:
    """Return the documents of a good reply, in the engine's order.

    Raises
    ------
    CallError
        If it is no answer of a search engine, or a partial one: nobody can tell what that lacks.
    InputError
        If a document has no id.
    """
    try:
        shards, late, found = answer["_shards"], answer["timed_out"], answer["hits"]["hits"]
        failed, total = int(shards["failed"]), int(shards["total"])
    except (KeyError, TypeError, ValueError):
        raise CallError(
            "reply", f"{asked.address} did not answer as a search engine does", "check the url"
        ) from None
    if failed:
        raise CallError(
            "reply",
            f"{failed} of {total} shards failed on query {asked.query_id!r}{_because(shards)}",
            "the list would lack their documents: see to the health of the index",
            remedy=RETRYABLE,
        )
    if late:
        raise CallError(
            "reply",
            f"the engine gave up on query {asked.query_id!r} half way: its own time limit had passed",
            "raise the engine's search.default_search_timeout, or lower concurrency",
            remedy=RETRYABLE,
        )
    return [_hit(asked, hit) for hit in found]


def _hit(asked: Asked, hit: Mapping[str, Any]) -> Hit:
    name, score = asked.id_field, hit.get("_score")
    ids = [hit.get("_id")] if name == "_id" else hit.get("fields", {}).get(name, ())
    if len(ids) != 1 or not isinstance(ids[0], str | int):
        raise InputError(
            f"document {hit.get('_id')!r}, found for query {asked.query_id!r}, has no single {name!r}",
            "set id_field to a keyword field that holds the id of every document",
        )
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise CallError(
            "reply", f"document {ids[0]!r} was found for query {asked.query_id!r} without a score"
        )
    return Hit(str(ids[0]), float(score), tuple(hit.get("sort", ())))


def refusal(asked: Asked, status: int, answer: Any, wait_s: float | None) -> EvalkitError:
    """Return what a status other than 200 means: whether to ask again, and when.

    Parameters
    ----------
    asked
        The question.
    status, answer
        Of the reply; None where it was no JSON.
    wait_s
        Seconds that the engine asked to wait.
    """
    said = f"{asked.address} answered {status} to query {asked.query_id!r}{_because(answer)}"
    if status == 404:
        return InputError(said, "check url and index")
    if status == 400:
        return InputError(said, _way_out(said))
    if status in {401, 403}:
        variable = asked.key_variable
        hint = f"check what {variable} holds" if variable else "set api_key_env, or user_env and password_env"
        return CallError("http", said, hint, http_status=status)
    remedy = Remedy(status == 429 or (status >= 500 and status not in _NEVER_TRANSIENT), wait_s)
    return CallError(
        "http",
        said,
        "lower concurrency, or raise retries" if remedy.transient else None,
        http_status=status,
        remedy=remedy,
    )


def _way_out(said: str) -> str:
    folded = said.lower()
    if "result window" in folded:
        return "lower page_size to the index's max_result_window"
    if "fielddata" in folded or "doc values" in folded:
        return "set id_field to a keyword field that holds the id of every document"
    return "hold fields, query and id_field against the mapping of the index"


def _because(told: Any) -> str:
    """Return the engine's reason as the end of a sentence."""
    reason = " ".join(_reason(told).split())
    return f": {reason[:_SHOWN]}" if reason else ""


def _reason(told: Any) -> str:
    """Return the first reason in what the engine says, root causes before what became of them."""
    if isinstance(told, str):
        return told
    parts: list[Any] = told if isinstance(told, list) else []
    if isinstance(told, dict):
        names = ("root_cause", "failures", "failed_shards", "error", "reason", "message")
        parts = [told.get(name) for name in names]
    return next((said for part in parts if (said := _reason(part))), "")
