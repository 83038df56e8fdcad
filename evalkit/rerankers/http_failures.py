"""Turn bad replies into call errors: an error status, an error in a 200, no JSON, or a reply of another model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

import orjson

from evalkit.dialects import ANY_MODEL, Dialect
from evalkit.dialects.error_reading import ReplyError, read_events, read_reply_error
from evalkit.dialects.refusal_causes import error_words, most_documents
from evalkit.errors import RETRYABLE, CallError, Remedy, shortened
from evalkit.http_client import Exchange, retry_after_s
from evalkit.rerankers.aws_failures import aws_error_type, aws_hint, passed_on_status
from evalkit.rerankers.model_names import same_model

_LOGGED = 2000
"""Characters of a bad reply in the failure log above which its middle is left out."""
_SHOWN = 300
"""Characters of a bad reply in a message above which its middle is left out."""
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
    status, body = exchange.status, json_or_none(exchange)
    message = error_sentence(exchange, dialect)
    words = error_words(body, message, dialect.error_message(body))
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
        f"{shown} returned {status}{f': {on_one_line(message)}' if message else ''}",
        aws_hint(error_type, message) if error_type else _hint(status, exchange.headers, key_variable),
        http_status=status,
        body=logged(exchange),
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


def read_json(exchange: Exchange, shown: str, endpoint: str, refused: Callable[[Exchange], CallError]) -> Any:
    """Return the parsed JSON of a reply with status 200.

    Parameters
    ----------
    exchange, shown
        See `refusal`.
    endpoint
        What the url should point to, for the hint, e.g. ``"the rerank endpoint"``.
    refused
        Returns the call error of the same reply with an error status.

    Raises
    ------
    CallError
        If the body is not JSON.
    """
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        streamed = streamed_error(exchange)
        if streamed is not None:
            raise error_in_reply(streamed, exchange, refused, shown) from None
        _raise_not_json(exchange, shown, endpoint)


def _raise_not_json(exchange: Exchange, shown: str, endpoint: str) -> NoReturn:
    where: dict[str, Any] = {"http_status": exchange.status, "body": logged(exchange)}
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


def fault_in_reply(
    error: CallError,
    body: Any,
    exchange: Exchange,
    refused: Callable[[Exchange], CallError],
    shown: str,
    *,
    has_results: bool,
    dialect: Dialect | None = None,
) -> CallError:
    """Return the error of a reply with status 200 that cannot be used: the one that it contains, else `error`.

    Parameters
    ----------
    error
        Why the reply is malformed.
    body
        The reply, as parsed from JSON.
    exchange, shown
        See `refusal`.
    refused
        Returns the call error of the same reply with an error status.
    has_results
        Whether the reply contains some results: then only an explicit error counts as one.
    dialect
        Where the API puts its error message; None for the usual places.
    """
    found = (dialect or Dialect()).reply_error(body, has_results=has_results)
    return (
        bad_reply(error, exchange, shown)
        if found is None
        else error_in_reply(found, exchange, refused, shown)
    )


def error_in_reply(
    found: ReplyError, exchange: Exchange, refused: Callable[[Exchange], CallError], shown: str
) -> CallError:
    """Return the call error of an error inside a reply with status 200: retried as its HTTP status would be.

    Parameters
    ----------
    found
        The error.
    exchange, refused, shown
        See `fault_in_reply`.
    """
    as_status = refused(replace(exchange, status=found.status))
    remedy = as_status.remedy
    if remedy.transient and remedy.wait_s is None:
        remedy = replace(remedy, wait_s=found.wait_s)
    remedy = replace(remedy, status=found.status)
    return CallError(
        "http",
        f"{shown} returned {exchange.status} with an error: {on_one_line(found.message)}",
        as_status.hint,
        http_status=exchange.status,
        body=logged(exchange),
        remedy=remedy,
    )


def streamed_error(exchange: Exchange) -> ReplyError | None:
    """Return the error in a body of server-sent events or JSON lines; None if there is none."""
    errors = (read_reply_error(event, has_results=False) for event in read_events(exchange.text))
    return next((error for error in errors if error is not None), None)


def bad_reply(error: CallError, exchange: Exchange, shown: str) -> CallError:
    """Return an error found in a reply, with the server's address and the reply added."""
    return CallError(
        error.kind,
        f"{shown}: {error.message} (reply: {beginning(exchange.text)})",
        error.hint,
        http_status=exchange.status,
        body=logged(exchange),
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
        body=logged(exchange),
        remedy=Remedy(permanent=True),
    )


def beginning(text: str) -> str:
    """Return a text on one line, quoted; of a long one the beginning and the end."""
    return repr(on_one_line(text))


def on_one_line(text: str) -> str:
    """Return a text on one line; of a long one the beginning and the end, where the reason often is."""
    return shortened(" ".join(text.split()), _SHOWN)


def logged(exchange: Exchange) -> str:
    """Return the body of a reply for the failure log; of a long one the beginning and the end."""
    return shortened(exchange.text, _LOGGED)


def error_sentence(exchange: Exchange, dialect: Dialect | None = None) -> str:
    """Return the error message of a reply, from where a dialect puts it, or the whole text of the reply."""
    return (dialect or Dialect()).error_message(json_or_none(exchange)) or " ".join(exchange.text.split())


def json_or_none(exchange: Exchange) -> Any:
    """Return the body of a reply as parsed from JSON; None if it is not JSON."""
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        return None
