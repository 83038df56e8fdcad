"""Settings of the `http` backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from evalkit import registry
from evalkit.config import RerankerSettings, Traffic, reranker_settings
from evalkit.config.settings import PositiveInt, with_hint
from evalkit.dialects import Dialect
from evalkit.errors import EvalkitError, nearest_name_hint
from evalkit.rerankers.base_address import complete_url
from evalkit.rerankers.remote_settings import RemoteSettings
from evalkit.rerankers.shape_settings import ShapeSettings


class HttpSettings(RemoteSettings):
    """Settings of `http`.

    Attributes
    ----------
    url
        Address that receives requests (default: the public address of the dialect, if ``dialect`` is set and has one).
        A host, or a base that ends in a version (``http://host/v1``), is completed with the path of the dialect;
        ``evalkit config show`` prints the result. ``tei`` and ``generic`` post to a host as it is.
    dialect
        Wire format of the API. ``generic`` with ``shape`` describes an API without a dialect.
    serve
        Instead of ``url``: settings of a local backend, which evalkit serves on loopback during the run.
    shape
        Key names of the API, for ``dialect: generic``.
    max_documents, max_bytes, max_tokens
        Limits of one request (default: those of the dialect). Longer lists are split if the reranker is pointwise.
    pointwise
        ``true``: the score of a pair does not depend on the rest of its list. ``false``: every depth is scored
        separately, with all candidates in one request.
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
    score_advice: ClassVar[str] = (
        "check url and dialect: the server must read the query and the documents from the keys that the dialect sends"
    )
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
            raise with_hint(error) from None
        return name

    @model_validator(mode="after")
    def _is_consistent(self) -> HttpSettings:
        if (self.dialect == "generic") != (self.shape is not None):
            raise ValueError("needs both 'shape' and 'dialect: generic', or neither")
        dialect = self.open_dialect()
        if self.url is not None and self.serve is not None:
            raise ValueError("must not have both 'url' and 'serve'")
        if self.url is None and self.serve is None:
            # Texts are sent to a dialect's public address only if the configuration names the dialect.
            if "dialect" not in self.model_fields_set:
                raise ValueError("needs 'url', 'serve' or a dialect with a public address")
            if dialect.url(self.model) is None:
                raise ValueError(f"needs 'url' or 'serve': dialect {self.dialect} has no public address")
        filled_keys = dialect.shape.request_keys() - dialect.options
        for name in self.options:
            if name in filled_keys:
                raise ValueError(f"must not set option {name!r}: the {self.dialect} dialect sets it")
            if dialect.strict and name not in dialect.options:
                message = f"unknown option {name!r} of dialect {self.dialect}"
                raise with_hint(EvalkitError(message, nearest_name_hint(name, dialect.options)))
        return self

    @model_validator(mode="after")
    def _is_sendable(self) -> HttpSettings:
        dialect = self.open_dialect()
        if self.options or self.shape is not None:
            dialect.check_options(self.options)
        if self.url is not None:  # a base address has the settings, and the identity, of the whole one
            object.__setattr__(self, "url", complete_url(self.url, self.dialect, dialect, self.model))
        return self

    @property
    def is_pointwise(self) -> bool:
        """The configured value of `pointwise`."""
        return self.pointwise

    @property
    def is_guarded(self) -> bool:
        """Whether a run checks that scores depend on the query and the document; not those of a served lookup."""
        served = self.served_settings()
        return super().is_guarded and (served is None or served.is_guarded)

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

    def proven_by(self) -> str | None:
        """Return what proves the identity of a backend that evalkit serves itself; None for any other server."""
        served = self.served_settings()
        return None if served is None else served.proven_by()

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
