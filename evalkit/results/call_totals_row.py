"""Rows of ``summary.json`` on the attempts of a reranker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.results.json_shapes import JsonObject, Key


@dataclass(frozen=True, slots=True)
class CallTotals(JsonObject):
    """Attempts and reported amounts of one dataset, reranker and pass.

    Attributes
    ----------
    calls
        Attempts.
    throttled
        Attempts answered with status 429.
    documents
        Documents of the successful calls.
    unsorted_lists
        Responses that were not in the order of their own scores.
    truncated_documents
        Documents of which the model ignored the text past its limit; None where it does not report them.
    connections_reused
        Share of the calls on a connection that was open already; None where there was no connection.
    tokens, units, billed_bytes, characters, cost_usd
        Sums over the successful calls; None where no call reported the amount.
    calls_without_tokens, calls_without_units, calls_without_billed_bytes, calls_without_characters
        Successful calls that did not report that amount.
    calls_without_cost_usd
        The same for the cost.
    frequent_error
        The most frequent error of the failed attempts, its kind first; None without one.
    """

    dataset: str
    reranker: str
    pass_: Annotated[str, Key("pass")]
    calls: int
    failed: int
    retried: int
    throttled: int
    documents: int
    unsorted_lists: int
    truncated_documents: int | float | None
    connections_reused: float | None
    tokens: int | float | None
    calls_without_tokens: int
    units: int | float | None
    calls_without_units: int
    billed_bytes: int | float | None
    calls_without_billed_bytes: int
    characters: int | float | None
    calls_without_characters: int
    cost_usd: int | float | None
    calls_without_cost_usd: int
    frequent_error: Annotated[str | None, Key(omit_none=True)] = None
