"""A reranker behind an HTTP API. Dialects define the wire format, `evalkit.http_client` does the transport."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.dialects import Dialect, WireReply, WireRequest
from evalkit.errors import CallError
from evalkit.http_client import Exchange, encode_json, rate_limit_reset_s
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Timeline
from evalkit.rerankers.base import IN_QUERY
from evalkit.rerankers.failure_evidence import Evidence
from evalkit.rerankers.failure_hints import advise
from evalkit.rerankers.http_failures import check_model, fault_in_reply, read_json, refusal
from evalkit.rerankers.http_settings import HttpSettings
from evalkit.rerankers.reply_pages import with_all_pages
from evalkit.rerankers.reply_shapes import has_results

_POLL_S = 0.25


class Http:
    """A rerank API: give it a url and a dialect, or let evalkit serve a local backend (``serve:``)."""

    Settings = HttpSettings

    def __init__(self, settings: HttpSettings) -> None:
        access = settings.aws_access()
        region = access.region() if access else None
        url = settings.address(region)
        if url is None:
            raise CallError("connect", "no server is running for this 'serve:' block")
        self.settings = settings
        self.dialect: Dialect = settings.open_dialect().in_region(region)
        self.pointwise = settings.pointwise
        self.score_kind: ScoreKind = settings.scores or self.dialect.kind_of_scores(settings.options)
        self._templates, self._sends_top_n = settings.templates(), settings.sends_top_n()
        self._instruction_field = settings.instruction_field()
        self.connections = settings.connections(
            url, self.dialect.headers, access.signer() if access else None
        )

    @property
    def instruction_place(self) -> str:
        """Where the instruction of a query is sent."""
        field = self._instruction_field
        return IN_QUERY if field is None else f"the field {field} of the request"

    def score(self, request: RerankRequest) -> RerankResponse:
        """Post one request and return its scores.

        Raises
        ------
        CallError
            If the server cannot be reached, returns an error, or does not score every document.
        """
        wire = self._limited(self.wire_request(request))
        sent = self.dialect.encode_request(wire, self.settings.options)
        body = encode_json(sent)
        encoded_s = time.perf_counter()
        first = self.connections.post(body, self._idempotency(request))
        exchange = self._wait_until_done(first, encoded_s + self.settings.timeout_s)
        try:
            self._check_status(exchange)
            if self.dialect.paginates:
                exchange = with_all_pages(
                    exchange,
                    self.dialect,
                    sent,
                    len(request.documents),
                    url=self.connections.display_url,
                    post=self._post_page,
                    read=self._read,
                )
            reply = self.decode(exchange, wire)
        except CallError as error:
            raise advise(error, self._evidence(exchange, wire, request)) from None
        check_model(self.settings.model_to_come, reply.model, exchange, self.connections.display_url)
        return RerankResponse(
            scores=reply.scores,
            order=reply.order if self.dialect.sorted else None,
            usage=reply.usage,
            server_times=reply.server_times,
            model=reply.model,
            http_status=exchange.status,
            conn_reused=first.reused,
            pause_s=rate_limit_reset_s(exchange.headers),
            timeline=Timeline(first.start_s, first.sent_s, exchange.headers_s, exchange.body_s),
            unusable=reply.unusable,
            # Between the exchanges of one call, this process polls or reads a page.
            harness_delay_s=exchange.harness_delay_s if exchange is first else None,
        )

    def wire_request(self, request: RerankRequest) -> WireRequest:
        """Return the request that is sent: the model's name, and the texts within their templates.

        An instruction is in the query's text, unless it has a field of its own.
        """
        if self._instruction_field is None:
            texts = self._templates.sent(request.instructed_query, request.documents)
            return WireRequest(self.settings.model, *texts)
        texts = self._templates.sent(request.query, request.documents)
        return WireRequest(self.settings.model, *texts, instruction=request.instruction)

    def body_of(self, wire: WireRequest) -> Any:
        """Return the JSON body of a request, with the options."""
        return self.dialect.encode_request(self._limited(wire), self.settings.options)

    def _limited(self, wire: WireRequest) -> WireRequest:
        """Return a request with the number of results that it asks for, where the API is sent one."""
        if self._sends_top_n and wire.top_n is None:
            return replace(wire, top_n=max(len(wire.documents), 1))
        return wire

    def close(self) -> None:
        """Close the connections of all threads."""
        self.connections.close()

    def _idempotency(self, request: RerankRequest) -> Mapping[str, str] | None:
        header = self.dialect.idempotency_header
        return {header: request.call_id} if header and request.call_id else None

    def _wait_until_done(self, exchange: Exchange, deadline_s: float) -> Exchange:
        """Poll until the reply of an accepted request is ready; return `exchange` itself if it is ready already."""
        while (
            url := self.dialect.follow_up(exchange.status, exchange.headers, self.connections.url)
        ) is not None:
            time.sleep(_POLL_S)
            exchange = self.connections.exchange("GET", url, None, deadline_s=deadline_s)
        return exchange

    def _check_status(self, exchange: Exchange) -> None:
        if exchange.status != 200:
            raise self._refusal(exchange)

    def _post_page(self, body: Any) -> Exchange:
        page = self.connections.post(encode_json(body))
        self._check_status(page)
        return page

    def _read(self, exchange: Exchange) -> Any:
        return read_json(exchange, self.connections.display_url, "the rerank endpoint", self._refusal)

    def decode(self, exchange: Exchange, wire: WireRequest) -> WireReply:
        """Return the scores of a reply with status 200.

        Raises
        ------
        CallError
            If the reply is not JSON, contains an error, or does not contain exactly one finite score per document.
        """
        shown = self.connections.display_url
        body = self._read(exchange)
        try:
            return self.dialect.decode_response(body, exchange.headers, wire)
        except CallError as error:
            raise fault_in_reply(
                error,
                body,
                exchange,
                self._refusal,
                shown,
                has_results=has_results(body, self.dialect),
                dialect=self.dialect,
            ) from None

    def _refusal(self, exchange: Exchange) -> CallError:
        return refusal(exchange, self.connections.display_url, self.settings.key_variables, self.dialect)

    def _evidence(self, exchange: Exchange, wire: WireRequest, request: RerankRequest) -> Evidence:
        """Return what is known of a call whose reply cannot be used."""
        return Evidence(
            exchange=exchange,
            url=self.connections.display_url,
            name=self.settings.dialect,
            dialect=self.dialect,
            options=self.settings.options,
            wire=wire,
            doc_ids=request.doc_ids,
            key_variable=self.settings.key_variables,
            requests_per_minute=self.settings.requests_per_minute,
        )
