"""A cascade of rerankers: each stage scores the best documents of the stage before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.config import CascadeSettings
from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.rerankers.base import Reranker, open_reranker, readable
from evalkit.rerankers.cascade_order import CascadeRule, order_documents


class Cascade:
    """Lets the best documents of one reranker be scored by the next. Its scores are ranks: 1, 1/2, 1/3, ..."""

    Settings = CascadeSettings
    pointwise = False
    score_kind: ScoreKind = "rank"
    instruction_place = "that of each stage"

    def __init__(self, settings: CascadeSettings, stages: Sequence[Reranker] | None = None) -> None:
        """Open the stages, unless they are given in their order, open already."""
        own = [one.served_settings() or one for one in settings.stage_settings()]
        opened = stages or [open_reranker(one) for one in own]
        self._stages = [_Stage(one, of.largest_batch()) for one, of in zip(opened, own, strict=True)]
        self._rule = CascadeRule.of(settings)

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return 1 / rank for every document; 0 for documents that are dropped.

        Raises
        ------
        CallError
            If a stage that the query needs fails.
        """
        responses: list[RerankResponse] = []

        def stage_scores(number: int, positions: NDArray[np.int64]) -> NDArray[np.float64]:
            own = self._stages[number].responses(request, positions)
            responses.extend(own)
            return np.concatenate([one.scores for one in own])

        found = order_documents(request.doc_ids, self._rule, stage_scores)
        tokens = [one.usage.tokens for one in responses]
        known = [count for count in tokens if count is not None]
        return RerankResponse(
            found.scores, found.order, Usage(sum(known) if len(known) == len(tokens) else None)
        )

    def close(self) -> None:
        """Close the stages."""
        for stage in self._stages:
            stage.reranker.close()


@dataclass(frozen=True, slots=True)
class _Stage:
    """An open reranker, and the most documents of one of its calls; None without a limit."""

    reranker: Reranker
    most_documents: int | None

    def responses(self, request: RerankRequest, positions: NDArray[np.int64]) -> list[RerankResponse]:
        """Return the responses that score some documents of a request, in order.

        Raises
        ------
        CallError
            If a call fails or a document gets no finite score.
        """
        size = max(min(len(positions), self.most_documents or len(positions)), 1)
        parts = [positions[start : start + size].tolist() for start in range(0, len(positions), size)]
        return [self._response(request, part) for part in parts or [[]]]

    def _response(self, request: RerankRequest, part: list[int]) -> RerankResponse:
        asked = replace(
            request,
            documents=tuple(request.documents[i] for i in part),
            doc_ids=tuple(request.doc_ids[i] for i in part),
            call_id="",  # a stage's call is another one than that of the cascade
        )
        response = self.reranker.score(readable(self.reranker, asked))
        if response.scores.shape != (len(part),) or not np.isfinite(response.scores).all():
            raise CallError(
                "reply", f"query {request.query_id!r}: a stage returned no finite score for some documents"
            )
        return response
