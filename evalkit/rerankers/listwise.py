"""A reranker that lets a language model behind a chat API sort the list, window by window."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from evalkit.dialects.reading import COMMON_TIMES, read_server_times
from evalkit.errors import RETRYABLE, CallError
from evalkit.http_client import Exchange, encode_json, rate_limit_reset_s
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Timeline
from evalkit.rerankers.answers import Answer, UnfinishedCalls, end_to_end, total_times, total_usage
from evalkit.rerankers.chat import ChatReply, chat_headers, chat_request, read_chat
from evalkit.rerankers.failure_hints import advise_chat
from evalkit.rerankers.http_failures import (
    beginning,
    check_model,
    fault_in_reply,
    logged,
    read_json,
    refusal,
)
from evalkit.rerankers.listwise_settings import ListwiseSettings, ask_for_order, one_line
from evalkit.rerankers.permutations import Permutation, read_permutation, sort_by_windows


class Listwise:
    """A chat model that ranks a list in overlapping windows, from the last candidates to the first.

    A document's score is how many stand below it, itself included. A document that an answer leaves out
    stands behind those it names, and is counted. A call that is made again asks only for the windows that
    were not answered.
    """

    Settings = ListwiseSettings
    pointwise = False
    score_kind: ScoreKind = "unbounded"  # positions from the bottom: 1, 2, 3, ...
    instruction_place = "the definition of relevance in the prompt"

    def __init__(self, settings: ListwiseSettings) -> None:
        self._settings = settings
        self._unfinished = UnfinishedCalls()
        authorize = partial(chat_headers, header=settings.key_header, prefix=settings.key_prefix)
        self._connections = settings.connections(settings.url, authorize)

    def score(self, request: RerankRequest) -> RerankResponse:
        """Sort the list window by window; a document's score is its rank counted from the bottom.

        Raises
        ------
        CallError
            If the call for a window fails, or its answer names none of the documents.
        """
        if not request.documents:
            return RerankResponse(np.empty(0))
        answers = self._unfinished.take(request.call_id)
        try:
            return self._sort(request, answers)
        except CallError as error:
            self._unfinished.keep(request.call_id, answers)
            error.billed_usd = self._billed_usd(answers)
            raise

    def close(self) -> None:
        """Close the connections of all threads."""
        self._connections.close()

    def _sort(self, request: RerankRequest, answers: list[Answer]) -> RerankResponse:
        """Sort a list. `answers` holds those to its first windows; answers to the other windows are appended."""
        query, limit = one_line(request.query), self._settings.max_document_characters
        texts = [one_line(text) for text in request.documents]
        instruction = one_line(request.instruction) or self._settings.instruction

        def places(number: int, window: list[int]) -> Permutation:
            if number == len(answers):
                answers.append(self._ask(query, [texts[index][:limit] for index in window], instruction))
            return answers[number].places

        order, left_out = sort_by_windows(len(texts), self._settings.spans(len(texts)), places)
        scores = np.empty(len(texts))
        scores[order] = np.arange(len(texts), 0, -1)
        return RerankResponse(
            scores=scores,
            usage=total_usage(answers),
            server_times=total_times(answers),
            model=answers[-1].model,
            http_status=200,
            conn_reused=answers[0].reused,
            missing=len(left_out),
            pause_s=answers[-1].pause_s,
            timeline=end_to_end(answers),
            truncated=np.array([len(text) > limit for text in texts]),
            unusable={name: shown for answer in answers for name, shown in answer.unusable.items()},
        )

    def _ask(self, query: str, documents: Sequence[str], instruction: str) -> Answer:
        """Return the model's answer for one window."""
        settings, shown = self._settings, self._connections.display_url
        question = ask_for_order(query, documents, instruction)
        body = encode_json(
            chat_request(
                settings.model, question, settings.temperature, settings.max_answer_tokens, settings.options
            )
        )
        encoded_s = time.perf_counter()
        exchange = self._connections.post(body)
        try:
            if exchange.status != 200:
                raise self._refusal(exchange)
            content = read_json(exchange, shown, "a chat endpoint", self._refusal)
            reply = self._read_reply(content, exchange)
        except CallError as error:
            raise advise_chat(error, exchange, settings.requests_per_minute) from None
        check_model(settings.model_to_come, reply.model, exchange, shown)
        places = self._read(reply, len(documents), exchange)
        return Answer(
            places,
            reply.usage,
            read_server_times(exchange.headers, content, COMMON_TIMES),
            reply.model,
            exchange.reused,
            rate_limit_reset_s(exchange.headers),
            Timeline(encoded_s, exchange.sent_s, exchange.headers_s, exchange.body_s),
            reply.unusable,
        )

    def _refusal(self, exchange: Exchange) -> CallError:
        return refusal(exchange, self._connections.display_url, self._settings.key_variables)

    def _read_reply(self, content: Any, exchange: Exchange) -> ChatReply:
        try:
            return read_chat(content)
        except CallError as error:
            has_answer = isinstance(content, dict) and bool(content.get("choices"))
            shown = self._connections.display_url
            raise fault_in_reply(
                error, content, exchange, self._refusal, shown, has_results=has_answer
            ) from None

    def _read(self, reply: ChatReply, documents: int, exchange: Exchange) -> Permutation:
        """Return the order that an answer names.

        Raises
        ------
        CallError
            If the answer names none of several documents, and ``unreadable`` is ``fail``.
        """
        places = read_permutation(reply.text, documents)
        if places.named or documents == 1 or self._settings.unreadable == "keep":
            return places
        if reply.cut or (reply.reasoned and not reply.text.strip()):
            message, hint = "the answer was cut off before it named a document", "raise max_answer_tokens"
        else:
            message = f"the answer names none of {documents} documents: {beginning(reply.text)}"
            hint = "set unreadable: keep to leave the order of such windows unchanged"
        raise CallError(
            "reply",
            f"{self._connections.display_url}: {message}",
            hint,
            http_status=exchange.status,
            body=logged(exchange),
            remedy=RETRYABLE,
        )

    def _billed_usd(self, answers: Sequence[Answer]) -> float:
        """Return the cost of the answers in USD; 0 if it is unknown."""
        usage, price = total_usage(answers), self._settings.price
        cost_usd = price.of(usage) if price else usage.cost_usd
        return cost_usd or 0.0
