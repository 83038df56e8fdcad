"""Probabilities of relevance, for formats that state them: only from scores that are known to be such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.dialects import WireError
from evalkit.records import ScoreKind
from evalkit.server.models import Answer, ServedModel
from evalkit.server.unit_scores import to_unit

if TYPE_CHECKING:
    from evalkit.server.applied_rules import AppliedRule


def has_probabilities(kind: ScoreKind, rule: AppliedRule | None) -> bool:
    """Return whether a model gives probabilities: by a tuned function, or because its scores are such or logits."""
    tuned = rule is not None and rule.rule.probability is not None
    return tuned or kind in {"probability", "logit"}


def require_probabilities(served: ServedModel, rule: AppliedRule | None, status: int) -> None:
    """Raise if a model gives no probabilities.

    Raises
    ------
    WireError
        With the given status.
    """
    kind = served.scale.kind
    if not has_probabilities(kind, rule):
        raise WireError(
            status,
            "no_probabilities",
            f"the scores of {served.name!r} are no probabilities ({kind}), so it cannot answer questions: tune a"
            " probability function with 'evalkit tune all' and serve with --apply, or use /v1/rerank",
            "model",
        )


def probabilities(answer: Answer, rule: AppliedRule | None) -> Sequence[float]:
    """Return ``(n,)`` probabilities: of the tuned function if there is one, else the scores or the sigmoid of logits.

    Parameters
    ----------
    answer
        Scores of a model that `has_probabilities`.
    rule
        The tuned settings of the model; None for none.
    """
    tuned = None if rule is None else rule.probabilities(answer)
    found: list[float] = to_unit(answer.scores, answer.kind).tolist() if tuned is None else tuned
    return found
