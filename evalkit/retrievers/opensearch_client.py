"""Questions to a search engine over HTTP, asked again where that may help."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

import httpx
import orjson
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from evalkit.errors import MAY_PASS, NO_REMEDY, CallError, InputError
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
        self._address = f"{settings.url}/{quote(settings.index, safe=',*')}/_search"
        credentials, self._secrets = _credentials(settings)
        self._http = httpx.Client(
            headers={"Content-Type": "application/json", **credentials},
            params={**_ASKED, "search_type": settings.search_type},
            timeout=settings.timeout_s,
            limits=httpx.Limits(max_connections=settings.concurrency),
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
        self._http.close()

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
        response = self._post(query_id, content)
        settings = self._settings
        asked = Asked(
            self._address, query_id, settings.id_field, settings.api_key_env or settings.password_env
        )
        if response.status_code != 200:
            answer = _json(self._struck(response.text))
            raise refusal(asked, response.status_code, answer, _seconds(response.headers.get("retry-after")))
        return read_hits(asked, _json(response.text))

    def _post(self, query_id: str, content: bytes) -> httpx.Response:
        try:
            response = self._http.post(self._address, content=content)
        except httpx.TimeoutException:
            raise CallError(
                "timeout",
                f"{self._address} did not answer query {query_id!r} within {self._settings.timeout_s:g} s",
                "raise timeout_s, or lower concurrency",
                remedy=MAY_PASS,
            ) from None
        except httpx.HTTPError as error:
            raise CallError(
                "connect",
                f"cannot reach {self._address}: {self._struck(str(error)) or type(error).__name__}",
                "is the engine running, and is the url right? SSL_CERT_FILE names certificates of your own",
                # Before anything was answered the address is wrong, rather than the moment bad.
                remedy=MAY_PASS if self._answered else NO_REMEDY,
            ) from None
        self._answered = True
        return response

    def _struck(self, text: str) -> str:
        """Return a text without the key, should anybody repeat it."""
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return text

    def _may_pass(self, error: BaseException) -> bool:
        if not isinstance(error, CallError) or not error.remedy.transient:
            return False
        return (error.remedy.wait_s or 0.0) <= self._settings.longest_wait_s

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.remedy.wait_s if isinstance(error, CallError) else None
        return self._backoff(state) if told is None else told


def _credentials(settings: OpenSearchSettings) -> tuple[dict[str, str], list[str]]:
    """Return the header that identifies us, and what no message may repeat."""
    key, user, password = (
        os.environ.get(name or "", "").strip()
        for name in (settings.api_key_env, settings.user_env, settings.password_env)
    )
    if key:
        return {"Authorization": f"{settings.api_key_scheme} {key}"}, [key]
    if not user:
        return {}, []
    coded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {coded}"}, [coded, password]


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _seconds(told: str | None) -> float | None:
    """Return the seconds of a ``Retry-After``; None for a date, which is rare."""
    return float(told) if told and told.isdecimal() else None
