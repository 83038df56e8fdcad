"""What a request will weigh before it is sent: tokens, bytes, cost."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace

from evalkit.config import Price, Traffic, Weight
from evalkit.records import RerankRequest, Usage

TOKENS_PER_CHARACTER = 0.25
"""The common rule of thumb for English; what a plan says it assumes."""
CAUTIOUS_TOKENS_PER_CHARACTER = 0.4
"""Assumed for limits and budgets until a reply tells better."""
MARGIN = 1.25
"""Limits and budgets assume the most tokens per character seen so far, and a quarter more."""
DOCUMENTS_PER_UNIT = 100
"""Documents that one search unit is commonly said to hold."""
PAIR_OVERHEAD_BYTES = 150
"""Bytes that an API billing by bytes adds to each pair (ZeroEntropy)."""


@dataclass(frozen=True, slots=True)
class PlannedPass:
    """Calls of one reranker on one dataset in one pass, if every call succeeds the first time.

    Attributes
    ----------
    pairs
        Query-document pairs sent.
    known
        Pairs whose scores are in the store, and which are not sent.
    requests
        In which the calls are sent: more than calls where a backend asks about a list in parts.
    tokens
        Estimate: `TOKENS_PER_CHARACTER` for every character sent, and what models write in answer.
    cost_usd
        Estimate from the configured price; None without one.
    """

    dataset: str
    reranker: str
    pass_: str
    calls: int
    pairs: int
    known: int
    requests: int
    tokens: int
    cost_usd: float | None


def characters(query: str, documents: tuple[str, ...]) -> int:
    """Return the characters of all pairs: the query counts once for each document."""
    return len(query) * len(documents) + sum(map(len, documents))


def request_bytes(query: str, documents: tuple[str, ...]) -> int:
    """Return about how many bytes a request's body has."""
    return len(query.encode("utf-8", "replace")) + sum(
        len(d.encode("utf-8", "replace")) + 8 for d in documents
    )


def weigh(traffic: Traffic, query: str, documents: tuple[str, ...]) -> Weight:
    """Return what one call weighs."""
    return (
        traffic.weigh(query, documents) if traffic.weigh else Weight(characters=characters(query, documents))
    )


def expected_usage(
    query: str, documents: tuple[str, ...], tokens_per_character: float, weight: Weight | None = None
) -> Usage:
    """Return what an API would bill for one call, by whichever measure it bills.

    Parameters
    ----------
    query, documents
        What is scored.
    tokens_per_character
        Of what is sent.
    weight
        What is sent; the query once for each document where None.
    """
    weight = weight or Weight(characters=characters(query, documents))
    pair_bytes = sum(
        PAIR_OVERHEAD_BYTES + len(query.encode("utf-8", "replace")) + len(d.encode("utf-8", "replace"))
        for d in documents
    )
    return Usage(
        tokens=math.ceil(weight.characters * tokens_per_character) + weight.answer_tokens,
        output_tokens=weight.answer_tokens or None,
        units=math.ceil(len(documents) / DOCUMENTS_PER_UNIT),
        billed_bytes=pair_bytes,
    )


class TokenEstimate:
    """Learns from replies how many tokens a character is at most. Used from several threads.

    Parameters
    ----------
    traffic
        Says what a call weighs.
    """

    def __init__(self, traffic: Traffic | None = None) -> None:
        self._traffic = traffic or Traffic()
        self._lock = threading.Lock()
        self._most = 0.0

    def learn(self, request: RerankRequest, tokens: int | None) -> None:
        """Take note of what a reply said; None says nothing."""
        size = weigh(self._traffic, request.query, request.documents).characters
        if tokens and size:
            with self._lock:
                self._most = max(self._most, tokens / size)

    def usage(self, request: RerankRequest) -> Usage:
        """Return what a request may weigh at most, as far as can be told."""
        ratio = self._most * MARGIN if self._most else CAUTIOUS_TOKENS_PER_CHARACTER
        weight = weigh(self._traffic, request.query, request.documents)
        most = replace(weight, answer_tokens=weight.most_answer_tokens)
        return expected_usage(request.query, request.documents, ratio, most)

    def requests(self, request: RerankRequest) -> int:
        """Return how many requests a call sends."""
        return weigh(self._traffic, request.query, request.documents).requests

    def cost_usd(self, request: RerankRequest, price: Price | None) -> float:
        """Return what a request may cost at most; 0 without a price."""
        return (price.of(self.usage(request)) or 0.0) if price else 0.0
