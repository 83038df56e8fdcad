"""The server's side of a wire format: read requests, write replies and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from evalkit.dialects.reading import TimeSource
from evalkit.dialects.refusals import openai_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.request_reading import read_request, refuse_unknown_keys
from evalkit.dialects.shape import Shape, dig, put
from evalkit.dialects.wire import WireError, WireRequest
from evalkit.records import ScoreKind


class ServedFormat:
    """What client and server share of a wire format, and what the server does with it."""

    path: ClassVar[str] = "/v1/rerank"
    """Path of the API; ``{model}`` is the placeholder of an API that names the model in the path."""
    shape: Shape = Shape()
    score_kind: ClassVar[ScoreKind] = "unknown"
    sorted: bool = True
    """Whether the API guarantees that its list is best first."""
    max_documents: ClassVar[int | None] = None
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    server_times: ClassVar[tuple[TimeSource, ...]] = ()
    token_header: ClassVar[str | None] = None
    served_at_own_path: ClassVar[bool] = False
    """Whether our server accepts the format at `path`, also if another format is chosen. Not inherited."""
    served_under_name: ClassVar[bool] = True
    """Whether our server accepts it at its name and `path`, e.g. ``/jina/v1/rerank``. Not inherited."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Further paths of the API; our server accepts them under the format's name. Not inherited."""
    aliases_at_root: ClassVar[tuple[str, ...]] = ()
    """Those of `aliases` that our server also accepts as they are, also if another format is chosen. Not inherited."""
    forms: ClassVar[RequestForms] = RequestForms()
    """What our server accepts in a request besides the keys of `shape`."""
    options: ClassVar[frozenset[str]] = frozenset()
    """Further request keys that the API documents."""
    strict: ClassVar[bool] = False
    """Whether the API rejects a key that it does not document; such keys are then never sent, and refused."""
    refusal_status: ClassVar[int] = 400
    """HTTP status with which our server rejects a malformed request."""
    further_refusal_statuses: ClassVar[frozenset[int]] = frozenset()
    """Statuses that some malformed requests have instead."""
    returns_documents: ClassVar[Literal["if asked", "always", "or null"]] = "if asked"
    """When a result contains its document; ``or null``: if asked, else null."""
    result_constants: ClassVar[Mapping[str, Any]] = {}
    """Fields that every result has with the same value."""
    constant_headers: ClassVar[Mapping[str, str]] = {}
    """Headers that every reply has, errors included."""
    fixed_headers: ClassVar[Mapping[str, str]] = {}
    """Headers that every request has besides the key."""
    gives_probabilities: ClassVar[bool] = False
    """Whether replies state probabilities, so that no other scores may be in their place."""

    def kind_of_scores(self, _options: Mapping[str, Any]) -> ScoreKind:
        """Return what scores mean if a request has these options."""
        return self.score_kind

    def shown_kind(self, options: Mapping[str, Any]) -> ScoreKind:
        """Return what scores mean in replies of our server: ``logit`` for an API that shows a model's logits."""
        return self.kind_of_scores(options)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give a class the default of each attribute that it must set itself: paths of our server are not inherited."""
        super().__init_subclass__(**kwargs)
        for name in ("served_at_own_path", "served_under_name", "aliases", "aliases_at_root"):
            if name not in vars(cls):
                setattr(cls, name, vars(ServedFormat)[name])

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
        if self.strict:
            refuse_unknown_keys(body, self.known_keys(), self.refusal_status)
        return read_request(body, self.shape, self.max_documents, self.refusal_status, self.forms, path_model)

    def known_keys(self) -> frozenset[str]:
        """Return the keys of a request's body that the API documents."""
        forms = self.forms
        paths = (*forms.unchanging, forms.rank_fields, forms.top_n_elsewhere, *sum(forms.pairs, ()))
        return self.shape.request_keys() | self.options | {path.partition(".")[0] for path in paths if path}

    def fits(self, body: Any) -> tuple[bool, bool]:
        """Return whether a body has the documents of a request, and whether it names the model as it must."""
        paths = {self.shape.documents, *(documents for _, documents in self.forms.pairs)}
        model = self.shape.model
        named = model is None or self.forms.model_optional or dig(body, model) not in (None, "")
        return any(dig(body, path) is not None for path in paths), named

    def query_schema(self, text: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of the query in a request, given that of a text."""
        return text

    def document_schema(self, document: dict[str, Any], _text: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of a document in a request, given those of a common document and of a text."""
        return document

    def encode_response(
        self,
        request: WireRequest,
        scores: Sequence[float],
        tokens: int,
        order: Sequence[int] | None = None,
        facts: ReplyFacts | None = None,
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
        facts
            What the API reports besides results; None for a reply without known times.
        """
        shape = self.shape
        best_first = descending(scores) if order is None else list(order)
        shown = best_first[: request.top_n] if self.sorted else sorted(best_first)
        results = [self._encode_result(request, index, float(scores[index])) for index in shown]
        if not shape.results:
            return results
        body: dict[str, Any] = {"model": request.model}
        put(body, shape.results, results)
        if shape.tokens:
            put(body, shape.tokens[0], tokens)
        for path, value in self.reply_fields(facts or ReplyFacts(request, tokens)).items():
            put(body, path, value)
        return self.in_envelope(body)

    def in_envelope(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a reply with what only this API puts around it, and without what it leaves out."""
        return body

    def _encode_result(self, request: WireRequest, index: int, score: float) -> Any:
        shape = self.shape
        if shape.score is None:
            return score
        result: dict[str, Any] = {shape.score: score, **self.result_constants}
        if shape.index:
            result = {shape.index: self.result_index(request, index), **result}
        if not shape.echo:
            return result
        if self.returns_documents == "always" or (request.return_documents and shape.return_documents):
            return {**result, **self.returned_document(request, index)}
        return result if self.returns_documents == "if asked" else {**result, shape.echo: None}

    def reply_fields(self, _facts: ReplyFacts) -> Mapping[str, Any]:
        """Return what the API's description requires of a reply besides model, results and tokens: path -> value."""
        return {}

    def result_index(self, _request: WireRequest, index: int) -> int | str:
        """Return the value by which a result names its document."""
        return index

    def returned_document(self, request: WireRequest, index: int) -> Mapping[str, Any]:
        """Return the fields of a result that contain its document."""
        shape, text = self.shape, request.documents[index]
        return {shape.echo: {shape.echo_key: text} if shape.echo_key else text} if shape.echo else {}

    def reply_headers(self, seconds: float, tokens: int, _facts: ReplyFacts | None = None) -> dict[str, str]:
        """Return the headers in which the API reports time and usage.

        Parameters
        ----------
        seconds
            Time since the request arrived.
        tokens
            Tokens processed.
        _facts
            What else is known of the reply; None if nothing is.
        """
        times = {
            s.name: seconds / s.unit_s for s in self.server_times if not s.in_body and s.meaning == "request"
        }
        headers = {name: f"{amount:.3f}" for name, amount in times.items()}
        return headers | ({self.token_header: str(tokens)} if self.token_header else {})

    def media_type(self, _accepted: str) -> str:
        """Return the media type of a reply to a request with this ``Accept`` header."""
        return "application/json"

    def encode_error(self, error: WireError) -> Any:
        """Return the JSON body of an error."""
        return openai_error(error)


def descending(scores: Sequence[float]) -> list[int]:
    """Return document indices by score descending; equal scores by index ascending."""
    return sorted(range(len(scores)), key=lambda index: (-scores[index], index))
