"""A local listwise model as a reranker: a document's score depends on the whole list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding import ListModel
from evalkit.records import RerankRequest, RerankResponse, Usage


class LocalLists:
    """Scores lists one by one; a list is never split.

    Parameters
    ----------
    model
        The model in memory.
    """

    def __init__(self, model: ListModel) -> None:
        self._model = model

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return the scores of several requests, each a list of its own."""
        return [self._score(request) for request in requests]

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return ``(n,)`` scores of query-document pairs, each as a list of one document."""
        scored = [self._model.score(query, [document]).scores for query, document in pairs]
        return np.concatenate(scored) if scored else np.empty(0)

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` tokens of each pair, without the model's template, and whether it would be truncated."""
        measured = [self._model.measure(query, document) for query, document in pairs]
        tokens, truncated = zip(*measured, strict=True) if measured else ((), ())
        return np.array(tokens, dtype=np.int64), np.array(truncated, dtype=bool)

    @property
    def takes_instruction(self) -> bool:
        """Whether the model's code has a parameter for an instruction."""
        return self._model.takes_instruction

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, threads and length limit."""
        return self._model.facts()

    def _score(self, request: RerankRequest) -> RerankResponse:
        if request.instruction and self._model.takes_instruction:
            found = self._model.score(request.query, request.documents, request.instruction)
        else:
            found = self._model.score(request.instructed_query, request.documents)
        return RerankResponse(found.scores, usage=Usage(tokens=found.tokens), truncated=found.truncated)
