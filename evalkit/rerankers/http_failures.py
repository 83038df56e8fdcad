"""Turn bad replies into call errors: an error status, a body that is not JSON, or a reply of another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from evalkit.dialects import ANY_MODEL, Dialect
from evalkit.dialects.refusal_causes import error_words, most_documents
from evalkit.errors import RETRYABLE, CallError, Remedy
from evalkit.http_client import Exchange, retry_after_s
from evalkit.rerankers.aws_failures import aws_error_type, aws_hint, passed_on_status
from evalkit.rerankers.model_names import same_model

QUOTED = 2000
"""Maximum characters of a bad reply in the failure log."""
_SHOWN = 120
"""Maximum characters of a bad reply in a message."""
_TRANSIENT = {408, 409, 425, 429}
_NEVER_TRANSIENT = {501, 505}
_TOO_LARGE = {413, 422}
_CLOSED = {401, 402, 403, 404}


def refusal(
    exchange: Exchange,
    shown: str,
    key_variable: str | None,
    dialect: Dialect | None = None,
) -> CallError:
    """Return the call error of a reply with another status than 200, with whether and when to retry.

    Parameters
    ----------
    exchange
        The reply.
    shown
        The address as displayed in messages, without secrets.
    key_variable
        The environment variable that holds the key; None if none is configured.
    dialect
        Where the API puts its error message, and what its errors mean; None for what most APIs do.
    """
    dialect = dialect or Dialect()
    status, body = exchange.status, _json_or_none(exchange)
    message = dialect.error_message(body) or " ".join(exchange.text.split())
    words = error_words(body, message)
    error_type = aws_error_type(exchange.headers)
    # Of an error that AWS passes on, the status of the model decides what a retry can do.
    effective = passed_on_status(status, body)
    cause = dialect.refused_for(effective, words)
    transient = effective in _TRANSIENT or (effective >= 500 and effective not in _NEVER_TRANSIENT)
    # What is refused for its content is refused again, also with a status that usually passes.
    transient = (transient or error_type in dialect.transient_errors) and cause is None
    should_retry = exchange.headers.get("x-should-retry")
    if should_retry in {"true", "false"}:
        transient = should_retry == "true"
    return CallError(
        "http",
        f"{shown} returned {status}{f': {message[:_SHOWN]}' if message else ''}",
        aws_hint(error_type, message) if error_type else _hint(status, exchange.headers, key_variable),
        http_status=status,
        body=exchange.text[:QUOTED],
        remedy=Remedy(
            transient=transient,
            wait_s=retry_after_s(exchange.headers) if transient else None,
            too_large=cause in {"documents", "bytes"} or (cause is None and effective in _TOO_LARGE),
            permanent=status in _CLOSED,
            refused_for=cause,
            most_documents=most_documents(words) if cause == "documents" else None,
        ),
    )


def _hint(status: int, headers: Mapping[str, str], key_variable: str | None) -> str | None:
    if status in {401, 403}:
        return (
            f"check the key in {key_variable}"
            if key_variable
            else "set api_key_env to the variable that contains the key"
        )
    if 300 <= status < 400:
        return f"set url to {headers.get('location', 'the redirect target')}; redirects are not followed"
    if status == 202:
        return "use a dialect that polls for the result, or another url"
    return None


def read_json(exchange: Exchange, shown: str, endpoint: str) -> Any:
    """Return the parsed JSON of a reply with status 200.

    Parameters
    ----------
    exchange, shown
        See `refusal`.
    endpoint
        What the url should point to, for the hint, e.g. ``"the rerank endpoint"``.

    Raises
    ------
    CallError
        If the body is not JSON.
    """
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        _raise_not_json(exchange, shown, endpoint)


def _raise_not_json(exchange: Exchange, shown: str, endpoint: str) -> NoReturn:
    where: dict[str, Any] = {"http_status": exchange.status, "body": exchange.text[:QUOTED]}
    if not exchange.content.strip():
        raise CallError("reply", f"{shown} returned 200 with an empty body", remedy=RETRYABLE, **where)
    # NaN is not JSON. A retry would return it again, so this failure is permanent.
    if any(word in exchange.content for word in (b"NaN", b"Infinity")):
        raise CallError(
            "reply", f"{shown} returned a number that is not finite: {beginning(exchange.text)}", **where
        )
    raise CallError(
        "reply",
        f"{shown} returned 200 with a body that is not JSON: {beginning(exchange.text)}",
        f"check that the url is {endpoint}",
        remedy=RETRYABLE,
        **where,
    )


def bad_reply(error: CallError, exchange: Exchange, shown: str) -> CallError:
    """Return an error found in a reply, with the server's address and the beginning of the reply added."""
    return CallError(
        error.kind,
        f"{shown}: {error.message} (reply: {beginning(exchange.text)})",
        error.hint,
        http_status=exchange.status,
        body=exchange.text[:QUOTED],
        remedy=error.remedy,
    )


def check_model(requested: str, answered: str | None, exchange: Exchange, shown: str) -> None:
    """Check that a reply comes from the requested model: results would otherwise be credited to the wrong model.

    Raises
    ------
    CallError
        If the reply names another model.
    """
    if answered is None or ANY_MODEL in {requested, answered} or same_model(requested, answered):
        return
    raise CallError(
        "model",
        f"{shown} returned results of model {answered!r}; requested: {requested!r}",
        f"set expect_model: {answered}, if this is the intended model",
        http_status=exchange.status,
        body=exchange.text[:QUOTED],
        remedy=Remedy(permanent=True),
    )


def beginning(text: str) -> str:
    """Return the beginning of a text on one line, quoted."""
    line = " ".join(text.split())
    return repr(line[:_SHOWN] + ("..." if len(line) > _SHOWN else ""))


def _json_or_none(exchange: Exchange) -> Any:
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        return None
