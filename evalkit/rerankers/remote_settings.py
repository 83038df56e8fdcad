"""Settings of every backend that is reached over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from evalkit.config import Price, RerankerSettings, Traffic
from evalkit.config.secrets_check import is_secret
from evalkit.http_client import Connections, Redactor, check_url, read_key
from evalkit.rerankers.model_names import moving_name

Positive = Annotated[float, Field(gt=0)]


class RemoteSettings(RerankerSettings):
    """Where a service is, how it is asked, and what that costs.

    Attributes
    ----------
    url
        Where requests are posted to.
    model
        Sent with every request; a reply that names another model is a failure.
    expect_model
        The name that replies carry, where it is rightly another one than ``model``; ``any`` accepts all.
    api_key_env
        Environment variable that holds the key. A key stands in no file: not here, not in a url or a header.
    options
        Further keys of the request, as the API documents them, e.g. ``{truncate: END}``.
    headers
        Further headers; never a key.
    requests_per_minute, tokens_per_minute
        Limits of the account, kept over every window of a minute; none where absent.
    retries
        Attempts after the first, for failures that may pass.
    retry_wait_s
        The first wait, doubled and jittered each time.
    longest_wait_s
        The longest wait; a server that asks for more fails the query.
    connect_timeout_s
        Longest wait for a connection.
    timeout_s
        Longest wait for a whole reply.
    price
        What the API costs, and when that was looked up.
    """

    url: str | None = None
    model: str = "any"
    expect_model: str | None = None
    api_key_env: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    retry_wait_s: Positive = 0.5
    longest_wait_s: Positive = 60.0
    connect_timeout_s: Positive = 10.0
    timeout_s: Positive = 30.0
    price: Price | None = None

    immaterial: ClassVar[frozenset[str]] = RerankerSettings.immaterial | {
        "api_key_env",
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

    @field_validator("url")
    @classmethod
    def _absolute_url(cls, url: str | None) -> str | None:
        return None if url is None else check_url(url)

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

    @property
    def model_to_come(self) -> str:
        """The model name that replies must have."""
        return self.expect_model or self.model

    def moving_name(self) -> str | None:
        """Return why the model's name may refer to another model later; None if it does not seem to."""
        return moving_name(self.model)

    def connections(self, url: str, authorize: Callable[[str | None], Mapping[str, str]]) -> Connections:
        """Return connections to an address; `authorize` maps the key to its headers."""
        key = read_key(self.api_key_env)
        headers = {"Content-Type": "application/json", **authorize(key), **self.headers}
        return Connections(url, headers, self.connect_timeout_s, self.timeout_s, Redactor(key))

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
