"""How a backend may be called: retries, rate limits, request limits, price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from evalkit.config.settings import Settings
from evalkit.config.text_templates import AS_THEY_ARE, TextTemplates
from evalkit.records import Usage

Amount = Annotated[float, Field(ge=0, le=1e9)]


class Price(Settings):
    """Price of a backend, with its date.

    Attributes
    ----------
    usd_per_million_tokens, usd_per_thousand_units, usd_per_million_bytes, usd_per_thousand_requests
        Exactly one of these prices. Units are the units that the API bills, such as search units.
    as_of
        Date of the price.
    """

    usd_per_million_tokens: Amount | None = None
    usd_per_thousand_units: Amount | None = None
    usd_per_million_bytes: Amount | None = None
    usd_per_thousand_requests: Amount | None = None
    as_of: date

    @model_validator(mode="after")
    def _check_one_rate(self) -> Price:
        rates = [name for name in Price.model_fields if name != "as_of"]
        if sum(getattr(self, name) is not None for name in rates) != 1:
            raise ValueError(f"needs exactly one of: {', '.join(rates)}")
        return self

    def of(self, usage: Usage) -> float | None:
        """Return the cost of a call in USD from the usage it reports; None if it does not report the billed unit."""
        if self.usd_per_thousand_requests is not None:
            return self.usd_per_thousand_requests / 1e3
        for rate, amount, unit in (
            (self.usd_per_million_tokens, usage.tokens, 1e6),
            (self.usd_per_thousand_units, usage.units, 1e3),
            (self.usd_per_million_bytes, usage.billed_bytes, 1e6),
        ):
            if rate is not None and amount is not None:
                return rate * amount / unit
        # A price of 0 does not need the usage.
        return 0.0 if not any(self.model_dump(exclude={"as_of"}, exclude_none=True).values()) else None


@dataclass(frozen=True, slots=True)
class Weight:
    """The size of a call before it is made, for estimates of its tokens and cost.

    Attributes
    ----------
    characters
        Characters of all texts, counted as often as they are sent.
    requests
        Number of requests of the call.
    answer_tokens, most_answer_tokens
        Tokens that a model is expected to generate, and the most that it may generate.
    is_exact
        Whether the call takes exactly so many requests; else it takes at most so many, and its answers decide.
    """

    characters: int
    requests: int = 1
    answer_tokens: int = 0
    most_answer_tokens: int = 0
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Traffic:
    """Retries, limits and price of calls to one backend; the defaults are those of an in-process backend.

    Attributes
    ----------
    retries
        Attempts after the first, for transient failures.
    retry_wait_s, longest_wait_s
        Wait before the first retry in seconds, doubled for each further one, and the longest wait.
    requests_per_minute, tokens_per_minute
        Rate limits of the account; None for no limit.
    max_bytes, max_tokens
        Limits of one request; a longer list of documents is split. None for no limit.
    price
        Price of the backend; None if unknown.
    billed
        Whether calls may cost money.
    weigh
        Function that returns the size of a call with the given query and documents; None if a call is one request
        that contains the query once per document.
    templates
        What is sent in place of a query and of a document.
    more_characters
        Characters that a request has for each document besides the texts, such as a question about it.
    """

    retries: int = 0
    retry_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_bytes: int | None = None
    max_tokens: int | None = None
    price: Price | None = None
    billed: bool = False
    weigh: Callable[[str, tuple[str, ...]], Weight] | None = None
    templates: TextTemplates = AS_THEY_ARE
    more_characters: int = 0
