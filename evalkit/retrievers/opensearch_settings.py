"""Settings of the `opensearch` first stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from evalkit.config import RetrieverSettings
from evalkit.config.settings import Seconds
from evalkit.http_client import check_url

PLACEHOLDER = "{query}"
"""Placeholder for the text of a query in a custom query: a complete value, not a part of one."""


class OpenSearchSettings(RetrieverSettings):
    """Settings of `opensearch`.

    Attributes
    ----------
    url
        Base URL of the engine.
    index
        Index or alias. The syntax of the engine for several indexes is accepted.
    fields
        Fields to search, with optional boosts: ``[title^2, text]``.
    query
        Instead of ``fields``: a query in the query language of the engine. ``"{query}"`` is replaced by the query text.
    id_field
        Field with the document ID of the dataset: ``_id`` or a keyword field.
    missing
        What to do with hits that are not in the dataset. ``fail``: error. ``drop``: use the next hit instead.
    search_type
        ``dfs_query_then_fetch`` computes scores from the statistics of the whole index instead of each shard.
    api_key_env
        Environment variable that contains an API key.
    api_key_scheme
        Authentication scheme before the key in the header.
    user_env, password_env
        Instead of a key: environment variables that contain a user name and a password.
    concurrency
        Concurrent queries.
    page_size
        Maximum documents per reply: ``max_result_window`` of the index.
    timeout_s
        Timeout of a request.
    retries
        Retries of a request after a transient failure.
    retry_wait_s
        Wait before the first retry; doubled for each retry, with jitter.
    longest_wait_s
        Longest wait before a retry.
    """

    kind: Literal["opensearch"] = "opensearch"
    url: str
    index: Annotated[str, Field(pattern=r"^[^/\\?#\s\"<>|]+$")]
    fields: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    query: dict[str, Any] | None = None
    id_field: Annotated[str, Field(min_length=1)] = "_id"
    missing: Literal["fail", "drop"] = "fail"
    search_type: Literal["query_then_fetch", "dfs_query_then_fetch"] = "query_then_fetch"
    api_key_env: str | None = None
    api_key_scheme: Literal["ApiKey", "Bearer"] = "ApiKey"
    user_env: str | None = None
    password_env: str | None = None
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    page_size: Annotated[int, Field(ge=2, le=1_000_000)] = 10_000
    timeout_s: Seconds = 30.0
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    retry_wait_s: Seconds = 0.5
    longest_wait_s: Seconds = 60.0

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return check_url(url).rstrip("/")

    @field_validator("query")
    @classmethod
    def _check_placeholder(cls, query: dict[str, Any] | None) -> dict[str, Any] | None:
        texts = [text for text in _texts(query) if PLACEHOLDER in text]
        if query is not None and not texts:
            raise ValueError(f"must contain the value {PLACEHOLDER!r}, which is replaced by the query text")
        for text in texts:
            if text != PLACEHOLDER:
                raise ValueError(
                    f"must contain {PLACEHOLDER!r} as a complete value, not as a part of {text!r}"
                )
        return query

    @model_validator(mode="after")
    def _check_combination(self) -> OpenSearchSettings:
        if (
            urlsplit(self.url).query or urlsplit(self.url).fragment
        ):  # the message omits the url: it may contain a key
            raise ValueError("needs a 'url' without '?' and '#'")
        if (self.fields is None) == (self.query is None):
            raise ValueError("needs either 'fields' or 'query'")
        if (self.user_env is None) != (self.password_env is None):
            raise ValueError("needs both 'user_env' and 'password_env', or neither")
        if self.api_key_env is not None and self.user_env is not None:
            raise ValueError("must not have both 'api_key_env' and 'user_env'")
        return self

    def query_for(self, text: str) -> dict[str, Any]:
        """Return the engine's query for the text of a query."""
        if self.fields is not None:
            return {"multi_match": {"query": text, "fields": list(self.fields)}}
        return {key: _fill(value, text) for key, value in (self.query or {}).items()}


def _fill(template: Any, text: str) -> Any:
    """Return a JSON value with every placeholder replaced by the text."""
    if isinstance(template, dict):
        return {key: _fill(value, text) for key, value in template.items()}
    if isinstance(template, list):
        return [_fill(value, text) for value in template]
    return text if template == PLACEHOLDER else template


def _texts(template: Any) -> Iterator[str]:
    """Yield all strings in a JSON value, except keys."""
    if isinstance(template, str):
        yield template
    parts = template.values() if isinstance(template, dict) else template
    for part in parts if isinstance(template, dict | list) else ():
        yield from _texts(part)
