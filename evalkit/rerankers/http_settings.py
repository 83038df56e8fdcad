"""Settings of the `http` backend."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from evalkit import registry
from evalkit.config import Price, RerankerSettings, Settings, Traffic, reranker_settings
from evalkit.config.secrecy import is_secret
from evalkit.config.settings import PositiveInt
from evalkit.dialects import Dialect, Shape
from evalkit.errors import EvalkitError
from evalkit.rerankers.model_names import moving_name

Positive = Annotated[float, Field(gt=0)]


class ShapeSettings(Settings):
    """Names of an unknown API's keys, for ``dialect: generic``; paths are keys joined with dots.

    The defaults are the names that most APIs use. ``null`` is written as an empty text: it says that
    the API has no such key. See `evalkit.dialects.Shape` for what each one means.
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
        """Return the dialect they describe."""
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


class HttpSettings(RerankerSettings):
    """Settings of `http`.

    Attributes
    ----------
    dialect
        Wire format.
    url
        Full URL that requests are posted to; the dialect's public address where absent.
    serve
        Settings of a local backend, served on loopback for the time of the experiment,
        instead of a url.
    model
        Name sent with every request.
    expect_model
        Name that replies must carry, where it is another one than `model`; ``any`` accepts all.
    api_key_env
        Environment variable that holds the key; the key itself never stands in a file.
    options
        Further keys of the request, as the API documents them.
    headers
        Further headers; never a key.
    shape
        Names of the keys, for ``dialect: generic``.
    max_documents, max_bytes, max_tokens
        Most documents, bytes and tokens of one request; the dialect's own limits where absent.
    requests_per_minute, tokens_per_minute
        Limits of the account.
    retries, retry_wait_s, longest_wait_s
        Attempts after the first for failures that may pass, the first wait and the longest.
    connect_timeout_s, timeout_s
        Longest wait for a connection, and for the whole reply.
    price
        What the API costs, and when that was looked up.
    pointwise
        Set to false for a reranker that looks at the whole list: it is then asked once
        for every depth, with all candidates in one request.
    """

    backend: Literal["http"] = "http"
    dialect: str = "assisters"
    url: str | None = None
    serve: dict[str, Any] | None = None
    model: str = "any"
    expect_model: str | None = None
    api_key_env: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    shape: ShapeSettings | None = None
    max_documents: PositiveInt | None = None
    max_bytes: PositiveInt | None = None
    max_tokens: PositiveInt | None = None
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    retry_wait_s: Positive = 0.5
    longest_wait_s: Positive = 60.0
    connect_timeout_s: Positive = 10.0
    timeout_s: Positive = 30.0
    price: Price | None = None
    pointwise: bool = True

    nested: ClassVar[dict[str, str]] = {"serve": "reranker backend"}
    immaterial: ClassVar[frozenset[str]] = RerankerSettings.immaterial | {
        "api_key_env",
        "expect_model",
        "max_documents",
        "max_bytes",
        "max_tokens",
        "requests_per_minute",
        "tokens_per_minute",
        "retries",
        "retry_wait_s",
        "longest_wait_s",
        "connect_timeout_s",
        "timeout_s",
        "price",
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

    @field_validator("url")
    @classmethod
    def _absolute_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no port
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must start with http:// or https:// and name a host")
        return url

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if is_secret(name):
                raise ValueError(f"{name!r} looks like a key: name the key's variable with api_key_env")
            if (
                not name.replace("-", "").isalnum()
                or not f"{name}{value}".isascii()
                or not value.isprintable()
            ):
                raise ValueError(f"{name!r} is not a header that can be sent")
        return headers

    @model_validator(mode="after")
    def _hangs_together(self) -> HttpSettings:
        if (self.dialect == "generic") != (self.shape is not None):
            raise ValueError("'shape' names the keys of 'dialect: generic': give both or neither")
        dialect = self.open_dialect()
        if self.url is not None and self.serve is not None:
            raise ValueError("the http backend takes either 'url' or 'serve', not both")
        if self.url is None and self.serve is None:
            # Texts go to a public address only where the configuration names whose it is.
            if "dialect" not in self.model_fields_set:
                raise ValueError(
                    "the http backend needs either 'url' or 'serve', or a dialect with an address"
                )
            if dialect.url(self.model) is None:
                raise ValueError(f"the http backend needs 'url' or 'serve': {self.dialect} has no address")
        own = dialect.shape.request_keys() - dialect.options
        for name in self.options:
            if name in own:
                raise ValueError(f"option {name!r} is a key that the {self.dialect} dialect fills itself")
            if dialect.strict and name not in dialect.options:
                known = ", ".join(sorted(dialect.options))
                raise ValueError(f"{self.dialect} refuses option {name!r}; it takes: {known}")
        return self

    @property
    def is_pointwise(self) -> bool:
        """What the configuration declares."""
        return self.pointwise

    def open_dialect(self) -> Dialect:
        """Return the dialect."""
        return self.shape.dialect() if self.shape else registry.lookup("dialect", self.dialect)()

    def address(self) -> str | None:
        """Return the url that requests are posted to; None while a ``serve:`` block has none yet."""
        return self.url or (None if self.serve else self.open_dialect().url(self.model))

    def moving_name(self) -> str | None:
        """Return what the name of the model says, of the one that is served where one is."""
        served = self.served_settings()
        return moving_name(self.model) if served is None else served.moving_name()

    def served_settings(self) -> RerankerSettings | None:
        """Return the settings of the ``serve:`` block."""
        return None if self.serve is None else reranker_settings(self.serve)

    def most_documents(self) -> int | None:
        """Return what the API takes in one request."""
        return self.max_documents or self.open_dialect().max_documents

    def traffic(self) -> Traffic:
        """Return how the API may be called."""
        dialect = self.open_dialect()
        return Traffic(
            retries=self.retries,
            retry_wait_s=self.retry_wait_s,
            longest_wait_s=self.longest_wait_s,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            max_bytes=self.max_bytes or dialect.max_bytes,
            max_tokens=self.max_tokens or dialect.max_tokens,
            price=self.price,
            billed=self.serve is None,
        )
