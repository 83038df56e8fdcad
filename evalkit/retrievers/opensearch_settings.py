"""Settings of the `opensearch` first stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from evalkit.config import RetrieverSettings
from evalkit.http_client import check_url

PLACEHOLDER = "{query}"
"""Placeholder for the text of a query in a custom query: a complete value, not a part of one."""
Positive = Annotated[float, Field(gt=0)]


class OpenSearchSettings(RetrieverSettings):
    """Settings of `opensearch`.

    Attributes
    ----------
    url
        Address of the engine.
    index
        An index, an alias, or several of them as the engine takes them.
    fields
        What is searched, each with its boost if it has one: ``[title^2, text]``.
    query
        A query in the engine's own language instead, in which the value ``"{query}"`` stands for the text.
    id_field
        Where a document's id in the dataset stands: ``_id``, or a keyword field.
    missing
        What becomes of documents that the dataset lacks: an error, or the next one found takes their place.
    search_type
        ``dfs_query_then_fetch`` scores by the statistics of the whole index, not of every shard by itself.
    api_key_env
        Environment variable that holds a key.
    api_key_scheme
        The word before the key in the header.
    user_env, password_env
        Instead, environment variables that hold a user and its password.
    concurrency
        Queries in flight.
    page_size
        Most documents of one reply: ``max_result_window`` of the index.
    timeout_s
        Longest wait for a reply.
    retries
        Attempts after the first, for failures that may pass.
    retry_wait_s
        The first wait, doubled and jittered each time.
    longest_wait_s
        The longest wait.
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
    timeout_s: Positive = 30.0
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    retry_wait_s: Positive = 0.5
    longest_wait_s: Positive = 60.0

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return check_url(url).rstrip("/")

    @field_validator("query")
    @classmethod
    def _check_placeholder(cls, query: dict[str, Any] | None) -> dict[str, Any] | None:
        texts = [text for text in _texts(query) if PLACEHOLDER in text]
        if query is not None and not texts:
            raise ValueError(f"must hold the value {PLACEHOLDER!r} where the text of the query belongs")
        for text in texts:
            if text != PLACEHOLDER:
                raise ValueError(f"{PLACEHOLDER!r} must be a value by itself, not a part of {text!r}")
        return query

    @model_validator(mode="after")
    def _check_combination(self) -> OpenSearchSettings:
        if (
            urlsplit(self.url).query or urlsplit(self.url).fragment
        ):  # the message omits the url: it may contain a key
            raise ValueError("needs a 'url' that ends before '?' and '#'")
        if (self.fields is None) == (self.query is None):
            raise ValueError("needs either 'fields' or 'query'")
        if (self.user_env is None) != (self.password_env is None):
            raise ValueError("needs both 'user_env' and 'password_env', or neither")
        if self.api_key_env is not None and self.user_env is not None:
            raise ValueError("takes either 'api_key_env' or 'user_env', not both")
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
