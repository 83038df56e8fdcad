"""Settings of the `http` backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from evalkit import registry
from evalkit.config import RerankerSettings, TextTemplates, Traffic, reranker_settings
from evalkit.config.settings import PositiveInt, with_hint
from evalkit.config.text_templates import DOCUMENT, QUERY, check_template
from evalkit.dialects import Dialect
from evalkit.errors import EvalkitError
from evalkit.rerankers.aws_settings import AwsAccess, AwsSettings, check_aws
from evalkit.rerankers.base_address import complete_url
from evalkit.rerankers.dialect_checks import check_options, check_top_n
from evalkit.rerankers.remote_settings import RemoteSettings
from evalkit.rerankers.shape_settings import ShapeSettings
from evalkit.rerankers.url_parts import UrlPart, check_parts, with_parts


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
    url_parts
        Values of the placeholders in the public address of the dialect, e.g. ``{account: 0123abcd}`` for cloudflare.
    aws
        Sign requests for AWS: region, profile, service. Dialects of AWS sign without it unless ``api_key_env`` is set.
    pointwise
        ``true``: the score of a pair does not depend on the rest of its list. ``false``: every depth is scored
        separately, with all candidates in one request.
    scores
        What the scores of the API mean: ``probability``, ``logit``, ``cosine`` or ``unbounded`` (default: what the
        dialect documents). ``evalkit serve`` maps scores to 0..1 by it, and calibration uses it; stored scores do not
        change.
    send_top_n
        ``true``: send the number of documents as the number of results, for APIs that require it or that return only
        some results by default.
    instruction_place
        Where the instruction of a query is sent, if the dataset has any: ``query``, after the query's text, or
        ``field``, the field of the API (default: the field for models that apply it by the API's documentation,
        otherwise the query). vLLM, SGLang and Xinference apply it only for models with a template that has a place for
        it, and ignore it otherwise: set ``field`` for those.
    query_template
        Text that is sent as the query, with one placeholder ``{query}``. For models whose server applies no template,
        such as Qwen3-Reranker. All other braces are sent as they are.
    document_template
        Text that is sent as each document, with one placeholder ``{document}``. The first stage and the reports use
        the documents without it.
    """

    backend: Literal["http"] = "http"
    dialect: str = "assisters"
    serve: dict[str, Any] | None = None
    shape: ShapeSettings | None = None
    max_documents: PositiveInt | None = None
    max_bytes: PositiveInt | None = None
    max_tokens: PositiveInt | None = None
    url_parts: dict[str, UrlPart] | None = None
    aws: AwsSettings | None = None
    pointwise: bool = True
    scores: Literal["probability", "logit", "cosine", "unbounded"] | None = None
    send_top_n: bool | None = None
    instruction_place: Literal["query", "field"] | None = None
    query_template: str | None = None
    document_template: str | None = None

    nested: ClassVar[dict[str, str]] = {"serve": "reranker backend"}
    score_advice: ClassVar[str] = (
        "check url and dialect: the server must read the query and the documents from the keys that the dialect sends"
    )
    immaterial: ClassVar[frozenset[str]] = RemoteSettings.immaterial | {
        "max_documents",
        "max_bytes",
        "max_tokens",
        "pointwise",
        "scores",
        "send_top_n",
    }
    material_if_set: ClassVar[frozenset[str]] = RemoteSettings.material_if_set | {
        "instruction_place",
        "query_template",
        "document_template",
        "aws",
        "url_parts",
    }

    @field_validator("dialect")
    @classmethod
    def _known_dialect(cls, name: str) -> str:
        try:
            registry.lookup("dialect", name)
        except EvalkitError as error:
            raise with_hint(error) from None
        return name

    @field_validator("query_template")
    @classmethod
    def _with_a_query(cls, template: str | None) -> str | None:
        return None if template is None else check_template(template, QUERY)

    @field_validator("document_template")
    @classmethod
    def _with_a_document(cls, template: str | None) -> str | None:
        return None if template is None else check_template(template, DOCUMENT)

    @model_validator(mode="after")
    def _is_consistent(self) -> HttpSettings:
        if (self.dialect == "generic") != (self.shape is not None):
            raise ValueError("needs both 'shape' and 'dialect: generic', or neither")
        self._check_address()
        if self.aws is not None:
            check_aws(self.aws, self._aws_service(), self.dialect, has_key=self.api_key_env is not None)
        dialect = self.open_dialect()
        check_options(self.options, self.dialect, dialect)
        if self.send_top_n:
            check_top_n(self.dialect, dialect, described=self.shape is not None)
        if self.instruction_place == "field" and dialect.shape.instruction is None:
            raise ValueError(
                f"must not have 'instruction_place: field': dialect {self.dialect} has no field for instructions"
            )
        return self

    def _check_address(self) -> None:
        dialect = self.open_dialect()
        if self.url is not None and self.serve is not None:
            raise ValueError("must not have both 'url' and 'serve'")
        if self.url is None and self.serve is None:
            # Texts are sent to a dialect's public address only if the configuration names the dialect.
            if "dialect" not in self.model_fields_set:
                raise ValueError("needs 'url', 'serve' or a dialect with a public address")
            if (address := dialect.url(self.model)) is None:
                raise ValueError(f"needs 'url' or 'serve': dialect {self.dialect} has no public address")
            check_parts(address, self.url_parts or {})
        elif self.url_parts is not None:
            raise ValueError("must not have 'url_parts' with 'url' or 'serve'")

    @model_validator(mode="after")
    def _served_backend_has_its_own(self) -> HttpSettings:
        for name in ("scores", "query_template", "document_template"):
            if self.serve is not None and getattr(self, name) is not None:
                own = "what its scores mean" if name == "scores" else "how texts are put into its input"
                raise ValueError(
                    f"must not have {name!r} with 'serve': the served backend itself defines {own}"
                )
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
        """Return the dialect, with the configured header for the key."""
        dialect: Dialect = self.shape.dialect() if self.shape else registry.lookup("dialect", self.dialect)()
        if self.key_header is not None:
            dialect.key_header = self.key_header
        if self.key_prefix is not None:
            dialect.key_prefix = self.key_prefix
        return dialect

    def header_of_key(self) -> tuple[str, ...]:
        """Return the name of the header with the API key; empty without a key."""
        return (self.open_dialect().key_header,) if self.api_key_env else ()

    def templates(self) -> TextTemplates:
        """Return what is sent in place of a query and of a document."""
        return TextTemplates(self.query_template, self.document_template)

    def instruction_field(self) -> str | None:
        """Return the path of the field that the instruction of a query is sent in; None if the query contains it."""
        dialect = self.open_dialect()
        by_default = self.query_template is None and dialect.applies_instructions(self.model)
        in_field = by_default if self.instruction_place is None else self.instruction_place == "field"
        return dialect.shape.instruction if in_field else None

    def sends_top_n(self) -> bool:
        """Return whether each request contains its number of documents as the number of results."""
        return self.open_dialect().needs_top_n if self.send_top_n is None else self.send_top_n

    def address(self, region: str | None = None) -> str | None:
        """Return the url that requests are posted to; None if the server of a ``serve:`` block is not running."""
        if self.url is not None or self.serve is not None:
            return self.url
        address = self.open_dialect().url(self.model)
        return address and with_parts(
            address, {**(self.url_parts or {}), **({"region": region} if region else {})}
        )

    def aws_access(self) -> AwsAccess | None:
        """Return region and credentials of an API behind AWS; None for any other API."""
        service = self._aws_service()
        if service is None or self.serve is not None:
            return None
        return AwsAccess(self.aws or AwsSettings(), service, self.url, signed=self.api_key_env is None)

    def _aws_service(self) -> str | None:
        return (self.aws.service if self.aws else None) or self.open_dialect().aws_service

    def missing_access(self) -> EvalkitError | None:
        """Return why requests to AWS cannot be sent; None if they can, or the API is not behind AWS."""
        access = self.aws_access()
        return access.problem() if access else None

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
            templates=self.templates(),
        )
