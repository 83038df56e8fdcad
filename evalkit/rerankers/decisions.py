"""A decision model as a reranker: one yes/no question per document, whose probability is the score."""

from __future__ import annotations

import numpy as np

from evalkit.dialects.decision_records import INSTRUCTION
from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.rerankers.answers import joined, total_usage
from evalkit.rerankers.decision_client import DecisionClient, faults
from evalkit.rerankers.decisions_settings import DecisionsSettings, keys_of


class Decisions:
    """A decision API (OpenAI Decisions, System One): the score is the probability that a document is relevant."""

    Settings = DecisionsSettings
    score_kind: ScoreKind = "probability"
    instruction_place = f"the field {INSTRUCTION} of the content"

    def __init__(self, settings: DecisionsSettings) -> None:
        self._settings = settings
        self.pointwise = settings.is_pointwise
        shorter = "lower the depth and max_documents" if settings.shape == "list" else "shorten the document"
        self._client = DecisionClient(settings, f"{shorter}, or use a model that reads more")

    def score(self, request: RerankRequest) -> RerankResponse:
        """Ask about all documents in one request, or about each in one of its own.

        Raises
        ------
        CallError
            If a request fails, or a document has no answer: kind ``refusal`` if the model declined to answer, else
            ``reply``. The message names the documents.
        """
        if not request.documents:
            return RerankResponse(np.empty(0))
        if self.pointwise:
            return self._one_by_one(request)
        keys = keys_of(len(request.documents))
        return self._ask(request, dict(zip(keys, request.documents, strict=True)), request.doc_ids)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._client.close()

    def _one_by_one(self, request: RerankRequest) -> RerankResponse:
        """Ask about each document in a request of its own; what a failed call was billed before counts as its cost."""
        answered: list[RerankResponse] = []
        try:
            for text, doc_id in zip(request.documents, request.doc_ids, strict=True):
                answered.append(self._ask(request, {"": text}, (doc_id,)))
        except CallError as error:
            error.billed_usd += self._settings.cost_usd(total_usage(answered)) or 0.0
            raise
        return joined(answered)

    def _ask(
        self, request: RerankRequest, documents: dict[str, str], doc_ids: tuple[str, ...]
    ) -> RerankResponse:
        content, questions = self._settings.asked(request.query, request.instruction, documents)
        decided = self._client.ask(content, questions)
        answers = decided.reply.answers
        if (fault := faults(answers, doc_ids)) is not None:
            raise self._client.failure(*fault, decided)
        return decided.response(np.array([answer.value for answer in answers], dtype=np.float64))
