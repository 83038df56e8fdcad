"""Post one JSON body to an API and read its reply, with everything that is known of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.dialects.reading import COMMON_TIMES, read_server_times
from evalkit.errors import CallError
from evalkit.http_client import Exchange, encode_json, rate_limit_reset_s
from evalkit.records import RerankResponse, ServerTime, Timeline, Usage
from evalkit.rerankers.chat import chat_headers
from evalkit.rerankers.failure_hints import advise_chat
from evalkit.rerankers.http_failures import fault_in_reply, read_json, refusal
from evalkit.rerankers.remote_access import RemoteAccess


class ModelReply(Protocol):
    """What every parsed reply of a model says about itself, as `RerankResponse` has it."""

    @property
    def usage(self) -> Usage: ...  # noqa: D102 - of the protocol

    @property
    def model(self) -> str | None: ...  # noqa: D102 - of the protocol

    @property
    def unusable(self) -> Mapping[str, str]: ...  # noqa: D102 - of the protocol


R = TypeVar("R", bound=ModelReply)


@dataclass(frozen=True, slots=True)
class Answered(Generic[R]):
    """A reply with the facts of its exchange.

    Attributes
    ----------
    reply
        The parsed reply.
    exchange
        The HTTP exchange.
    server_times
        Processing times that the server reported.
    """

    reply: R
    exchange: Exchange
    server_times: tuple[ServerTime, ...]

    @property
    def pause_s(self) -> float | None:
        """Seconds until the rate limit that this call used up is renewed; None if no limit is used up."""
        return rate_limit_reset_s(self.exchange.headers)

    @property
    def timeline(self) -> Timeline:
        """Times of the request."""
        found = self.exchange
        return Timeline(found.start_s, found.sent_s, found.headers_s, found.body_s)

    def response(
        self,
        scores: NDArray[np.float64],
        *,
        truncated: NDArray[np.bool_] | None = None,
        raw: str = "",
        asked: Mapping[str, Any] | None = None,
    ) -> RerankResponse:
        """Return the scores that were read from the reply, with what is known of the call.

        Parameters
        ----------
        scores
            ``(n,)`` scores or grades.
        truncated
            ``(n,)`` whether each document was truncated in the request; None if unknown.
        raw, asked
            What a judge answered, and how it was asked; see `RerankResponse`.
        """
        reply, exchange = self.reply, self.exchange
        return RerankResponse(
            scores,
            usage=reply.usage,
            server_times=self.server_times,
            model=reply.model,
            http_status=exchange.status,
            conn_reused=exchange.reused,
            pause_s=self.pause_s,
            timeline=self.timeline,
            truncated=truncated,
            unusable=reply.unusable,
            harness_delay_s=exchange.harness_delay_s,
            raw=raw,
            asked=asked or {},
        )


class JsonClient:
    """Connections to an API with bearer keys; it can be used by several threads.

    Parameters
    ----------
    settings
        Key and limits.
    url
        The address that bodies are posted to.
    endpoint
        What the url should point to, for hints, e.g. ``"a chat endpoint"``.
    shorten
        What to do if a request is too long for the model, in the imperative.
    """

    def __init__(self, settings: RemoteAccess, url: str, endpoint: str, shorten: str) -> None:
        self._limits, self._endpoint, self._shorten = settings, endpoint, shorten
        authorize = partial(chat_headers, header=settings.key_header, prefix=settings.key_prefix)
        self._connections = settings.connections(url, authorize)

    @property
    def display_url(self) -> str:
        """The address as shown in messages, without secrets."""
        return self._connections.display_url

    def post(self, body: Any, read: Callable[[Any], R], answers: str) -> Answered[R]:
        """Post a body and return the reply.

        Parameters
        ----------
        body
            A JSON value.
        read
            Returns the reply, given parsed JSON; raises `CallError` if it is malformed.
        answers
            Key of a reply that has answers, at least some: then only an explicit error counts as one.

        Raises
        ------
        CallError
            If the call fails, with the hint that its reply supports.
        """
        exchange = self._connections.post(encode_json(body))
        try:
            if exchange.status != 200:
                raise self._refusal(exchange)
            content = read_json(exchange, self.display_url, self._endpoint, self._refusal)
            reply = self._read(content, exchange, read, answers)
        except CallError as error:
            raise self.advise(error, exchange) from None
        return Answered(reply, exchange, read_server_times(exchange.headers, content, COMMON_TIMES))

    def advise(self, error: CallError, exchange: Exchange) -> CallError:
        """Return an error with the hint that its reply supports, or with the hint that it has."""
        return advise_chat(error, exchange, self._limits.requests_per_minute, self._shorten)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._connections.close()

    def _refusal(self, exchange: Exchange) -> CallError:
        return refusal(exchange, self.display_url, self._limits.key_variables)

    def _read(self, content: Any, exchange: Exchange, read: Callable[[Any], R], answers: str) -> R:
        try:
            return read(content)
        except CallError as error:
            has_answer = isinstance(content, dict) and bool(content.get(answers))
            raise fault_in_reply(
                error, content, exchange, self._refusal, self.display_url, has_results=has_answer
            ) from None
