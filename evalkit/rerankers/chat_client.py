"""Ask one question over a chat API and return the answer; every failure is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import CallError
from evalkit.rerankers.chat import ChatReply, chat_request, read_chat
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.rerankers.http_failures import check_model, logged
from evalkit.rerankers.json_client import Answered, JsonClient

ChatAnswer = Answered[ChatReply]
"""An answer with the facts of its exchange."""


class ChatClient(JsonClient):
    """Connections to a chat API; it can be used by several threads.

    Parameters
    ----------
    settings
        Address, model and limits.
    shorten
        What to do if a question is too long for the model, in the imperative.
    """

    def __init__(self, settings: ChatAccess, shorten: str) -> None:
        super().__init__(settings, settings.url, "a chat endpoint", shorten)
        self._settings = settings

    def ask(self, question: str, more: Mapping[str, Any] | None = None) -> ChatAnswer:
        """Return the answer to a question.

        Parameters
        ----------
        question
            The only message of the conversation.
        more
            Keys of the request body in addition to those of the settings.

        Raises
        ------
        CallError
            If the call fails, or the reply contains no message or is of another model.
        """
        settings = self._settings
        options = {**settings.options, **(more or {})}
        body = chat_request(
            settings.model, question, settings.temperature, settings.max_answer_tokens, options
        )
        answer = self.post(body, read_chat, "choices")
        check_model(settings.model_to_come, answer.reply.model, answer.exchange, self.display_url)
        return answer

    def unread(self, error: CallError, answer: ChatAnswer) -> CallError:
        """Return the error of an answer that cannot be read, with the address, the reply and its cost."""
        failure = CallError(
            error.kind,
            f"{self.display_url}: {error.message}",
            error.hint,
            body=logged(answer.exchange),
            remedy=error.remedy,
        )
        return self.paid(failure, answer)

    def paid(self, error: CallError, answer: ChatAnswer) -> CallError:
        """Return the error of an answer that is of no use with its status, and its cost: it is billed all the same."""
        error.http_status = answer.exchange.status
        error.bill(self._settings.cost_usd(answer.reply.usage))
        return error
