"""What a reply means that is not what was asked for: refused, no JSON, another model's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import orjson

from evalkit.dialects import ANY_MODEL, read_error_message
from evalkit.errors import RETRYABLE, CallError, Remedy
from evalkit.http_client import Exchange, retry_after_s
from evalkit.rerankers.model_names import same_model

QUOTED = 2000
"""Characters of a bad reply kept for the failure log."""
_SHOWN = 120
"""Characters of it shown in a message."""
_TRANSIENT = {408, 409, 425, 429}
_NEVER_TRANSIENT = {501, 505}
_TOO_LARGE = {413, 422}
_CLOSED = {401, 402, 403, 404}


def refusal(
    exchange: Exchange,
    shown: str,
    key_variable: str | None,
    is_permanent: Callable[[int, str], bool] = lambda _status, _said: False,
) -> CallError:
    """Return what a reply that is not 200 means: whether to ask again, and when.

    Parameters
    ----------
    exchange
        The reply.
    shown
        The address, as messages show it.
    key_variable
        The variable that holds the key; None where none is named.
    is_permanent
        Whether a status with a sentence is final, though its kind mostly passes.
    """
    status = exchange.status
    said = read_error_message(_json_or_none(exchange)) or " ".join(exchange.text.split())
    transient = status in _TRANSIENT or (status >= 500 and status not in _NEVER_TRANSIENT)
    if is_permanent(status, said):
        transient = False
    told = exchange.headers.get("x-should-retry")
    if told in {"true", "false"}:
        transient = told == "true"
    return CallError(
        "http",
        f"{shown} answered {status}{f': {said[:_SHOWN]}' if said else ''}",
        _hint(status, exchange.headers, key_variable),
        http_status=status,
        body=exchange.text[:QUOTED],
        remedy=Remedy(
            transient=transient,
            wait_s=retry_after_s(exchange.headers) if transient else None,
            too_large=status in _TOO_LARGE,
            permanent=status in _CLOSED,
        ),
    )


def _hint(status: int, headers: Mapping[str, str], key_variable: str | None) -> str | None:
    if status in {401, 403}:
        return (
            f"check the key in {key_variable}" if key_variable else "name the key's variable with api_key_env"
        )
    if 300 <= status < 400:
        return f"redirects are not followed: set url to {headers.get('location', 'where it points')}"
    if status == 202:
        return "the request was only accepted: use the dialect that fetches such replies, or another url"
    return None


def read_json(exchange: Exchange, shown: str, endpoint: str) -> Any:
    """Return the JSON of a good reply.

    Parameters
    ----------
    exchange, shown
        See `refusal`.
    endpoint
        What the url should be, e.g. ``"the rerank endpoint"``.

    Raises
    ------
    CallError
        If it is none.
    """
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        _tell_not_json(exchange, shown, endpoint)


def _tell_not_json(exchange: Exchange, shown: str, endpoint: str) -> NoReturn:
    where: dict[str, Any] = {"http_status": exchange.status, "body": exchange.text[:QUOTED]}
    if not exchange.content.strip():
        raise CallError("reply", f"{shown} answered 200 with an empty body", remedy=RETRYABLE, **where)
    # NaN is no JSON, and a server that writes it writes it again: that is an answer, a wrong one.
    if any(word in exchange.content for word in (b"NaN", b"Infinity")):
        raise CallError(
            "reply", f"{shown} answered a number that is not finite: {beginning(exchange.text)}", **where
        )
    raise CallError(
        "reply",
        f"{shown} answered 200 but not JSON: {beginning(exchange.text)}",
        f"check that the url is {endpoint}",
        remedy=RETRYABLE,
        **where,
    )


def bad_reply(error: CallError, exchange: Exchange, shown: str) -> CallError:
    """Return a fault found in a reply with the address it came from and how it begins."""
    return CallError(
        error.kind,
        f"{shown}: {error.message} (the reply begins {beginning(exchange.text)})",
        error.hint,
        http_status=exchange.status,
        body=exchange.text[:QUOTED],
        remedy=error.remedy,
    )


def check_model(wanted: str, told: str | None, exchange: Exchange, shown: str) -> None:
    """Refuse the reply of another model than the one asked for: figures would be credited to the wrong one.

    Raises
    ------
    CallError
        If the reply names another model.
    """
    if told is None or ANY_MODEL in {wanted, told} or same_model(wanted, told):
        return
    raise CallError(
        "model",
        f"{shown} was asked for model {wanted!r} and answered as {told!r}",
        f"if that is right, set expect_model: {told}",
        http_status=exchange.status,
        body=exchange.text[:QUOTED],
        remedy=Remedy(permanent=True),
    )


def beginning(text: str) -> str:
    """Return the first words of a text on one line, in quotes."""
    line = " ".join(text.split())
    return repr(line[:_SHOWN] + ("..." if len(line) > _SHOWN else ""))


def _json_or_none(exchange: Exchange) -> Any:
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        return None
