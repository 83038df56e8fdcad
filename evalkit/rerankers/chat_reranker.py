"""A language model behind a chat API as a reranker: by single documents, by tournaments, or by its first token."""

from __future__ import annotations

import numpy as np

from evalkit.errors import RETRYABLE, CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.rerankers.answers import joined, total_usage
from evalkit.rerankers.asked_sorting import Ask, AskedSorting, ListQuestion
from evalkit.rerankers.chat import ChatReply
from evalkit.rerankers.chat_client import ChatClient
from evalkit.rerankers.chat_settings import ChatSettings, Form
from evalkit.rerankers.grade_reading import RAISE_LIMIT, read_grade
from evalkit.rerankers.http_failures import beginning
from evalkit.rerankers.list_questions import LETTERS
from evalkit.rerankers.permutations import Permutation, read_choice, sort_by_windows
from evalkit.rerankers.token_probabilities import answer_shares, first_token

_KINDS: dict[Form, ScoreKind] = {"yes_no": "probability", "graded": "unbounded"}
"""What scores mean; those of the other forms are ranks."""
_WORDS = {"yes": True, "no": False}


class Chat:
    """A chat model asked for yes or no, a grade, the best of a few documents, or the better of two.

    An answer that cannot be read is a failure of the call, and never a score.
    """

    Settings = ChatSettings

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self.pointwise = settings.is_pointwise
        self.score_kind: ScoreKind = _KINDS.get(settings.form, "rank")
        self.highest_grade = len(settings.scale) - 1 if settings.form == "graded" and settings.scale else None
        self.instruction_place = (
            "a block of its own in the prompt"
            if self.pointwise
            else "the definition of relevance in the prompt"
        )
        self._client = ChatClient(settings, "lower max_document_characters")
        self._tournament = settings.tournament
        most, definition = settings.max_document_characters, settings.definition
        self._sorting = AskedSorting(self._client, settings, most, definition, self._question())

    def score(self, request: RerankRequest) -> RerankResponse:
        """Score each document by itself, or rank the list; the score of a rank is 1 / rank.

        Raises
        ------
        CallError
            If a request fails; kind ``refusal``, if the model or a filter declines to answer; kind ``reply`` or
            ``answer``, if an answer cannot be read, or has no log-probabilities.
        """
        if not request.documents:
            return RerankResponse(np.empty(0))
        if not self.pointwise:
            return self._sorting.score(request, self._sort)
        scored: list[RerankResponse] = []
        try:
            for document in request.documents:
                scored.append(self._score_one(request.query, document, request.instruction))
        except CallError as error:
            error.billed_usd += self._settings.cost_usd(total_usage(scored)) or 0.0
            raise
        return joined(scored)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._client.close()

    def _score_one(self, query: str, document: str, instruction: str) -> RerankResponse:
        settings, most = self._settings, self._settings.max_document_characters
        prompt = settings.prompt.text(query, document[:most], instruction)
        answer = self._client.ask(prompt, settings.logprob_keys)
        try:
            score = self._read(answer.reply)
        except CallError as error:
            raise self._client.unread(error, answer) from None
        return answer.response(np.array([score]), truncated=np.array([len(document) > most]))

    def _read(self, reply: ChatReply) -> float:
        """Return the score of one document."""
        _refuse(reply)
        if self._settings.form == "yes_no":
            shares = answer_shares(
                first_token(reply.logprobs), (True, False), lambda word: _WORDS.get(word.lower())
            )
            return shares.get(True, 0.0) / sum(shares.values())
        highest = len(self._settings.scale or ()) - 1
        if self._settings.grade == "whole":
            return float(read_grade(reply.text, highest, cut=reply.cut, reasoned=reply.reasoned))
        grades = {str(grade): grade for grade in range(highest + 1)}
        levels = answer_shares(first_token(reply.logprobs), grades.values(), grades.get)
        return sum(grade * share for grade, share in levels.items()) / sum(levels.values())

    def _question(self) -> ListQuestion:
        ask, clean = self._settings.list_form
        if self._tournament is not None:
            return ListQuestion(ask, _read_best, clean)
        return ListQuestion(ask, _read_letters, clean, self._settings.logprob_keys)

    def _sort(self, documents: int, ask: Ask) -> tuple[list[int], set[int]]:
        if self._tournament is None:
            return sort_by_windows(documents, self._settings.spans(documents), ask)
        return self._tournament.order(documents, lambda indices: ask(indices).order[0]), set()


def _refuse(reply: ChatReply) -> None:
    """Raise CallError if a reply is a refusal."""
    if reply.refusal:
        raise CallError("refusal", reply.refusal)


def _read_best(reply: ChatReply, documents: int) -> Permutation:
    """Return the document that an answer names, before the others in their order.

    Raises
    ------
    CallError
        If it names none, or several.
    """
    _refuse(reply)
    best = read_choice(reply.text, documents)
    if best is not None:
        return Permutation((best, *(place for place in range(documents) if place != best)), 1)
    if reply.is_cut:
        raise CallError(
            "reply", "the answer was cut off before it named a document", RAISE_LIMIT, remedy=RETRYABLE
        )
    raise CallError(
        "reply",
        f"the answer does not name one of {documents} documents: {beginning(reply.text)}",
        remedy=RETRYABLE,
    )


def _read_letters(reply: ChatReply, documents: int) -> Permutation:
    """Return the documents by the probabilities of their letters; those without one follow in their order."""
    _refuse(reply)
    places = {letter: place for place, letter in enumerate(LETTERS[:documents])}
    shares = answer_shares(first_token(reply.logprobs), places.values(), places.get)
    named = sorted(shares, key=lambda place: (-shares[place], place))
    return Permutation(tuple(dict.fromkeys((*named, *range(documents)))), len(named))
