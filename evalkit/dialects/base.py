"""The base class of all dialects: a shape, limits, and methods for what an API does differently."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self
from urllib.parse import quote

from evalkit.dialects.error_reading import ReplyError, read_error_message, read_reply_error
from evalkit.dialects.reading import (
    COMMON_TIMES,
    first_amount,
    header_amount,
    read_results,
    read_server_times,
    unusable_amounts,
    whole,
)
from evalkit.dialects.refusal_causes import cause_in_words
from evalkit.dialects.served_format import ServedFormat
from evalkit.dialects.shape import FOR_EACH, add, dig, first_gap, put, split_path
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
    answers_at_root: ClassVar[bool] = False
    """Whether the API takes requests at ``/`` as well, so that the address of its host is complete."""
    max_bytes: ClassVar[int | None] = None
    """Maximum size of a request's body."""
    max_tokens: ClassVar[int | None] = None
    """Maximum number of tokens of a request: those of the query once for each document, and those of the documents."""
    idempotency_header: ClassVar[str | None] = None
    cost_header: ClassVar[str | None] = None
    aws_service: ClassVar[str | None] = None
    """Name of the service in AWS signatures; None if requests are not signed."""
    transient_errors: ClassVar[frozenset[str]] = frozenset()
    """Error types (``x-amzn-errortype``) after which a retry may succeed although the status is permanent."""
    paginates: ClassVar[bool] = False
    """Whether a reply may be one page of several; see `next_page`."""
    instructed_models: ClassVar[re.Pattern[str] | None] = None
    """Names of the models that apply the instruction field by the API's documentation; None if it names none."""
    needs_top_n: ClassVar[bool] = False
    """Whether every request contains the number of results, because the API requires it or has a default."""

    def url(self, model: str) -> str | None:
        """Return the public address for a model; None if the API has no public host.

        Placeholders other than the model's are part of the address: ``https://{resource}.services.ai.azure.com/...``.
        """
        if self.home is None:
            return None
        return self.home + self.path.replace("{model}", quote(model, safe="/"))

    def in_region(self, _region: str | None) -> Self:
        """Return the dialect for a region of its cloud; by default, no region changes anything."""
        return self

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the request headers that the API requires, including the key."""
        key = {self.key_header: f"{self.key_prefix}{api_key}"} if api_key else {}
        return {**self.fixed_headers, **key}

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON body of a request with further options; defaults are not sent."""
        shape = self.shape
        body: dict[str, Any] = {}
        for name, value in (options or {}).items():
            add(body, name, copy.deepcopy(value))
        if shape.model:
            add(body, shape.model, request.model)
        self._put_query(body, request)
        add(
            body,
            shape.documents,
            [self._encode_document(i, text) for i, text in enumerate(request.documents)],
        )
        if shape.top_n and request.top_n is not None:
            add(body, shape.top_n, request.top_n)
        if shape.return_documents and request.return_documents != shape.echoes:
            add(body, shape.return_documents, request.return_documents != shape.return_inverted)
        if shape.instruction and request.instruction:
            put(body, shape.instruction, request.instruction)  # in place of the option for all queries
        return body

    def applies_instructions(self, model: str) -> bool:
        """Return whether a model applies what is sent in the instruction field, by the API's documentation.

        Other models and servers ignore the field without an error.
        """
        names = self.instructed_models
        return self.shape.instruction is not None and names is not None and names.search(model) is not None

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise for options that a request cannot contain.

        Raises
        ------
        ValueError
            If one has a malformed name, sets what another or the dialect sets, or leaves a position of a list empty.
        """
        for name in options:
            try:
                split_path(name)
            except ValueError as error:
                raise ValueError(f"has an option {name!r} that {error}") from None
        try:
            body = self.encode_request(WireRequest("m", "q", ("d",)), options)
        except ValueError as error:
            raise ValueError(f"has an option that the dialect sets, or two that collide: {error}") from None
        gap = first_gap(body)
        if gap is not None:
            raise ValueError(f"leaves the position {gap} of a request empty: set it with an option")

    def _put_query(self, body: dict[str, Any], request: WireRequest) -> None:
        path = self.shape.query
        if path.endswith(FOR_EACH):
            add(body, path.removesuffix(FOR_EACH), [request.query] * len(request.documents))
        else:
            add(body, path, request.query)

    def _encode_document(self, index: int, text: str) -> Any:
        shape = self.shape
        if shape.document_key is None:
            return text
        document: dict[str, Any] = {}
        for path, value in shape.document_extra.items():
            add(document, path, copy.deepcopy(value))
        if shape.document_id_key:
            add(document, shape.document_id_key, str(index))
        add(document, shape.document_key, text)
        return document

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
        scores, order = read_results(self.results_in(body), len(request.documents), self.shape)
        model = dig(body, "model")
        return WireReply(
            scores=scores,
            order=order,
            usage=self.read_usage(body, headers, request),
            server_times=read_server_times(headers, body, (*self.server_times, *COMMON_TIMES)),
            model=model if isinstance(model, str) and model else None,
            unusable=self._unusable(body, headers),
        )

    def results_in(self, body: Any) -> Any:
        """Return the list of results in a reply, or what is in its place.

        Raises
        ------
        CallError
            Kind ``reply``, if the body cannot have one.
        """
        if self.shape.results and not isinstance(body, dict):
            raise CallError("reply", "the reply is not a JSON object")
        return dig(body, self.shape.results)

    def error_message(self, body: Any) -> str | None:
        """Return the message of an error body, from where the API puts it; None if there is none."""
        message, code = self._own_error(body)
        if message is None:
            return read_error_message(body)
        return message if code is None else f"{code}: {message}"

    def reply_error(self, body: Any, *, has_results: bool) -> ReplyError | None:
        """Return the error in a reply with status 200, from where the API puts it; None if there is none.

        Parameters
        ----------
        body, has_results
            See `evalkit.dialects.error_reading.read_reply_error`.
        """
        message, code = self._own_error(body)
        return read_reply_error(body, has_results=has_results, message=message, code=code)

    def _own_error(self, body: Any) -> tuple[str | None, int | str | None]:
        """Return message and code of an error at the paths of the shape; None for what is not there."""
        message = dig(body, self.shape.error) if self.shape.error else None
        if not isinstance(message, str) or not message:
            return None, None
        code = dig(body, self.shape.error_code) if self.shape.error_code else None
        return message, code if isinstance(code, str | int) else None

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

    def refused_for(self, status: int, words: str) -> RefusedFor | None:
        """Return what the API refused, as far as it says so; None if it does not.

        Parameters
        ----------
        status
            The HTTP status of its reply.
        words
            See `evalkit.dialects.refusal_causes.error_words`.
        """
        return cause_in_words(status, words)

    def follow_up(self, _status: int, _headers: Mapping[str, str], _url: str) -> str | None:
        """Return the address of a reply that is not ready yet; None if the reply is complete."""
        return None

    def next_page(self, _sent: Any, _page: Any) -> Any | None:
        """Return the body of the request for the next page of a reply; None if the reply is complete."""
        return None
