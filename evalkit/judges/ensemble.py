"""A judge whose grades are combined from those of other judges, without a call."""

from __future__ import annotations

from typing import NoReturn

from evalkit.config import EnsembleSettings
from evalkit.errors import InputError
from evalkit.records import Rater, RerankRequest, RerankResponse, ScoreKind

MEMBERS = "members"
"""Setting of an ensemble's rater: the raters whose grades are combined."""


def is_combined(rater: Rater) -> bool:
    """Return whether a rater is an ensemble."""
    return MEMBERS in rater.settings


class Ensemble:
    """A judge that combines the grades of other judges; `evalkit judge run` computes them from their files."""

    Settings = EnsembleSettings
    pointwise = True
    score_kind: ScoreKind = "unbounded"

    def __init__(self, settings: EnsembleSettings) -> None:
        self._settings = settings

    @property
    def known_rater(self) -> Rater:
        """The rater as the settings name it; its judgments also name the raters that they combine."""
        return self._settings.known_rater

    def rater(self, _response: RerankResponse) -> Rater:
        """Return the rater that the settings name."""
        return self.known_rater

    def score(self, _request: RerankRequest) -> NoReturn:
        """Raise an error: there is nothing to call.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"{self.known_rater.name} makes no calls: it combines the judgments of other judges",
            "judge with these first, then name the ensemble: evalkit judge run CONFIG --judge TAG",
        )

    def close(self) -> None:
        """Do nothing: no connection is open."""
