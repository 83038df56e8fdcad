"""A reranker that lets a language model behind a chat API sort the list, window by window."""

from __future__ import annotations

from evalkit.errors import RETRYABLE, CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.rerankers.asked_sorting import Ask, AskedSorting, ListQuestion
from evalkit.rerankers.chat import ChatReply
from evalkit.rerankers.chat_client import ChatClient
from evalkit.rerankers.http_failures import beginning
from evalkit.rerankers.list_questions import ask_for_order
from evalkit.rerankers.listwise_settings import ListwiseSettings
from evalkit.rerankers.permutations import Permutation, read_permutation, sort_by_windows


class Listwise:
    """A chat model that ranks a list in overlapping windows, from the last candidates to the first.

    A document's score is 1 / rank. A document that an answer leaves out follows those it names, and is counted. A call
    that is made again asks only for the windows that were not answered.
    """

    Settings = ListwiseSettings
    pointwise = False
    score_kind: ScoreKind = "rank"
    instruction_place = "the definition of relevance in the prompt"

    def __init__(self, settings: ListwiseSettings) -> None:
        self._settings = settings
        self._client = ChatClient(settings, "lower window or max_document_characters")
        question = ListQuestion(ask_for_order, self._read)
        most, instruction = settings.max_document_characters, settings.instruction
        self._sorting = AskedSorting(self._client, settings, most, instruction, question)

    def score(self, request: RerankRequest) -> RerankResponse:
        """Sort the list window by window; the score of a rank is 1 / rank.

        Raises
        ------
        CallError
            If the call for a window fails, or its answer names none of the documents.
        """
        return self._sorting.score(request, self._sort)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._client.close()

    def _sort(self, documents: int, ask: Ask) -> tuple[list[int], set[int]]:
        return sort_by_windows(documents, self._settings.spans(documents), ask)

    def _read(self, reply: ChatReply, documents: int) -> Permutation:
        """Return the order that an answer names.

        Raises
        ------
        CallError
            If the model refuses to answer, or names none of several documents and ``unreadable`` is ``fail``.
        """
        if reply.refusal:
            raise CallError("reply", reply.refusal)
        places = read_permutation(reply.text, documents)
        if places.named or documents == 1 or self._settings.unreadable == "keep":
            return places
        if reply.is_cut:
            message, hint = "the answer was cut off before it named a document", "raise max_answer_tokens"
        else:
            message = f"the answer names none of {documents} documents: {beginning(reply.text)}"
            hint = "set unreadable: keep to leave the order of such windows unchanged"
        raise CallError("reply", message, hint, remedy=RETRYABLE)
