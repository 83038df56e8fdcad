"""Settings of the `http` backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from evalkit import registry
from evalkit.config import RerankerSettings, Settings, Traffic, reranker_settings
from evalkit.config.settings import PositiveInt
from evalkit.dialects import Dialect, Shape
from evalkit.errors import EvalkitError
from evalkit.rerankers.remote_settings import RemoteSettings


class ShapeSettings(Settings):
    """Names of an unknown API's keys, for ``dialect: generic``; paths are keys joined with dots.

    The defaults are the names that most APIs use; an empty text says that the API has no such key.

    Attributes
    ----------
    model, query, documents
        Where a request holds them.
    document_key
        Key of a document's text, where documents are objects.
    top_n, return_documents
        Options of a request.
    results
        Where a reply holds its list.
    index
        Key of a result's index; without one its position is the index.
    score
        Key of a result's score; without one a result is its score.
    text_numbers
        Whether the API may write an index or a score as text.
    tokens, units, billed_bytes, cost_usd
        Where a reply tells what was billed.
    key_header, key_prefix
        Where the API looks for the key, and what stands before it.
    sorted
        Whether the API promises its list best first.
    """

    model: str = "model"
    query: str = "query"
    documents: str = "documents"
    document_key: str = ""
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
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    sorted: bool = True

    @field_validator("query", "documents")
    @classmethod
    def _named(cls, path: str) -> str:
        if not path:
            raise ValueError("must name a key of the request")
        return path

    def dialect(self) -> Dialect:
        """Return the dialect that these settings describe."""
        shape = Shape(
            model=self.model or None,
            query=self.query,
            documents=self.documents,
            document_key=self.document_key or None,
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
        )
        generic = registry.lookup("dialect", "generic")
        return generic(shape, self.key_header, self.key_prefix, is_sorted=self.sorted)  # type: ignore[no-any-return]


def _paths(path: str) -> tuple[str, ...]:
    return (path,) if path else ()


class HttpSettings(RemoteSettings):
    """Settings of `http`.

    Attributes
    ----------
    url
        Where requests are posted to; the dialect's public address where absent, if the dialect is named and has one.
    dialect
        The wire format; ``generic`` with ``shape`` for one that evalkit does not know.
    serve
        A block of a local backend, served on loopback for the occasion, instead of ``url``.
    shape
        Names of the keys, for ``dialect: generic``.
    max_documents, max_bytes, max_tokens
        Caps of one request, the dialect's where absent; longer lists are split, if pointwise.
    pointwise
        Whether a pair's score does not depend on the rest of its list. ``false``: it is asked once for every depth,
        with all candidates in one request.
    """

    backend: Literal["http"] = "http"
    dialect: str = "assisters"
    serve: dict[str, Any] | None = None
    shape: ShapeSettings | None = None
    max_documents: PositiveInt | None = None
    max_bytes: PositiveInt | None = None
    max_tokens: PositiveInt | None = None
    pointwise: bool = True

    nested: ClassVar[dict[str, str]] = {"serve": "reranker backend"}
    immaterial: ClassVar[frozenset[str]] = RemoteSettings.immaterial | {
        "max_documents",
        "max_bytes",
        "max_tokens",
        "pointwise",
    }

    @field_validator("dialect")
    @classmethod
    def _known_dialect(cls, name: str) -> str:
        try:
            registry.lookup("dialect", name)
        except EvalkitError as error:
            raise ValueError(f"{error.message}; {error.hint}") from None
        return name

    @model_validator(mode="after")
    def _is_consistent(self) -> HttpSettings:
        if (self.dialect == "generic") != (self.shape is not None):
            raise ValueError("'shape' names the keys of 'dialect: generic': give both or neither")
        dialect = self.open_dialect()
        if self.url is not None and self.serve is not None:
            raise ValueError("the http backend takes either 'url' or 'serve', not both")
        if self.url is None and self.serve is None:
            # Texts are sent to a dialect's public address only if the configuration names the dialect.
            if "dialect" not in self.model_fields_set:
                raise ValueError(
                    "the http backend needs either 'url' or 'serve', or a dialect with an address"
                )
            if dialect.url(self.model) is None:
                raise ValueError(f"the http backend needs 'url' or 'serve': {self.dialect} has no address")
        filled_keys = dialect.shape.request_keys() - dialect.options
        for name in self.options:
            if name in filled_keys:
                raise ValueError(f"option {name!r} is a key that the {self.dialect} dialect fills itself")
            if dialect.strict and name not in dialect.options:
                known = ", ".join(sorted(dialect.options))
                raise ValueError(f"{self.dialect} refuses option {name!r}; it takes: {known}")
        return self

    @property
    def is_pointwise(self) -> bool:
        """The configured value of `pointwise`."""
        return self.pointwise

    def open_dialect(self) -> Dialect:
        """Return the dialect."""
        return self.shape.dialect() if self.shape else registry.lookup("dialect", self.dialect)()

    def address(self) -> str | None:
        """Return the url that requests are posted to; None if the server of a ``serve:`` block is not running."""
        return self.url or (None if self.serve else self.open_dialect().url(self.model))

    def moving_name(self) -> str | None:
        """Return why the model's name may refer to another model later; None if it does not seem to."""
        served = self.served_settings()
        return super().moving_name() if served is None else served.moving_name()

    def served_settings(self) -> RerankerSettings | None:
        """Return the settings of the ``serve:`` block; None without one."""
        return None if self.serve is None else reranker_settings(self.serve)

    def most_documents(self) -> int | None:
        """Return the maximum number of documents in one request; None for no limit."""
        return self.max_documents or self.open_dialect().max_documents

    def traffic(self) -> Traffic:
        """Return retries, rate limits, request limits and prices."""
        dialect = self.open_dialect()
        return replace(
            super().traffic(),
            max_bytes=self.max_bytes or dialect.max_bytes,
            max_tokens=self.max_tokens or dialect.max_tokens,
            billed=self.serve is None,
        )
