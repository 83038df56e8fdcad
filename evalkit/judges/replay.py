"""A judge that takes its grades from a file."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from evalkit.config import InputFile, JudgeSettings
from evalkit.errors import CallError
from evalkit.formats import read_judgments
from evalkit.records import Qrels, Rater, RerankRequest, RerankResponse, ScoreKind, grade_text


class ReplaySettings(JudgeSettings):
    """Settings of `replay`.

    Attributes
    ----------
    path
        File of judgments, in any format that evalkit reads.
    name
        Name of the rater (default: the name of the file).
    """

    backend: Literal["replay"] = "replay"
    path: InputFile
    name: str | None = None

    kept: ClassVar[bool] = False

    @property
    def known_rater(self) -> Rater:
        """The rater that the settings name."""
        return Rater("model", self.name or self.path.stem)


class Replay:
    """A judge that takes its grades from a file of judgments; a pair that the file lacks is a failure."""

    Settings = ReplaySettings
    pointwise = True
    score_kind: ScoreKind = "unbounded"

    def __init__(self, settings: ReplaySettings) -> None:
        self._settings = settings

    @cached_property
    def _qrels(self) -> Qrels:
        return read_judgments(self._settings.path).qrels

    @property
    def known_rater(self) -> Rater:
        """The rater that the settings name."""
        return self._settings.known_rater

    def rater(self, _response: RerankResponse) -> Rater:
        """Return the rater that the settings name."""
        return self.known_rater

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the grade of the file.

        Raises
        ------
        CallError
            Kind ``answer``, if the file has no grade of the pair.
        """
        judged = self._qrels.of(request.query_id)
        missing = [doc_id for doc_id in request.doc_ids if doc_id not in judged]
        if missing:
            raise CallError("answer", f"{self._settings.path} has no grade of document {missing[0]!r}")
        grades = np.array([float(judged[doc_id]) for doc_id in request.doc_ids])
        return RerankResponse(grades, raw=" ".join(map(grade_text, grades)))

    def close(self) -> None:
        """Do nothing: no connection is open."""
