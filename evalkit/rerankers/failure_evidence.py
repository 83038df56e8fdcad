"""What is known of a call whose reply cannot be used, and how to read the sentence of its server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.dialects import Dialect, WireRequest
from evalkit.http_client import Exchange
from evalkit.rerankers.http_failures import error_sentence, json_or_none, streamed_error
from evalkit.rerankers.reply_shapes import has_results

_MOST_NAMES = 4
"""Dialects or ids that a hint names."""
MOST_CHARACTERS = 4_000
"""Characters of a server's sentence in which words are looked for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a call whose reply cannot be used.

    Attributes
    ----------
    exchange
        The reply.
    url
        The address as displayed in messages, without secrets.
    name, dialect
        The wire format of the request, and its name.
    options
        The configured options of the request.
    wire, doc_ids
        The request, and the ids of its documents.
    key_variable, requests_per_minute
        The settings of these names.
    """

    exchange: Exchange
    url: str
    name: str
    dialect: Dialect
    options: Mapping[str, Any]
    wire: WireRequest
    doc_ids: Sequence[str] = ()
    key_variable: str | None = None
    requests_per_minute: float | None = None

    @property
    def body(self) -> Any:
        """The reply as parsed from JSON; None if it is not JSON."""
        return json_or_none(self.exchange)

    @property
    def status(self) -> int:
        """The HTTP status; that of the error inside a reply with status 200."""
        return status_of(self.exchange, self.dialect)

    @property
    def sentence(self) -> str:
        """What the server says."""
        if self.status == 200:
            return ""
        return error_sentence(self.exchange, self.dialect)[:MOST_CHARACTERS]

    @property
    def sent_keys(self) -> frozenset[str]:
        """The top-level keys of the request."""
        return frozenset(self.dialect.encode_request(self.wire, self.options))


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence, the first few of many."""
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"


def status_of(exchange: Exchange, dialect: Dialect | None = None) -> int:
    """Return the status of a reply, or the status that belongs to the error inside a reply with status 200.

    Parameters
    ----------
    exchange
        The reply.
    dialect
        Where the API puts results and errors; None for the usual places.
    """
    dialect = dialect or Dialect()
    if exchange.status != 200:
        return exchange.status
    body = json_or_none(exchange)
    found = dialect.reply_error(body, has_results=has_results(body, dialect)) or streamed_error(exchange)
    return exchange.status if found is None else found.status
