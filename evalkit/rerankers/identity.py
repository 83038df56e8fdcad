"""A reranker that keeps the first stage's order."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from evalkit.config import RerankerSettings
from evalkit.records import RerankRequest, RerankResponse
from evalkit.registry import own_code


class Identity:
    """Keeps the order of the first stage: the baseline that every reranker must beat."""

    pointwise = False
    score_kind = "unbounded"

    class Settings(RerankerSettings):
        """Settings of `identity`."""

        backend: Literal["identity"] = "identity"

        timed: ClassVar[bool] = False
        repeats_exactly: ClassVar[bool] = True

        @property
        def is_pointwise(self) -> bool:
            """Always false: a score is a position, which depends on the list."""
            return False

        def proven_by(self) -> str | None:
            """Return evalkit's version: the order of the candidates decides every score."""
            return own_code()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return 0, -1, -2, ... in the order of the request."""
        return RerankResponse(-np.arange(len(request.documents), dtype=np.float64))

    def close(self) -> None:
        """Do nothing: no resources are held."""
