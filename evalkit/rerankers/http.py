"""A rerank API over HTTP. The dialect knows the wire; this file knows the connection."""

from __future__ import annotations

import os
import threading
from typing import Annotated, Any, ClassVar, Literal

import httpx
import orjson
from pydantic import Field, field_validator, model_validator

from evalkit import registry
from evalkit.config import RerankerSettings
from evalkit.config.blocks import PositiveInt
from evalkit.dialects import Dialect, WireReply, WireRequest
from evalkit.errors import CallError, EvalkitError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind

_QUOTED = 2000
"""Characters of a bad reply kept for the failure log."""


class Http:
    """A rerank API: give it a url and a dialect, or let evalkit serve a local backend (``serve:``)."""

    class Settings(RerankerSettings):
        """Settings of `http`.

        Attributes
        ----------
        dialect
            Wire format.
        url
            Full URL that requests are posted to.
        serve
            Settings of a local backend, served on loopback for the time of the experiment,
            instead of a url.
        model
            Name sent with every request.
        api_key_env
            Environment variable that holds the key; the key itself never stands in a file.
        max_documents
            Most documents of one request; the dialect's own limit where absent.
        timeout_s
            Longest wait for connecting, and for each part of the reply.
        pointwise
            Set to false for a reranker that looks at the whole list: it is then asked once
            for every depth, with all candidates in one request.
        """

        backend: Literal["http"] = "http"
        dialect: str = "assisters"
        url: str | None = None
        serve: dict[str, Any] | None = None
        model: str = "any"
        api_key_env: str | None = None
        max_documents: PositiveInt | None = None
        timeout_s: Annotated[float, Field(gt=0)] = 30.0
        pointwise: bool = True

        nested: ClassVar[dict[str, str]] = {"serve": "reranker backend"}

        @field_validator("dialect")
        @classmethod
        def _known_dialect(cls, name: str) -> str:
            try:
                registry.lookup("dialect", name)
            except EvalkitError as error:
                raise ValueError(f"{error.message}; {error.hint}") from None
            return name

        @field_validator("url")
        @classmethod
        def _absolute_url(cls, url: str | None) -> str | None:
            if url is not None and not url.startswith(("http://", "https://")):
                raise ValueError("must start with http:// or https://")
            return url

        @model_validator(mode="after")
        def _one_way_in(self) -> Http.Settings:
            if (self.url is None) == (self.serve is None):
                raise ValueError("the http backend needs either 'url' or 'serve', and not both")
            return self

        def most_documents(self) -> int | None:
            """Return what the API takes in one request."""
            return self.max_documents or int(registry.lookup("dialect", self.dialect).max_documents)

    def __init__(self, settings: Settings) -> None:
        if settings.url is None:
            raise CallError("connect", "no server is running for this 'serve:' block")
        self._settings = settings
        self._url = settings.url
        self._dialect: Dialect = registry.lookup("dialect", settings.dialect)()
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self._lock = threading.Lock()
        self.pointwise = settings.pointwise
        self.score_kind: ScoreKind = self._dialect.score_kind

    def score(self, request: RerankRequest) -> RerankResponse:
        """Post one request and return its scores.

        Raises
        ------
        CallError
            If the server cannot be reached, refuses, or does not score every document.
        """
        wire = WireRequest(self._settings.model, request.query, request.documents)
        opened: list[str] = []
        response = self._post(orjson.dumps(self._dialect.encode_request(wire)), opened)
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        reply = self._decode(response, len(request.documents))
        return RerankResponse(
            scores=reply.scores,
            tokens=reply.tokens,
            server_s=self._dialect.server_seconds(response.headers),
            model=reply.model,
            http_status=response.status_code,
            conn_reused=not opened,
        )

    def close(self) -> None:
        """Close the connections of all threads."""
        for client in self._clients:
            client.close()

    def _client(self) -> httpx.Client:
        """Return this thread's client: one each, because a shared pool distorts latencies."""
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            key = os.environ.get(self._settings.api_key_env) if self._settings.api_key_env else None
            headers = {"Content-Type": "application/json", **self._dialect.headers(key)}
            client = httpx.Client(headers=headers, timeout=self._settings.timeout_s, trust_env=True)
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _post(self, body: bytes, opened: list[str]) -> httpx.Response:
        def trace(event: str, _info: Any) -> None:
            if event == "connection.connect_tcp.started":
                opened.append(event)

        try:
            return self._client().post(self._url, content=body, extensions={"trace": trace})
        except httpx.TimeoutException:
            raise CallError(
                "timeout",
                f"{self._url} did not answer within {self._settings.timeout_s:g} s",
                "raise timeout_s, or send fewer documents with batch_size",
            ) from None
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise CallError(
                "connect",
                f"cannot reach {self._url}: {error}",
                "is the server running, and is the url right?",
            ) from None
        except httpx.RequestError as error:
            raise CallError(
                "broken", f"the reply of {self._url} broke off or cannot be read: {error}"
            ) from None

    def _refusal(self, response: httpx.Response) -> CallError:
        said = self._dialect.error_message(_json_or_none(response)) or response.text.strip()[:200]
        status = response.status_code
        hint = None
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            variable = self._settings.api_key_env
            hint = f"check the key in {variable}" if variable else "name the key's variable with api_key_env"
        message = f"{self._url} answered {status}{f': {said}' if said else ''}"
        return CallError("http", message, hint, http_status=status, body=response.text[:_QUOTED])

    def _decode(self, response: httpx.Response, documents: int) -> WireReply:
        try:
            return self._dialect.decode_response(orjson.loads(response.content), documents)
        except orjson.JSONDecodeError:
            shown = response.text.strip()[:80]
            raise CallError(
                "reply",
                f"{self._url} answered 200 but not JSON: {shown!r}",
                "check that the url is the rerank endpoint",
                http_status=response.status_code,
                body=response.text[:_QUOTED],
            ) from None
        except CallError as error:
            raise CallError(
                error.kind,
                f"{self._url}: {error.message}",
                error.hint,
                http_status=response.status_code,
                body=response.text[:_QUOTED],
            ) from None


def _json_or_none(response: httpx.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
