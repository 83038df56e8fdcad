"""Ask a decision API, and turn its reply into answers, or into the error that says what to change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from evalkit.dialects.decision_contracts import CONTRACTS
from evalkit.dialects.decision_records import Content, DecisionAnswer, DecisionReply, Question
from evalkit.errors import CallError
from evalkit.http_client import Exchange
from evalkit.rerankers.decision_access import DecisionAccess
from evalkit.rerankers.failure_evidence import MOST_CHARACTERS
from evalkit.rerankers.http_failures import check_model, logged
from evalkit.rerankers.json_client import Answered, JsonClient
from evalkit.rerankers.model_names import is_build_of

Decided = Answered[DecisionReply]
"""Answers with the facts of their exchange."""
_MISREAD_STATUSES = {400, 404, 422}
_MOST_NAMED = 10
"""Documents without an answer that a message names."""


class DecisionClient(JsonClient):
    """Connections to a decision API; it can be used by several threads.

    Parameters
    ----------
    access
        Where it is, and which contract it speaks.
    shorten
        What to do if a request is too long for the model, in the imperative.
    """

    def __init__(self, access: DecisionAccess, shorten: str) -> None:
        super().__init__(access, access.url or access.wire.public_url, "a decision endpoint", shorten)
        self._access = access

    def ask(self, content: Content, questions: Sequence[Question]) -> Decided:
        """Return the answers to questions about some content.

        Raises
        ------
        CallError
            If the call fails, or the reply has the form of another contract or is of another model. A single answer
            that is missing or refused is no failure of the call.
        """
        access = self._access
        body = access.wire.encode(access.model, content, questions, access.options)
        decided = self.post(body, partial(access.wire.decode, questions=questions), "answers")
        answered = decided.reply.model
        if access.expect_model or not is_build_of(access.model, answered or ""):
            check_model(access.model_to_come, answered, decided.exchange, self.display_url)
        return decided

    def advise(self, error: CallError, exchange: Exchange) -> CallError:
        """Return an error with the hint that its reply supports: the other contract, where its fields are missed."""
        other = self._other_contract(exchange.text) if exchange.status in _MISREAD_STATUSES else None
        if other is None:
            return super().advise(error, exchange)
        error.hint = f"set contract: {other}, whose fields the server asks for"
        return error

    def failure(self, kind: str, message: str, decided: Decided, sent: str | None = None) -> CallError:
        """Return the error of a reply whose answers cannot be used; its tokens are billed all the same.

        Parameters
        ----------
        kind, message
            Of the error.
        decided
            The reply.
        sent
            The answer for the failure log (default: the whole reply).
        """
        exchange = decided.exchange
        error = CallError(
            kind,
            f"{self.display_url}: {message}",
            http_status=exchange.status,
            body=logged(exchange) if sent is None else sent,
        )
        error.bill(self._access.cost_usd(decided.reply.usage))
        return error

    def _other_contract(self, text: str) -> str | None:
        """Return the contract whose content a refusal asks for; None if it asks for none, or for ours as well."""
        quoted = {
            name
            for name, contract in CONTRACTS.items()
            if re.search(rf"[\"'`]{contract.content_key}[\"'`]", text[:MOST_CHARACTERS])
        }
        return next(iter(quoted)) if len(quoted) == 1 and self._access.contract not in quoted else None


def faults(answers: Sequence[DecisionAnswer], doc_ids: Sequence[str]) -> tuple[str, str] | None:
    """Return the kind and the message of the error of answers that are missing; None if all are there.

    Parameters
    ----------
    answers, doc_ids
        ``(n,)`` answers, and the documents that they are about.
    """
    failed = [
        (doc_id, answer) for doc_id, answer in zip(doc_ids, answers, strict=True) if answer.value is None
    ]
    if not failed:
        return None
    kind = "refusal" if all(answer.refused for _, answer in failed) else "reply"
    listed = ", ".join(f"{doc_id!r} ({answer.fault})" for doc_id, answer in failed[:_MOST_NAMED])
    more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
    return kind, f"{len(failed)} of {len(answers)} documents have no answer: {listed}{more}"
