"""Settings of everything that asks a model behind an OpenAI-compatible chat API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from evalkit.config import Price
from evalkit.config.settings import PositiveInt, Seconds
from evalkit.config.traffic import Amount
from evalkit.records import Usage
from evalkit.rerankers.chat import OWN_KEYS, chat_address
from evalkit.rerankers.remote_access import RemoteAccess


class ChatPrice(Price):
    """Price of a chat API. Input and output tokens usually have different prices.

    Attributes
    ----------
    usd_per_million_output_tokens
        Of the tokens written; the rate of those read where absent.
    """

    usd_per_million_output_tokens: Amount | None = None

    @model_validator(mode="after")
    def _by_token(self) -> ChatPrice:
        if self.usd_per_million_tokens is None:
            raise ValueError("needs usd_per_million_tokens: a chat API bills tokens")
        return self

    def of(self, usage: Usage) -> float | None:
        """Return the cost of a call in USD; None if the usage lacks tokens read or written."""
        read_rate, written_rate = self.usd_per_million_tokens, self.usd_per_million_output_tokens
        if read_rate is None or written_rate is None or usage.tokens is None:
            return super().of(usage)
        if usage.output_tokens is None:
            return None
        read = usage.tokens - usage.output_tokens
        return (read_rate * read + written_rate * usage.output_tokens) / 1e6


class ChatAccess(RemoteAccess):
    """Address, model and answers of a chat API, of a reranker or of a judge.

    Attributes
    ----------
    url
        Host, base URL (``.../v1``) or full URL of the chat endpoint. ``evalkit config show`` prints the resolved URL.
    temperature
        Sampling temperature. Some models accept only 1.
    max_answer_tokens
        Limit of the answer. Reasoning models need more. ``options: {max_completion_tokens: N}`` replaces it.
    """

    url: str
    model: str
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_answer_tokens: PositiveInt = 1000
    timeout_s: Seconds = 120.0
    price: ChatPrice | None = None

    @field_validator("url")
    @classmethod
    def _whole_address(cls, url: str) -> str:
        return chat_address(url)

    @model_validator(mode="after")
    def _options_are_free(self) -> ChatAccess:
        for name in self.options:
            if name in OWN_KEYS:
                backend = getattr(self, "backend", "chat")
                raise ValueError(f"must not set option {name!r}: the {backend} backend sets it")
        return self

    @property
    def most_answer_tokens(self) -> int:
        """Maximum tokens of an answer: ``max_answer_tokens``, or the option ``max_completion_tokens``."""
        renamed = self.options.get("max_completion_tokens")
        return renamed if isinstance(renamed, int) else self.max_answer_tokens

    def cost_usd(self, usage: Usage) -> float | None:
        """Return the cost of answers in USD; None if it is unknown."""
        return self.price.of(usage) if self.price else usage.cost_usd
