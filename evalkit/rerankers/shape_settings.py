"""Settings of an API without a dialect: where it keeps the parts of requests and replies."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer

from evalkit import registry
from evalkit.config import Settings
from evalkit.dialects import Dialect, Shape
from evalkit.dialects.shape import FOR_EACH, add, split_path

_IN_REQUEST = ("model", "query", "documents", "instruction", "top_n", "return_documents")
_IN_DOCUMENT = ("document_key", "document_id_key", "document_extra")
_IN_REPLY = (
    "results",
    "index",
    "score",
    "tokens",
    "units",
    "billed_bytes",
    "cost_usd",
    "error",
    "error_code",
)
_LATER_KEYS = frozenset({"instruction", "document_id_key", "document_extra", "error", "error_code"})
"""Keys that are not written where they are empty: the identity of a shape from before them is the same."""


class ShapeSettings(Settings):
    """Key names of an API without a dialect, for ``dialect: generic``.

    The defaults are the names that most APIs use. An empty string means that the API has no such key.

    Attributes
    ----------
    model, query, documents
        Paths of these values in a request: keys and positions in lists, joined with dots, such as
        ``queries.0.textQuery.text``. A key that contains a dot or is a number is quoted: ``'"top.n"'``. A query path
        that ends in ``.*`` is a list with the query once per document. ``options`` adds constants, and may have paths.
    instruction
        Path of the instruction of a query, for an API that has a field for it and applies it. Without it, an
        instruction is sent in the query's text.
    document_key
        Path of the text of a document, if documents are objects.
    document_id_key
        Path of the number of a document as text (0, 1, ...), if the API requires an id.
    document_extra
        Path -> constant of every document, such as ``{type: INLINE, inlineDocumentSource.type: TEXT}``.
    top_n, return_documents
        Paths of these options in a request.
    results
        Path of the list of results in a reply, such as ``output.0.results``. Empty or ``.``: the reply is the list. If
        it is that of an object with a list of scores and a list of indices, ``score`` and ``index`` are their paths.
    index
        Path of the index of a result. If empty, the position in the list is the index.
    score
        Path of the score of a result. If empty, each result is a number, its score.
    text_numbers
        ``true``: the API may return an index or a score as a string.
    tokens, units, billed_bytes, cost_usd
        Paths of the billed amounts in a reply.
    error, error_code
        Paths of the message and of the code of an error in a reply, such as ``errors.0.message`` (default: the places
        that most APIs use).
    key_header, key_prefix
        Header with the API key, and the text before the key.
    sorted
        ``true``: the API returns results best first.

    Examples
    --------
    Amazon Bedrock's Rerank API, where ``options: {queries.0.type: TEXT, ...}`` adds the type of the query::

        query: queries.0.textQuery.text
        documents: sources
        document_key: inlineDocumentSource.textDocument.text
        document_extra: {type: INLINE, inlineDocumentSource.type: TEXT}
        score: relevanceScore

    Cloudflare's Workers AI::

        documents: contexts
        document_key: text
        top_n: top_k
        results: result.response
        index: id
        score: score
        error: errors.0.message
    """

    model: str = "model"
    query: str = "query"
    documents: str = "documents"
    instruction: str = ""
    document_key: str = ""
    document_id_key: str = ""
    document_extra: dict[str, Any] = Field(default_factory=dict)
    top_n: str = "top_n"
    return_documents: str = ""
    results: str = "results"
    index: str = "index"
    score: str = "relevance_score"
    text_numbers: bool = False
    tokens: str = "usage.total_tokens"
    units: str = ""
    billed_bytes: str = ""
    cost_usd: str = ""
    error: str = ""
    error_code: str = ""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    sorted: bool = True

    @field_validator("query", "documents")
    @classmethod
    def _named(cls, path: str) -> str:
        if not path:
            raise ValueError("must be the path of a key in the request")
        return path

    @field_validator(*_IN_REQUEST)
    @classmethod
    def _writable(cls, path: str, info: ValidationInfo) -> str:
        earlier = {name: info.data.get(name) for name in _IN_REQUEST}
        _check_places({**earlier, str(info.field_name): path})
        return path

    @field_validator(*_IN_DOCUMENT)
    @classmethod
    def _describes_a_document(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.field_name != "document_key" and not info.data.get("document_key"):
            raise ValueError("needs document_key: documents are text without it")
        earlier = {name: info.data.get(name) for name in _IN_DOCUMENT}
        _check_places({**earlier, str(info.field_name): value})
        return value

    @field_validator("results")
    @classmethod
    def _of_the_body(cls, path: str) -> str:
        return "" if path == "." else path

    @field_validator(*_IN_REPLY)
    @classmethod
    def _readable(cls, path: str, info: ValidationInfo) -> str:
        if path:
            split_path(path)
        if info.field_name == "score" and path and path == info.data.get("index"):
            raise ValueError(f"must not be the path of the index, too: {path!r}")
        return path

    @model_serializer(mode="wrap")
    def _without_empty_later_keys(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value or name not in _LATER_KEYS}

    def dialect(self) -> Dialect:
        """Return the dialect that these settings describe."""
        shape = Shape(
            model=self.model or None,
            query=self.query,
            documents=self.documents,
            instruction=self.instruction or None,
            document_key=self.document_key or None,
            document_id_key=self.document_id_key or None,
            document_extra=self.document_extra,
            top_n=self.top_n or None,
            return_documents=self.return_documents or None,
            results=self.results,
            index=self.index or None,
            score=self.score or None,
            text_numbers=self.text_numbers,
            tokens=_paths(self.tokens),
            units=_paths(self.units),
            billed_bytes=_paths(self.billed_bytes),
            cost_usd=_paths(self.cost_usd),
            error=self.error or None,
            error_code=self.error_code or None,
        )
        generic = registry.lookup("dialect", "generic")
        return generic(shape, self.key_header, self.key_prefix, is_sorted=self.sorted)  # type: ignore[no-any-return]


def _check_places(keys: Mapping[str, str | Mapping[str, Any] | None]) -> None:
    """Raise `ValueError` unless every path, or path in a mapping of constants, is a place of its own."""
    filled: dict[str, Any] = {}
    for name, key in keys.items():
        values = key if isinstance(key, Mapping) else {key: ""} if key else {}
        for path, value in values.items():
            named = path.removesuffix(FOR_EACH) if name == "query" else path
            split_path(named)
            try:
                add(filled, named, copy.deepcopy(value))
            except ValueError as error:
                raise ValueError(f"must be a place of its own: {error}") from None


def _paths(path: str) -> tuple[str, ...]:
    return (path,) if path else ()
