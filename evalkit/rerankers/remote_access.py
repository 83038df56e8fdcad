"""Settings of everything that is reached over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from evalkit.config import Price, Traffic
from evalkit.config.blocks import BlockSettings
from evalkit.config.settings import Positive, Seconds
from evalkit.http_client import Redactor, Signer, check_url, read_key
from evalkit.rerankers.model_names import moving_name

if TYPE_CHECKING:
    from evalkit.http_client import Connections


class RemoteAccess(BlockSettings):
    """Address, limits and price of a remote API, of a reranker or of a judge.

    Attributes
    ----------
    url
        Address that receives requests.
    model
        Model name sent with every request. A reply that names another model is a failure.
    expect_model
        Model name expected in replies, if it differs from ``model``. ``any`` accepts every name.
    api_key_env
        Environment variable that contains the API key. Write the key itself in no file, url or header.
    key_header, key_prefix
        Header with the API key, and the text before the key (default: those of the dialect, mostly ``Authorization``
        and ``"Bearer "``).
    headers_env
        Further headers with keys, for a gateway in front of the API: header -> environment variable that contains its
        value, e.g. ``{X-Gateway-Key: GATEWAY_KEY}``.
    options
        Additional keys of the request body, as documented by the API, e.g. ``{truncate: END}``.
    headers
        Additional headers, without API keys.
    requests_per_minute, tokens_per_minute
        Rate limits of the account, over any 60 seconds. By default a limit is learned from the calls that the API
        refuses.
    retries
        Retries of a call after a transient failure. Refusals for the rate and a model that is being loaded are waited
        for without them; 0 retries nothing.
    retry_wait_s
        Wait before the first retry; doubled for each retry, with jitter.
    longest_wait_s
        Longest wait before a retry. If the server asks for more, the query fails. A server that refuses every call for
        the rate is given up after three times as long, and one whose model is being loaded after five minutes.
    connect_timeout_s
        Connection timeout.
    timeout_s
        Timeout for the complete reply.
    price
        Price of the API, with the date of the price.
    """

    url: str | None = None
    model: str = "any"
    expect_model: str | None = None
    api_key_env: str | None = None
    key_header: str | None = None
    key_prefix: str | None = None
    headers_env: dict[str, str] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    retry_wait_s: Seconds = 0.5
    longest_wait_s: Seconds = 60.0
    connect_timeout_s: Seconds = 10.0
    timeout_s: Seconds = 30.0
    price: Price | None = None

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {
            "api_key_env",
            "key_header",
            "key_prefix",
            "headers_env",
            "expect_model",
            "requests_per_minute",
            "tokens_per_minute",
            "retries",
            "retry_wait_s",
            "longest_wait_s",
            "connect_timeout_s",
            "timeout_s",
            "price",
        }
    )
    """Keys that cannot change a score or a grade."""

    @field_validator("url")
    @classmethod
    def _absolute_url(cls, url: str | None) -> str | None:
        return None if url is None else check_url(url)

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _is_header_name(name) or not _is_header_text(value):
                raise ValueError(f"contains an invalid header: {name!r}")
        return headers

    @field_validator("headers_env")
    @classmethod
    def _headers_of_variables(cls, variables: dict[str, str] | None) -> dict[str, str] | None:
        for name in variables or {}:
            if not _is_header_name(name):
                raise ValueError(f"contains an invalid header: {name!r}")
        return variables

    @field_validator("key_header")
    @classmethod
    def _header_of_the_key(cls, name: str | None) -> str | None:
        if name is not None and not _is_header_name(name):
            raise ValueError(f"must be the name of a header, not {name!r}")
        return name

    @field_validator("key_prefix")
    @classmethod
    def _text_before_the_key(cls, prefix: str | None) -> str | None:
        if prefix is not None and not _is_header_text(prefix):
            raise ValueError("must be one line of ASCII characters")
        return prefix

    @model_validator(mode="after")
    def _header_is_set_once(self) -> RemoteAccess:
        header = _repeated([*self.headers, *(self.headers_env or {}), *self.header_of_key()])
        if header is not None:
            raise ValueError(
                f"sets the header {header!r} twice: use one of headers, headers_env and api_key_env for it"
            )
        return self

    @property
    def model_to_come(self) -> str:
        """The model name that replies must have."""
        return self.expect_model or self.model

    def moving_name(self) -> str | None:
        """Return why the model's name may refer to another model later; None if it does not seem to."""
        return moving_name(self.model)

    @property
    def key_variables(self) -> str | None:
        """The environment variables that contain keys, for messages; None without any."""
        names = [self.api_key_env, *(self.headers_env or {}).values()]
        return " and ".join(name for name in names if name) or None

    def header_of_key(self) -> tuple[str, ...]:
        """Return the name of the header with the API key; empty without a key."""
        return (self.key_header or "Authorization",) if self.api_key_env else ()

    def connections(
        self, url: str, authorize: Callable[[str | None], Mapping[str, str]], signer: Signer | None = None
    ) -> Connections:
        """Return connections to an address; `authorize` maps the key to its headers, `signer` signs requests."""
        from evalkit.http_client import Connections

        key = read_key(self.api_key_env)
        secrets = {name: read_key(variable) for name, variable in (self.headers_env or {}).items()}
        given = {name: value for name, value in secrets.items() if value}
        headers = {"Content-Type": "application/json", **authorize(key), **self.headers, **given}
        redactor = Redactor(key, *given.values())
        return Connections(url, headers, self.connect_timeout_s, self.timeout_s, redactor, signer)

    def traffic(self) -> Traffic:
        """Return retries, rate limits and prices."""
        return Traffic(
            retries=self.retries,
            retry_wait_s=self.retry_wait_s,
            longest_wait_s=self.longest_wait_s,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            price=self.price,
            billed=True,
        )


def _is_header_name(name: str) -> bool:
    return name.isascii() and name.replace("-", "").isalnum()


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _repeated(names: Iterable[str]) -> str | None:
    """Return the first name that occurs again, in any case; None if none does."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None
