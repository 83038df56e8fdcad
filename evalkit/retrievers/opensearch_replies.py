"""Read the responses of a search engine: a complete response is a list of hits, anything else an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.dialects.error_reading import ReplyError
from evalkit.errors import RETRYABLE, CallError, EvalkitError, InputError, Remedy, shortened

_MAX_REASON_LENGTH = 300
"""Characters of the engine's reason in a message above which its middle is left out."""
_NEVER_TRANSIENT = {501, 505}
"""HTTP statuses from 500 on for which a retry cannot help."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found.

    Attributes
    ----------
    sort_values
        Values for the engine's ``search_after``; empty if the request has no ``sort``.
    """

    doc_id: str
    score: float
    sort_values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SearchContext:
    """The request that a response belongs to.

    Attributes
    ----------
    address
        URL for messages.
    query_id
        Identifier of the query.
    id_field
        The index field with the ids of documents.
    key_variable
        The environment variable with the key or password; None if none is configured.
    """

    address: str
    query_id: str
    id_field: str
    key_variable: str | None


def read_hits(context: SearchContext, response: Any) -> list[Hit]:
    """Return the hits of a successful response, in the engine's order.

    Raises
    ------
    CallError
        If the response is not that of a search engine, is partial, or a hit has no score.
    InputError
        If a hit does not have exactly one id.
    """
    try:
        shards, timed_out, hits = response["_shards"], response["timed_out"], response["hits"]["hits"]
        failed, total = int(shards["failed"]), int(shards["total"])
    except (KeyError, TypeError, ValueError):
        raise CallError(
            "reply", f"{context.address} returned a reply that is not a search result", "check the url"
        ) from None
    if failed:
        raise CallError(
            "reply",
            f"{failed} of {total} shards failed on query {context.query_id!r}{_reason_clause(shards)}",
            "check the health of the index; without these shards the result is incomplete",
            remedy=RETRYABLE,
        )
    if timed_out:
        raise CallError(
            "reply",
            f"query {context.query_id!r} reached the search timeout of the engine; the result is incomplete",
            "raise the engine's search.default_search_timeout, or lower concurrency",
            remedy=RETRYABLE,
        )
    return [_hit(context, hit) for hit in hits]


def _hit(context: SearchContext, hit: Mapping[str, Any]) -> Hit:
    name, score = context.id_field, hit.get("_score")
    ids = [hit.get("_id")] if name == "_id" else hit.get("fields", {}).get(name, ())
    if len(ids) != 1 or not isinstance(ids[0], str | int):
        raise InputError(
            f"document {hit.get('_id')!r}, found for query {context.query_id!r}, has no single {name!r}",
            "set id_field to a keyword field that contains the id of every document",
        )
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise CallError(
            "reply", f"document {ids[0]!r} was found for query {context.query_id!r} without a score"
        )
    return Hit(str(ids[0]), float(score), tuple(hit.get("sort", ())))


def error_of_status(context: SearchContext, status: int, response: Any, wait_s: float | None) -> EvalkitError:
    """Return the error for a response with a status other than 200; its remedy states whether to retry.

    Parameters
    ----------
    context
        The request.
    status
        HTTP status of the response.
    response
        JSON body of the response; None if it is not JSON.
    wait_s
        Seconds to wait before a retry, as the engine requested; None if it requested none.
    """
    message = f"{context.address} returned {status} for query {context.query_id!r}{_reason_clause(response)}"
    return _error_of(context, status, message, wait_s)


def error_inside_reply(context: SearchContext, found: ReplyError, wait_s: float | None) -> EvalkitError:
    """Return the error for a response with status 200 that contains an error; see `error_of_status`."""
    message = (
        f"{context.address} returned 200 with an error for query {context.query_id!r}: {_cut(found.message)}"
    )
    error = _error_of(context, found.status, message, found.wait_s if wait_s is None else wait_s)
    if isinstance(error, CallError):
        error.http_status = 200
    return error


def _error_of(context: SearchContext, status: int, message: str, wait_s: float | None) -> EvalkitError:
    if status == 404:
        return InputError(message, "check url and index")
    if status == 400:
        return InputError(message, _hint_for_bad_request(message))
    if status in {401, 403}:
        variable = context.key_variable
        hint = (
            f"check the value of {variable}" if variable else "set api_key_env, or user_env and password_env"
        )
        return CallError("http", message, hint, http_status=status)
    remedy = Remedy(status == 429 or (status >= 500 and status not in _NEVER_TRANSIENT), wait_s)
    return CallError(
        "http",
        message,
        "lower concurrency, or raise retries" if remedy.transient else None,
        http_status=status,
        remedy=remedy,
    )


def _hint_for_bad_request(message: str) -> str:
    lowered = message.lower()
    if "result window" in lowered:
        return "lower page_size to the index's max_result_window"
    if "fielddata" in lowered or "doc values" in lowered:
        return "set id_field to a keyword field that contains the id of every document"
    return "check fields, query and id_field against the mapping of the index"


def _reason_clause(body: Any) -> str:
    """Return ``: reason`` to end a message with the engine's reason; an empty string if it states none."""
    reason = _cut(_reason(body))
    return f": {reason}" if reason else ""


def _cut(text: str) -> str:
    return shortened(" ".join(text.split()), _MAX_REASON_LENGTH)


def _reason(body: Any) -> str:
    """Return the first reason in a JSON body of the engine, root causes first; an empty string if there is none."""
    if isinstance(body, str):
        return body
    parts: list[Any] = body if isinstance(body, list) else []
    if isinstance(body, dict):
        names = ("root_cause", "failures", "failed_shards", "error", "reason", "message")
        parts = [body.get(name) for name in names]
    return next((reason for part in parts if (reason := _reason(part))), "")
