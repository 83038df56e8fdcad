"""A rerank API over HTTP. The dialect knows the wire, `connection` the transport; this file the meaning."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from evalkit.dialects import ANY_MODEL, Dialect, WireReply, WireRequest, read_error_message
from evalkit.errors import MAY_PASS, CallError, Remedy
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Timeline
from evalkit.rerankers.connection import Connections, Exchange
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.rerankers.model_names import same_model
from evalkit.rerankers.secrets import Redactor
from evalkit.rerankers.waiting import asked_wait_s, used_up_wait_s

QUOTED = 2000
"""Characters of a bad reply kept for the failure log."""
_SHOWN = 120
"""Characters of it shown in a message."""
_TRANSIENT = {408, 409, 425, 429}
_NEVER_TRANSIENT = {501, 505}
_TOO_LARGE = {413, 422}
_CLOSED = {401, 402, 403, 404}
_POLL_S = 0.25


class Http:
    """A rerank API: give it a url and a dialect, or let evalkit serve a local backend (``serve:``)."""

    Settings = HttpSettings

    def __init__(self, settings: HttpSettings) -> None:
        url = settings.address()
        if url is None:
            raise CallError("connect", "no server is running for this 'serve:' block")
        self.settings = settings
        self.dialect: Dialect = settings.open_dialect()
        self.pointwise = settings.pointwise
        self.score_kind: ScoreKind = self.dialect.kind_of_scores(settings.options)
        key = read_key(settings.api_key_env)
        self.connections = Connections(
            url,
            {"Content-Type": "application/json", **self.dialect.headers(key), **settings.headers},
            settings.connect_timeout_s,
            settings.timeout_s,
            Redactor(key),
        )

    def score(self, request: RerankRequest) -> RerankResponse:
        """Post one request and return its scores.

        Raises
        ------
        CallError
            If the server cannot be reached, refuses, or does not score every document.
        """
        wire = WireRequest(self.settings.model, request.query, request.documents)
        body = self._encode(wire)
        encoded_s = time.perf_counter()
        first = self.connections.post(body, self._idempotency(request))
        exchange = self._wait_until_done(first)
        if exchange.status != 200:
            raise self.refusal(exchange)
        reply = self.decode(exchange, wire)
        self._check_model(reply, exchange)
        return RerankResponse(
            scores=reply.scores,
            order=reply.order if self.dialect.sorted else None,
            usage=reply.usage,
            server_times=reply.server_times,
            model=reply.model,
            http_status=exchange.status,
            conn_reused=first.reused,
            pause_s=used_up_wait_s(exchange.headers),
            timeline=Timeline(encoded_s, first.sent_s, exchange.headers_s, exchange.body_s),
        )

    def close(self) -> None:
        """Close the connections of all threads."""
        self.connections.close()

    def _encode(self, wire: WireRequest) -> bytes:
        try:
            return orjson.dumps(self.dialect.encode_request(wire, self.settings.options))
        except TypeError as error:
            raise CallError(
                "request", f"the request cannot be written as JSON: {error}", "clean the texts of the dataset"
            ) from None

    def _idempotency(self, request: RerankRequest) -> Mapping[str, str] | None:
        header = self.dialect.idempotency_header
        return {header: request.call_id} if header and request.call_id else None

    def _wait_until_done(self, exchange: Exchange) -> Exchange:
        """Fetch a reply that the server accepted but had not ready."""
        deadline = time.perf_counter() + self.settings.timeout_s
        while (
            url := self.dialect.follow_up(exchange.status, exchange.headers, self.connections.url)
        ) is not None:
            if time.perf_counter() > deadline:
                raise CallError(
                    "timeout",
                    f"{self.connections.shown} had not finished after {self.settings.timeout_s:g} s",
                    "raise timeout_s",
                    http_status=exchange.status,
                    remedy=MAY_PASS,
                )
            time.sleep(_POLL_S)
            exchange = self.connections.exchange("GET", url, None)
        return exchange

    def refusal(self, exchange: Exchange) -> CallError:
        """Return what a reply that is not 200 means: whether to ask again, and when."""
        status = exchange.status
        said = read_error_message(_json_or_none(exchange)) or " ".join(exchange.text.split())
        message = f"{self.connections.shown} answered {status}{f': {said[:_SHOWN]}' if said else ''}"
        transient = status in _TRANSIENT or (status >= 500 and status not in _NEVER_TRANSIENT)
        if self.dialect.is_permanent(status, said):
            transient = False
        told = exchange.headers.get("x-should-retry")
        if told in {"true", "false"}:
            transient = told == "true"
        return CallError(
            "http",
            message,
            self._hint(status, exchange.headers),
            http_status=status,
            body=exchange.text[:QUOTED],
            remedy=Remedy(
                transient=transient,
                wait_s=asked_wait_s(exchange.headers) if transient else None,
                too_large=status in _TOO_LARGE,
                closes=status in _CLOSED,
            ),
        )

    def _hint(self, status: int, headers: Mapping[str, str]) -> str | None:
        if status in {401, 403}:
            variable = self.settings.api_key_env
            return f"check the key in {variable}" if variable else "name the key's variable with api_key_env"
        if 300 <= status < 400:
            return f"redirects are not followed: set url to {headers.get('location', 'where it points')}"
        if status == 202:
            return "the request was only accepted: use the dialect that fetches such replies, or another url"
        return None

    def decode(self, exchange: Exchange, wire: WireRequest) -> WireReply:
        """Read the scores of a good reply.

        Raises
        ------
        CallError
            If it is not JSON, or holds anything but one finite score for each document.
        """
        try:
            body = orjson.loads(exchange.content)
        except orjson.JSONDecodeError:
            self._tell_not_json(exchange)
        try:
            return self.dialect.decode_response(body, exchange.headers, wire)
        except CallError as error:
            raise CallError(
                error.kind,
                f"{self.connections.shown}: {error.message} (the reply begins {_beginning(exchange)})",
                error.hint,
                http_status=exchange.status,
                body=exchange.text[:QUOTED],
            ) from None

    def _tell_not_json(self, exchange: Exchange) -> NoReturn:
        where: dict[str, Any] = {"http_status": exchange.status, "body": exchange.text[:QUOTED]}
        if not exchange.content.strip():
            raise CallError(
                "reply", f"{self.connections.shown} answered 200 with an empty body", remedy=MAY_PASS, **where
            )
        # NaN is no JSON, and a server that writes it writes it again: that is an answer, a wrong one.
        if any(word in exchange.content for word in (b"NaN", b"Infinity")):
            raise CallError(
                "reply",
                f"{self.connections.shown} answered a number that is not finite: {_beginning(exchange)}",
                **where,
            )
        raise CallError(
            "reply",
            f"{self.connections.shown} answered 200 but not JSON: {_beginning(exchange)}",
            "check that the url is the rerank endpoint",
            remedy=MAY_PASS,
            **where,
        )

    def _check_model(self, reply: WireReply, exchange: Exchange) -> None:
        wanted = self.settings.expect_model or self.settings.model
        if reply.model is None or ANY_MODEL in {wanted, reply.model}:
            return
        if same_model(wanted, reply.model):
            return
        raise CallError(
            "model",
            f"{self.connections.shown} was asked for model {wanted!r} and answered as {reply.model!r}",
            f"if that is right, set expect_model: {reply.model}",
            http_status=exchange.status,
            body=exchange.text[:QUOTED],
            remedy=Remedy(closes=True),
        )


def read_key(variable: str | None) -> str | None:
    """Return the key that an environment variable holds; None where none is named."""
    return os.environ.get(variable, "").strip() or None if variable else None


def _json_or_none(exchange: Exchange) -> Any:
    try:
        return orjson.loads(exchange.content)
    except orjson.JSONDecodeError:
        return None


def _beginning(exchange: Exchange) -> str:
    text = " ".join(exchange.text.split())
    return repr(text[:_SHOWN] + ("..." if len(text) > _SHOWN else ""))
