"""Settings of everything that asks a decision API: which contract it speaks, where it is, and what it costs."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from evalkit.config import Price
from evalkit.config.traffic import Amount
from evalkit.dialects.decision_contracts import CONTRACTS, Contract
from evalkit.records import Usage
from evalkit.rerankers.remote_access import RemoteAccess


class DecisionPrice(Price):
    """Price of a decision API. Most bill the tokens that are read alone.

    Attributes
    ----------
    usd_per_million_output_tokens
        Of the output tokens that the API reports, with ``usd_per_million_tokens`` as the price of the others.
    """

    usd_per_million_output_tokens: Amount = 0.0

    def of(self, usage: Usage) -> float | None:
        """Return the cost of a call in USD; None if the usage lacks a billed unit."""
        if self.usd_per_million_tokens is None or usage.tokens is None:
            return super().of(usage)
        if usage.output_tokens is None and self.usd_per_million_output_tokens:
            return None
        written = usage.output_tokens or 0
        read_usd = self.usd_per_million_tokens * (usage.tokens - written)
        return (read_usd + self.usd_per_million_output_tokens * written) / 1e6


class DecisionAccess(RemoteAccess):
    """Address, limits and price of a decision API, of a reranker or of a judge.

    Attributes
    ----------
    contract
        Wire contract: ``openai`` (``/v1/decisions``), or ``system_one`` (``/v1/systemone`` of TypeSafe, OpenRouter,
        ``decide serve`` and gateways). A server that speaks the other one refuses the request or misreads it.
    url
        Host, base URL (``.../v1``) or full URL of the API (default: the public address of the contract).
        ``evalkit config show`` prints the resolved URL.
    model
        Model name sent with every request. A name that moves, such as ``jev-latest``, may be answered by a dated build
        of the same model, which is recorded. A reply that names another model is a failure.
    """

    contract: Literal["openai", "system_one"]
    model: str
    price: DecisionPrice | None = None

    @model_validator(mode="after")
    def _whole_address(self) -> DecisionAccess:
        """Complete the url, so that a base address has the identity of the whole one."""
        url = self.wire.public_url if self.url is None else self.wire.address(self.url)
        object.__setattr__(self, "url", url)
        return self

    @model_validator(mode="after")
    def _options_are_further_keys(self) -> DecisionAccess:
        for name in self.options:
            if name in self.wire.own_keys:
                raise ValueError(f"must not set option {name!r}: evalkit sets it")
        return self

    def cost_usd(self, usage: Usage) -> float | None:
        """Return the cost of requests in USD; None if it is unknown."""
        return self.price.of(usage) if self.price else None

    @property
    def wire(self) -> Contract:
        """The wire contract."""
        return CONTRACTS[self.contract]
