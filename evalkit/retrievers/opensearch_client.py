"""Search requests to OpenSearch or Elasticsearch over HTTP, with retries."""

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

from evalkit.dialects.error_reading import read_reply_error
from evalkit.errors import NOT_RETRYABLE, CallError, InputError
from evalkit.http_client import Connections, Exchange, Redactor, require_key, retry_after_s
from evalkit.retrievers.opensearch_replies import (
    Hit,
    SearchContext,
    error_inside_reply,
    error_of_status,
    read_hits,
)
from evalkit.retrievers.opensearch_settings import OpenSearchSettings

_URL_PARAMETERS = {
    "allow_no_indices": "false",
    "allow_partial_search_results": "false",
    "preference": "evalkit",  # use the same copy of every shard for all queries: scores differ between copies
    "request_cache": "false",
}


class OpenSearchClient:
    """A thread-safe client for searches in one index.

    Parameters
    ----------
    settings
        URL, index, credentials and retries.
    """

    def __init__(self, settings: OpenSearchSettings) -> None:
        self._settings = settings
        address = f"{settings.url}/{quote(settings.index, safe=',*')}/_search"
        credentials, redactor = _credentials(settings)
        self._connections = Connections(
            f"{address}?{urlencode({**_URL_PARAMETERS, 'search_type': settings.search_type})}",
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
            retry=retry_if_exception(self._is_retryable),
            wait=self._wait_s,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.close()

    def search(self, query_id: str, body: Mapping[str, Any]) -> list[Hit]:
        """Return the hits of a query, in the engine's order.

        Raises
        ------
        InputError
            If the index does not exist, or rejects the query.
        CallError
            If the call fails after all retries.
        """
        try:
            content = orjson.dumps(body)
        except TypeError as error:
            raise InputError(
                f"cannot encode query {query_id!r} as JSON: {error}",
                "remove invalid characters from its text",
            ) from None
        return self._retrying(self._search_once, query_id, content)

    def _search_once(self, query_id: str, content: bytes) -> list[Hit]:
        exchange = self._post(query_id, content)
        settings = self._settings
        context = SearchContext(
            self._connections.display_url,
            query_id,
            settings.id_field,
            settings.api_key_env or settings.password_env,
        )
        response = _json(exchange.content)
        if exchange.status != 200:
            raise error_of_status(context, exchange.status, response, retry_after_s(exchange.headers))
        # A gateway may put its error into a reply with status 200.
        lacks_hits = not isinstance(response, dict) or "hits" not in response
        found = read_reply_error(response, has_results=False) if lacks_hits else None
        if found is not None:
            raise error_inside_reply(context, found, retry_after_s(exchange.headers))
        return read_hits(context, response)

    def _post(self, query_id: str, content: bytes) -> Exchange:
        try:
            exchange = self._connections.post(content)
        except CallError as error:
            # If no request has succeeded yet, the address is probably wrong: do not retry.
            wrong_address = error.kind == "connect" and not self._answered
            remedy = NOT_RETRYABLE if wrong_address else error.remedy
            raise CallError(
                error.kind, f"query {query_id!r}: {error.message}", _hint(error), remedy=remedy
            ) from None
        self._answered = True
        return exchange

    def _is_retryable(self, error: BaseException) -> bool:
        if not isinstance(error, CallError) or not error.remedy.transient:
            return False
        return (error.remedy.wait_s or 0.0) <= self._settings.longest_wait_s

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        requested_s = error.remedy.wait_s if isinstance(error, CallError) else None
        return self._backoff(state) if requested_s is None else requested_s


def _credentials(settings: OpenSearchSettings) -> tuple[dict[str, str], Redactor]:
    """Return the authorization header, and the redactor for its secrets."""
    names = (settings.api_key_env, settings.user_env, settings.password_env)
    key, user, password = (require_key(name) for name in names)
    if key:
        return {"Authorization": f"{settings.api_key_scheme} {key}"}, Redactor(key)
    if not user:
        return {}, Redactor()
    user_and_password = f"{user}:{password or ''}"
    encoded = base64.b64encode(user_and_password.encode()).decode()
    return {"Authorization": f"Basic {encoded}"}, Redactor(user_and_password, password)


def _hint(error: CallError) -> str | None:
    """Return the hint of a failed call in terms of the settings of this first stage."""
    if error.kind == "timeout":
        return "raise timeout_s, or lower concurrency"
    if error.kind == "connect":
        return "check the url and that the engine is running; for your own certificates, set SSL_CERT_FILE"
    return error.hint


def _json(content: bytes) -> Any:
    """Return a response body as JSON; None if it is not JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
