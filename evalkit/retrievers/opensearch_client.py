"""Questions to a search engine over HTTP, asked again where that may help."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote, urlencode

import orjson
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from evalkit.errors import NOT_RETRYABLE, CallError, InputError
from evalkit.http_client import Connections, Exchange, Redactor, read_key, retry_after_s
from evalkit.retrievers.opensearch_replies import Asked, Hit, read_hits, refusal
from evalkit.retrievers.opensearch_settings import OpenSearchSettings

_ASKED = {
    "allow_no_indices": "false",
    "allow_partial_search_results": "false",
    "preference": "evalkit",  # one copy of every shard for all queries: others score a little differently
    "request_cache": "false",
}


class OpenSearchClient:
    """Asks one index. Used from several threads.

    Parameters
    ----------
    settings
        Where it is, and how it is asked.
    """

    def __init__(self, settings: OpenSearchSettings) -> None:
        self._settings = settings
        address = f"{settings.url}/{quote(settings.index, safe=',*')}/_search"
        credentials, redactor = _credentials(settings)
        self._connections = Connections(
            f"{address}?{urlencode({**_ASKED, 'search_type': settings.search_type})}",
            {"Content-Type": "application/json", **credentials},
            settings.timeout_s,
            settings.timeout_s,
            redactor,
        )
        self._answered = False
        first = settings.retry_wait_s
        self._backoff = wait_exponential(multiplier=first, max=settings.longest_wait_s) + wait_random(
            0, first
        )
        self._retrying = Retrying(
            stop=stop_after_attempt(1 + settings.retries),
            retry=retry_if_exception(self._may_pass),
            wait=self._wait_s,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.close()

    def search(self, query_id: str, body: Mapping[str, Any]) -> list[Hit]:
        """Return what a query finds, in the engine's order.

        Raises
        ------
        InputError
            If there is no such index, or it cannot answer such a query.
        CallError
            If no whole answer comes, though it was asked for as often as may help.
        """
        try:
            content = orjson.dumps(body)
        except TypeError as error:
            raise InputError(
                f"query {query_id!r} cannot be written as JSON: {error}", "clean its text"
            ) from None
        return self._retrying(self._ask, query_id, content)

    def _ask(self, query_id: str, content: bytes) -> list[Hit]:
        exchange = self._post(query_id, content)
        settings = self._settings
        asked = Asked(
            self._connections.display_url,
            query_id,
            settings.id_field,
            settings.api_key_env or settings.password_env,
        )
        answer = _json(exchange.content)
        if exchange.status != 200:
            raise refusal(asked, exchange.status, answer, retry_after_s(exchange.headers))
        return read_hits(asked, answer)

    def _post(self, query_id: str, content: bytes) -> Exchange:
        try:
            exchange = self._connections.post(content)
        except CallError as error:
            # Before anything was answered the address is wrong, rather than the moment bad.
            wrong = error.kind == "connect" and not self._answered
            remedy = NOT_RETRYABLE if wrong else error.remedy
            raise CallError(
                error.kind, f"query {query_id!r}: {error.message}", _hint(error), remedy=remedy
            ) from None
        self._answered = True
        return exchange

    def _may_pass(self, error: BaseException) -> bool:
        if not isinstance(error, CallError) or not error.remedy.transient:
            return False
        return (error.remedy.wait_s or 0.0) <= self._settings.longest_wait_s

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.remedy.wait_s if isinstance(error, CallError) else None
        return self._backoff(state) if told is None else told


def _credentials(settings: OpenSearchSettings) -> tuple[dict[str, str], Redactor]:
    """Return the header that identifies us, and what strikes out what no message may repeat."""
    names = (settings.api_key_env, settings.user_env, settings.password_env)
    key, user, password = (read_key(name) for name in names)
    if key:
        return {"Authorization": f"{settings.api_key_scheme} {key}"}, Redactor(key)
    if not user:
        return {}, Redactor()
    told = f"{user}:{password or ''}"
    coded = base64.b64encode(told.encode()).decode()
    return {"Authorization": f"Basic {coded}"}, Redactor(told, password)


def _hint(error: CallError) -> str | None:
    """Return what may help, in the words of these settings."""
    if error.kind == "timeout":
        return "raise timeout_s, or lower concurrency"
    if error.kind == "connect":
        return "is the engine running, and is the url right? SSL_CERT_FILE names certificates of your own"
    return error.hint


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
