"""Map scores of a known kind to 0..1, with one strictly increasing function per kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.dialects import WireError
from evalkit.records import RANGES, ScoreKind, outside_range
from evalkit.rerankers import Reranker

_MAPPINGS: Mapping[ScoreKind, tuple[str, str]] = {
    "probability": ("none", "probabilities, passed on unchanged"),
    "rank": ("none", "1 / rank, passed on unchanged"),
    "logit": ("sigmoid", "logits, mapped to 0..1 by the sigmoid"),
    "cosine": ("(1 + s) / 2", "cosines, mapped to 0..1 by (1 + s) / 2"),
    "unbounded": ("softsign", "unbounded, mapped to 0..1 by the softsign"),
    "unknown": ("none", "passed on as they come: what they mean is not known"),
}
"""Kind -> the function that is applied, and a description for people."""


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """What the scores of a served model mean, and how they are mapped.

    Attributes
    ----------
    kind
        What the scores mean.
    setting
        The setting that states it, for messages; None if the backend itself knows.
    """

    kind: ScoreKind
    setting: str | None = None

    @classmethod
    def of(cls, name: str, reranker: Reranker) -> ScoreScale:
        """Return the scale of a model's scores."""
        settings = getattr(type(reranker), "Settings", None)
        stated = "scores" in getattr(settings, "model_fields", {})
        setting = f"rerankers.{name}.scores (with --backend: --set scores=KIND)" if stated else None
        return cls(reranker.score_kind, setting)

    @property
    def mapping(self) -> str:
        """The function that maps the scores to 0..1; ``none`` if they are passed on."""
        return _MAPPINGS[self.kind][0]

    def sentence(self) -> str:
        """Return what the scores mean and how they are mapped."""
        advice = f"; set {self.setting}" if self.kind == "unknown" and self.setting else ""
        return _MAPPINGS[self.kind][1] + advice

    def check(self, scores: NDArray[np.float64]) -> None:
        """Refuse scores outside the range of their kind: they are not what they are declared to be.

        Raises
        ------
        WireError
            500.
        """
        score = outside_range(scores, self.kind)
        if score is None:
            return
        low, high = RANGES[self.kind]
        advice = f"correct {self.setting}" if self.setting else "correct the score_kind of the backend"
        raise WireError(
            500,
            "server_error",
            f"a score is {score:.6g}, but scores declared as {self.kind} are {low:g} to {high:g}; {advice}",
        )


def to_unit(scores: NDArray[np.float64], kind: ScoreKind) -> NDArray[np.float64]:
    """Return scores mapped to 0..1 in the same order; those of unknown meaning as they are, in whatever range.

    =============================  =====================================
    probability, rank, unknown     itself
    logit                          sigmoid, ``1 / (1 + exp(-s))``
    cosine                         ``(1 + s) / 2``
    unbounded                      softsign, ``(1 + s / (1 + |s|)) / 2``
    =============================  =====================================

    Scores of unknown meaning are often probabilities already: mapped once more, a threshold of 0.5 would keep all.

    Parameters
    ----------
    scores
        ``(n,)`` float64.
    kind
        What the scores mean.
    """
    if kind in {"probability", "rank", "unknown"}:
        return scores
    if kind == "logit":
        # exp(-|s|) cannot overflow.
        small = np.exp(-np.abs(scores))
        return np.where(scores >= 0, 1.0, small) / (1.0 + small)
    if kind == "cosine":
        # Rounding can make a cosine exceed 1 by one unit in the last place.
        return np.clip((1.0 + scores) / 2.0, 0.0, 1.0)
    return (1.0 + scores / (1.0 + np.abs(scores))) / 2.0


def shown_scores(scores: NDArray[np.float64], kind: ScoreKind, wanted: ScoreKind) -> Sequence[float]:
    """Return scores on the scale of a reply: logits if these are `wanted` and the scores are logits, else 0..1."""
    raw = wanted == "logit" == kind
    shown: list[float] = (scores if raw else to_unit(scores, kind)).tolist()
    return shown
