"""Sort a list by the answers of a chat model to questions about some of its documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.rerankers.answers import (
    Answer,
    UnfinishedCalls,
    end_to_end,
    total_delay_s,
    total_times,
    total_usage,
)
from evalkit.rerankers.chat import ChatReply
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.rerankers.chat_client import ChatClient
from evalkit.rerankers.list_questions import one_line
from evalkit.rerankers.permutations import Permutation

Ask = Callable[[Sequence[int]], Permutation]
"""Asks about the documents with some indices; returns their order."""
Sort = Callable[[int, Ask], tuple[list[int], set[int]]]
"""Sorts a list of some length; returns ``(n,)`` indices, best first, and the indices that an answer left out."""


class ListQuestion:
    """How a model is asked about some documents, and how its answer is read.

    Parameters
    ----------
    text
        Returns the question, given query, documents and the definition of relevance.
    read
        Returns the order of so many documents that a reply names.
    clean
        Makes one line of a text that labels nothing.
    more
        Keys of the request body in addition to those of the settings.
    """

    def __init__(
        self,
        text: Callable[[str, Sequence[str], str], str],
        read: Callable[[ChatReply, int], Permutation],
        clean: Callable[[str], str] = one_line,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.text, self.read, self.clean, self.more = text, read, clean, more or {}


class AskedSorting:
    """Sorts lists question by question. A call that is made again asks only what was not answered. Thread-safe.

    Parameters
    ----------
    client, settings
        The chat API.
    most_characters
        Longer documents are truncated in questions.
    instruction
        Definition of relevance, for queries without an instruction of their own.
    question
        How the model is asked.
    """

    def __init__(
        self,
        client: ChatClient,
        settings: ChatAccess,
        most_characters: int,
        instruction: str,
        question: ListQuestion,
    ) -> None:
        self._client, self._settings, self._question = client, settings, question
        self._most, self._instruction = most_characters, instruction
        self._unfinished = UnfinishedCalls()

    def score(self, request: RerankRequest, sort: Sort) -> RerankResponse:
        """Sort a list; the score of a rank is 1 / rank.

        Parameters
        ----------
        request
            The list.
        sort
            Which questions are asked.

        Raises
        ------
        CallError
            If a question fails, or its answer cannot be read.
        """
        if not request.documents:
            return RerankResponse(np.empty(0))
        answers = self._unfinished.take(request.call_id)
        try:
            order, left_out = self._sort(request, sort, answers)
        except CallError as error:
            self._unfinished.keep(request.call_id, answers)
            error.kept_usd = self._settings.cost_usd(total_usage(answers)) or 0.0
            raise
        scores = np.empty(len(order))
        scores[order] = 1 / np.arange(1, len(order) + 1)
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
            truncated=np.array([len(self._question.clean(text)) > self._most for text in request.documents]),
            unusable={name: shown for answer in answers for name, shown in answer.unusable.items()},
            harness_delay_s=total_delay_s(answers),
        )

    def _sort(self, request: RerankRequest, sort: Sort, answers: list[Answer]) -> tuple[list[int], set[int]]:
        """Sort a list. `answers` holds those to its first questions; answers to the others are appended."""
        clean = self._question.clean
        query, texts = clean(request.query), [clean(text)[: self._most] for text in request.documents]
        instruction = clean(request.instruction) or self._instruction
        known = iter(list(answers))

        def ask(indices: Sequence[int]) -> Permutation:
            answer = next(known, None)
            if answer is None:
                answer = self._ask(query, [texts[index] for index in indices], instruction)
                answers.append(answer)
            return answer.places

        return sort(len(texts), ask)

    def _ask(self, query: str, documents: Sequence[str], instruction: str) -> Answer:
        """Return the model's answer to one question."""
        found = self._client.ask(self._question.text(query, documents, instruction), self._question.more)
        reply, exchange = found.reply, found.exchange
        try:
            places = self._question.read(reply, len(documents))
        except CallError as error:
            raise self._client.unread(error, found) from None
        return Answer(
            places,
            reply.usage,
            found.server_times,
            reply.model,
            exchange.reused,
            found.pause_s,
            found.timeline,
            reply.unusable,
            exchange.harness_delay_s,
        )
