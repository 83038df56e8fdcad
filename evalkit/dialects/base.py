"""The base class of all dialects: a shape, limits, and methods for what an API does differently."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from evalkit.dialects.reading import (
    COMMON_TIMES,
    TimeSource,
    first_amount,
    header_amount,
    read_results,
    read_server_times,
    unusable_amounts,
    whole,
)
from evalkit.dialects.refusals import openai_error
from evalkit.dialects.request_reading import read_request
from evalkit.dialects.shape import Shape, dig, put
from evalkit.dialects.wire import WireError, WireReply, WireRequest
from evalkit.errors import CallError
from evalkit.records import ScoreKind, Usage, shown_amount


class Dialect:
    """The wire format of one rerank API. Holds no state that changes, and does no I/O.

    A subclass sets what differs: most are a `Shape` and some limits, and override nothing.
    """

    path: ClassVar[str] = "/v1/rerank"
    """Path of the API; ``{model}`` is the placeholder of an API that names the model in the path."""
    home: ClassVar[str | None] = None
    """Public host; a configuration then needs no url. None if there is none."""
    served_at_own_path: ClassVar[bool] = False
    """Whether our server accepts the format at `path`, also if another format is chosen. Not inherited."""
    served_under_name: ClassVar[bool] = True
    """Whether our server accepts it at its name and `path`, e.g. ``/jina/v1/rerank``. Not inherited."""
    shape: Shape = Shape()
    score_kind: ClassVar[ScoreKind] = "unknown"
    sorted: bool = True
    """Whether the API guarantees that its list is best first."""
    max_documents: ClassVar[int | None] = None
    max_bytes: ClassVar[int | None] = None
    """Maximum size of a request's body."""
    max_tokens: ClassVar[int | None] = None
    """Maximum number of tokens of a request: those of the query once for each document, and those of the documents."""
    options: ClassVar[frozenset[str]] = frozenset()
    """Further request keys that the API documents."""
    strict: ClassVar[bool] = False
    """Whether the API rejects a key that it does not document; such keys are then never sent."""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    fixed_headers: ClassVar[Mapping[str, str]] = {}
    idempotency_header: ClassVar[str | None] = None
    server_times: ClassVar[tuple[TimeSource, ...]] = ()
    token_header: ClassVar[str | None] = None
    cost_header: ClassVar[str | None] = None
    refusal_status: ClassVar[int] = 400
    """HTTP status with which our server rejects a malformed request."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give a class the default of each attribute that it must set itself: paths of our server are not inherited."""
        super().__init_subclass__(**kwargs)
        for name in ("served_at_own_path", "served_under_name"):
            if name not in vars(cls):
                setattr(cls, name, vars(Dialect)[name])

    # Used by the client.

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

    def kind_of_scores(self, _options: Mapping[str, Any]) -> ScoreKind:
        """Return what scores mean if a request has these options."""
        return self.score_kind

    def is_permanent(self, _status: int, _message: str) -> bool:
        """Return whether a retry cannot succeed although the status is that of a transient error."""
        return False

    def follow_up(self, _status: int, _headers: Mapping[str, str], _url: str) -> str | None:
        """Return the address of a reply that is not ready yet; None if the reply is complete."""
        return None

    # Used by the server.

    def served_path(self, model: str) -> str:
        """Return the path under which a model is served, with ``any`` for every other placeholder."""
        return re.sub(r"\{[a-z]+\}", "any", self.path.replace("{model}", quote(model, safe="/")))

    def given_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the API key of a request; None if it has none in this API's header and format."""
        given = headers.get(self.key_header.lower(), "")
        fits = given[: len(self.key_prefix)].lower() == self.key_prefix.lower()
        return given[len(self.key_prefix) :] if given and fits else None

    def decode_request(self, body: Any, path_model: str | None = None) -> WireRequest:
        """Read a request.

        Parameters
        ----------
        body
            Parsed JSON.
        path_model
            The model, if the path names it.

        Raises
        ------
        WireError
            If the API would reject it.
        """
        request = read_request(body, self.shape, self.max_documents, self.refusal_status)
        return request if path_model is None or self.shape.model else replace(request, model=path_model)

    def encode_response(
        self, request: WireRequest, scores: Sequence[float], tokens: int, order: Sequence[int] | None = None
    ) -> Any:
        """Return the JSON body of a reply; best first and cut to ``top_n`` if the API sorts its list.

        Parameters
        ----------
        request
            The request.
        scores
            ``(n,)`` score of each document.
        tokens
            Tokens processed.
        order
            The documents to return, best first; None for all of them by their scores.
        """
        shape = self.shape
        best_first = descending(scores) if order is None else list(order)
        shown = best_first[: request.top_n if shape.top_n else None] if self.sorted else sorted(best_first)
        results = [self._encode_result(request, index, float(scores[index])) for index in shown]
        if not shape.results:
            return results
        body: dict[str, Any] = {"model": request.model}
        put(body, shape.results, results)
        if shape.tokens:
            put(body, shape.tokens[0], tokens)
        return body

    def _encode_result(self, request: WireRequest, index: int, score: float) -> Any:
        shape = self.shape
        if shape.score is None:
            return score
        result: dict[str, Any] = {shape.score: score}
        if shape.index:
            result = {shape.index: str(index) if shape.document_id_key else index, **result}
        if request.return_documents and shape.return_documents and shape.echo:
            text = request.documents[index]
            result[shape.echo] = {shape.echo_key: text} if shape.echo_key else text
        return result

    def reply_headers(self, seconds: float, tokens: int) -> dict[str, str]:
        """Return the headers in which the API reports time and usage."""
        times = {
            s.name: seconds / s.unit_s for s in self.server_times if not s.in_body and s.meaning == "request"
        }
        headers = {name: f"{amount:.3f}" for name, amount in times.items()}
        return headers | ({self.token_header: str(tokens)} if self.token_header else {})

    def encode_error(self, error: WireError) -> Any:
        """Return the JSON body of an error."""
        return openai_error(error)


def descending(scores: Sequence[float]) -> list[int]:
    """Return document indices by score descending; equal scores by index ascending."""
    return sorted(range(len(scores)), key=lambda index: (-scores[index], index))
