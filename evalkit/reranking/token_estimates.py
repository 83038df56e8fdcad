"""Estimate the tokens, bytes and cost of a request before it is sent."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evalkit.config import Price, Traffic, Weight
from evalkit.records import RerankRequest, Usage

TOKENS_PER_CHARACTER = 0.25
"""The common rule of thumb for English, assumed in plans."""
CAUTIOUS_TOKENS_PER_CHARACTER = 0.4
"""Assumed for limits and budgets until a reply reports its tokens."""
MARGIN = 1.25
"""Limits and budgets assume the highest tokens per character seen so far times this factor."""
DOCUMENTS_PER_UNIT = 100
"""Documents per search unit, as commonly billed."""
PAIR_OVERHEAD_BYTES = 150
"""Bytes that an API billed by bytes (ZeroEntropy) adds to each pair."""


@dataclass(frozen=True, slots=True)
class PlannedPass:
    """Planned calls of one reranker on one dataset in one pass, without retries.

    Attributes
    ----------
    pairs
        Query-document pairs sent.
    known
        Pairs with cached scores, which are not sent.
    requests
        HTTP requests: more than calls if a backend sends a list in several requests.
    tokens
        Estimate: `TOKENS_PER_CHARACTER` for every character sent, plus the tokens that models write.
    cost_usd
        Estimate from the configured price; None without a price.
    at_most
        Whether answers decide how many requests follow: `requests` are then the most that are possible, and tokens and
        cost are those of so many.
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
    at_most: bool = False


def characters(query: str, documents: tuple[str, ...]) -> int:
    """Return the characters of all pairs: the query counts once per document."""
    return len(query) * len(documents) + sum(map(len, documents))


def request_bytes(query: str, documents: tuple[str, ...]) -> int:
    """Return the approximate size of a request's body in bytes."""
    return len(query.encode("utf-8", "replace")) + sum(
        len(d.encode("utf-8", "replace")) + 8 for d in documents
    )


def weigh(traffic: Traffic, query: str, documents: tuple[str, ...]) -> Weight:
    """Return the characters, requests and answer tokens of one call."""
    if traffic.weigh:
        return traffic.weigh(query, documents)
    return Weight(characters=characters(*traffic.templates.sent(query, documents)))


def expected_usage(
    query: str, documents: tuple[str, ...], tokens_per_character: float, weight: Weight | None = None
) -> Usage:
    """Return the expected usage of one call in every unit that APIs bill: tokens, search units and bytes.

    Parameters
    ----------
    query, documents
        The texts as they are sent.
    tokens_per_character
        Assumed for the characters sent.
    weight
        Characters sent and tokens answered; None if the query is sent once per document.
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


def plan_pass(
    dataset: str, tag: str, name: str, requests: Iterable[RerankRequest], traffic: Traffic
) -> PlannedPass:
    """Return one pass with the sums over its requests; the cost is None where a request has none."""
    price = traffic.price
    calls, pairs, sent, tokens, at_most = 0, 0, 0, 0, False
    costs: list[float | None] = []
    for request in requests:
        weight = weigh(traffic, request.instructed_query, request.documents)
        texts = traffic.templates.sent(request.instructed_query, request.documents)
        usage = expected_usage(*texts, TOKENS_PER_CHARACTER, weight)
        calls += 1
        pairs += len(request.documents)
        sent += weight.requests
        tokens += usage.tokens or 0
        at_most |= not weight.is_exact
        costs.append(price.of(usage) if price else None)
    known = [cost for cost in costs if cost is not None]
    cost_usd = float(np.sum(known)) if price is not None and len(known) == calls else None
    return PlannedPass(dataset, tag, name, calls, pairs, 0, sent, tokens, cost_usd, at_most)


class TokenEstimate:
    """Estimates the maximum tokens of a request, from the replies seen so far. Thread-safe.

    Parameters
    ----------
    traffic
        Its `weigh` returns the characters of a call.
    """

    def __init__(self, traffic: Traffic | None = None) -> None:
        self._traffic = traffic or Traffic()
        self._lock = threading.Lock()
        self._highest_ratio = 0.0

    def learn(self, request: RerankRequest, tokens: int | None) -> None:
        """Update the highest tokens per character with the tokens that a reply reports; ignore None."""
        size = weigh(self._traffic, request.instructed_query, request.documents).characters
        if tokens and size:
            with self._lock:
                self._highest_ratio = max(self._highest_ratio, tokens / size)

    def usage(self, request: RerankRequest) -> Usage:
        """Return the estimated maximum usage of a request."""
        ratio = self._highest_ratio * MARGIN if self._highest_ratio else CAUTIOUS_TOKENS_PER_CHARACTER
        weight = weigh(self._traffic, request.instructed_query, request.documents)
        most = replace(weight, answer_tokens=weight.most_answer_tokens)
        sent = self._traffic.templates.sent(request.instructed_query, request.documents)
        return expected_usage(*sent, ratio, most)

    def requests(self, request: RerankRequest) -> int:
        """Return the number of HTTP requests of a call."""
        return weigh(self._traffic, request.instructed_query, request.documents).requests

    def cost_usd(self, request: RerankRequest, price: Price | None) -> float:
        """Return the estimated maximum cost of a request in USD; 0 without a price."""
        return (price.of(self.usage(request)) or 0.0) if price else 0.0
