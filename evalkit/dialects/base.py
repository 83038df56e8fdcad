"""The base class of all dialects: a shape, limits, and methods for what an API does differently."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from evalkit.dialects.reading import (
    COMMON_TIMES,
    first_amount,
    header_amount,
    read_results,
    read_server_times,
    unusable_amounts,
    whole,
)
from evalkit.dialects.served_format import ServedFormat
from evalkit.dialects.shape import dig, put
from evalkit.dialects.wire import WireReply, WireRequest
from evalkit.errors import CallError, RefusedFor
from evalkit.records import Usage, shown_amount


class Dialect(ServedFormat):
    """The wire format of one rerank API. Holds no state that changes, and does no I/O.

    A subclass sets what differs: most are a `Shape` and some limits, and override nothing. The methods here are the
    client's; those of `ServedFormat` are the server's.
    """

    home: ClassVar[str | None] = None
    """Public host; a configuration then needs no url. None if there is none."""
    max_bytes: ClassVar[int | None] = None
    """Maximum size of a request's body."""
    max_tokens: ClassVar[int | None] = None
    """Maximum number of tokens of a request: those of the query once for each document, and those of the documents."""
    fixed_headers: ClassVar[Mapping[str, str]] = {}
    idempotency_header: ClassVar[str | None] = None
    cost_header: ClassVar[str | None] = None

    def url(self, model: str) -> str | None:
        """Return the public address for a model; None if the API has no public host."""
        if self.home is None:
            return None
        return self.home + self.path.replace("{model}", quote(model, safe="/"))

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the request headers that the API requires, including the key."""
        key = {self.key_header: f"{self.key_prefix}{api_key}"} if api_key else {}
        return {**self.fixed_headers, **key}

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON body of a request with further options; defaults are not sent."""
        shape = self.shape
        body: dict[str, Any] = {}
        for name, value in (options or {}).items():
            put(body, name, copy.deepcopy(value))
        if shape.model:
            put(body, shape.model, request.model)
        put(body, shape.query, request.query)
        put(
            body,
            shape.documents,
            [self._encode_document(i, text) for i, text in enumerate(request.documents)],
        )
        if shape.top_n and request.top_n is not None:
            put(body, shape.top_n, request.top_n)
        if shape.return_documents and request.return_documents != shape.echoes:
            put(body, shape.return_documents, request.return_documents != shape.return_inverted)
        return body

    def _encode_document(self, index: int, text: str) -> Any:
        shape = self.shape
        if shape.document_key is None:
            return text
        named = {shape.document_id_key: str(index)} if shape.document_id_key else {}
        return {**named, shape.document_key: text}

    def decode_response(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> WireReply:
        """Read a reply.

        Parameters
        ----------
        body
            Parsed JSON.
        headers
            Names in lower case.
        request
            The request that was sent.

        Raises
        ------
        CallError
            Kind ``reply``, unless there is exactly one finite score for each document.
        """
        if self.shape.results and not isinstance(body, dict):
            raise CallError("reply", "the reply is not a JSON object")
        scores, order = read_results(dig(body, self.shape.results), len(request.documents), self.shape)
        model = dig(body, "model")
        return WireReply(
            scores=scores,
            order=order,
            usage=self.read_usage(body, headers, request),
            server_times=read_server_times(headers, body, (*self.server_times, *COMMON_TIMES)),
            model=model if isinstance(model, str) and model else None,
            unusable=self._unusable(body, headers),
        )

    def _unusable(self, body: Any, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what the API reports as billed but is no amount: field -> value."""
        shape = self.shape
        sent = {name: headers.get(name) for name in (self.token_header, self.cost_header) if name}
        return unusable_amounts(
            body, (*shape.tokens, *shape.billed_bytes), (*shape.units, *shape.cost_usd)
        ) | {
            name: shown_amount(text)
            for name, text in sent.items()
            if text and text.lower() not in {"none", "null"} and header_amount(headers, name) is None
        }

    def read_usage(self, body: Any, headers: Mapping[str, str], _request: WireRequest) -> Usage:
        """Return what the API reports as billed; None for what it does not report."""
        shape = self.shape
        tokens = first_amount(body, shape.tokens)
        if tokens is None and self.token_header:
            tokens = header_amount(headers, self.token_header)
        cost = first_amount(body, shape.cost_usd)
        if cost is None and self.cost_header:
            cost = header_amount(headers, self.cost_header)
        return Usage(
            tokens=whole(tokens),
            units=first_amount(body, shape.units),
            billed_bytes=whole(first_amount(body, shape.billed_bytes)),
            cost_usd=cost,
        )

    def refused_for(self, _status: int, _message: str) -> RefusedFor | None:
        """Return what the API refused, as far as a status and its error message tell; None if they do not."""
        return None

    def is_permanent(self, _status: int, _message: str) -> bool:
        """Return whether a retry cannot succeed although the status is that of a transient error."""
        return False

    def follow_up(self, _status: int, _headers: Mapping[str, str], _url: str) -> str | None:
        """Return the address of a reply that is not ready yet; None if the reply is complete."""
        return None
