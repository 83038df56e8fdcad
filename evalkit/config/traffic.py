"""How a backend may be called: retries, limits, caps, price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from evalkit.config.settings import Settings
from evalkit.records import Usage

Amount = Annotated[float, Field(ge=0)]


class Price(Settings):
    """What a backend costs, and when that was true; one way of billing.

    Attributes
    ----------
    usd_per_million_tokens, usd_per_thousand_units, usd_per_million_bytes, usd_per_thousand_requests
        Exactly one of them. Units are what the API bills: search units, rerank units.
    as_of
        The day the price was looked up.
    """

    usd_per_million_tokens: Amount | None = None
    usd_per_thousand_units: Amount | None = None
    usd_per_million_bytes: Amount | None = None
    usd_per_thousand_requests: Amount | None = None
    as_of: date

    @model_validator(mode="after")
    def _one_way(self) -> Price:
        ways = [name for name in Price.model_fields if name != "as_of"]
        if sum(getattr(self, name) is not None for name in ways) != 1:
            raise ValueError(f"a price needs exactly one of: {', '.join(ways)}")
        return self

    def of(self, usage: Usage) -> float | None:
        """Return the cost in USD of what a call was billed; None where the call does not tell."""
        if self.usd_per_thousand_requests is not None:
            return self.usd_per_thousand_requests / 1e3
        for rate, amount, unit in (
            (self.usd_per_million_tokens, usage.tokens, 1e6),
            (self.usd_per_thousand_units, usage.units, 1e3),
            (self.usd_per_million_bytes, usage.billed_bytes, 1e6),
        ):
            if rate is not None and amount is not None:
                return rate * amount / unit
        # A price of nothing needs no count.
        return 0.0 if not any(self.model_dump(exclude={"as_of"}, exclude_none=True).values()) else None


@dataclass(frozen=True, slots=True)
class Weight:
    """What one call of a backend sends and gets back, before it is made.

    Attributes
    ----------
    characters
        Of all texts, as often as they are sent.
    requests
        In which they are sent.
    answer_tokens, most_answer_tokens
        Tokens that a model is expected to write in answer, and the most it may write.
    """

    characters: int
    requests: int = 1
    answer_tokens: int = 0
    most_answer_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The rules of calling one backend; the defaults are those of a backend in this process.

    Attributes
    ----------
    retries
        Attempts after the first, for failures that may pass.
    retry_wait_s, longest_wait_s
        First wait before another attempt, doubled each time, and the longest one.
    requests_per_minute, tokens_per_minute
        Limits of the account; None for none.
    max_bytes, max_tokens
        Caps of one request; a list beyond them is split.
    price
        None where it is not known.
    billed
        Whether calls may cost money.
    weigh
        Query and documents in, what their call weighs out; None where a call is one request, with the
        query once for each document.
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
