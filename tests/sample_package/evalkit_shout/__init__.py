"""A reranker and a dialect in a distribution of their own."""

from __future__ import annotations

from typing import Literal

import numpy as np

from evalkit.config import RerankerSettings
from evalkit.dialects import Dialect, Shape
from evalkit.records import RerankRequest, RerankResponse, ScoreKind


class Shout:
    """Prefers documents in capital letters; nobody should use it."""

    pointwise = True
    score_kind: ScoreKind = "probability"

    class Settings(RerankerSettings):
        """Settings of `shout`."""

        backend: Literal["shout"] = "shout"
        letter: str = "any"

    def __init__(self, settings: Settings) -> None:
        self._letter = settings.letter

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the share of capital letters in each document."""
        return RerankResponse(
            np.array([self._loudness(text) for text in request.documents], dtype=np.float64)
        )

    def _loudness(self, text: str) -> float:
        counted = [one for one in text if one.isalpha() and self._letter in {"any", one.lower()}]
        return sum(one.isupper() for one in counted) / max(len(counted), 1)

    def close(self) -> None:
        """Do nothing."""


class Shouted(Dialect):
    """An API whose keys are capital letters."""

    path = "/SHOUT"
    shape = Shape(model="MODEL", query="QUERY", documents="TEXTS", top_n=None, score="SCORE", results="FOUND")
