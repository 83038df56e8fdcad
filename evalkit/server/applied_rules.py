"""Apply the settings of ``production.json`` to requests: depth, threshold and probability function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.config import RerankerSettings
from evalkit.dialects import Dialect, WireError, WireRequest
from evalkit.dialects.served_format import ServedFormat
from evalkit.errors import InputError, UnknownNameError
from evalkit.results.production_document import ProductionRule, TunedModel, read_production
from evalkit.server.models import Answer
from evalkit.server.unit_scores import shown_scores
from evalkit.store import material_settings

RETUNE = "tune it again with: evalkit tune all RESULT"


@dataclass(frozen=True, slots=True, eq=False)
class AppliedRule:
    """The settings for one model of the service.

    Attributes
    ----------
    rule
        Depth, threshold and probability function.
    measured_in
        The dialect through which the scores were measured, where evalkit served them; None where the backend's own
        scores were.
    """

    rule: ProductionRule
    measured_in: Dialect | None = None

    @staticmethod
    def refuse_positions(dialect: ServedFormat) -> None:
        """Raise for a dialect whose results are known by their position: it cannot leave out a document.

        Raises
        ------
        WireError
            400.
        """
        if dialect.shape.index is None:
            raise WireError(
                dialect.refusal_status,
                "unsupported_dialect",
                "this format has no document indices, so documents below the threshold cannot be left out",
            )

    def restrict(self, request: WireRequest) -> WireRequest:
        """Return the request with only the first documents, up to the depth; the others are not scored.

        A request with a query for each document has no list to cut.
        """
        if request.queries is not None:
            return request
        return replace(request, documents=request.documents[: self.rule.depth])

    def results(self, answer: Answer, shown: Sequence[float]) -> tuple[Sequence[float], list[int]]:
        """Return the score to show for each document, and the documents that are returned, best first.

        Parameters
        ----------
        answer
            Scores of the documents of `restrict`.
        shown
            The scores as they are shown without a probability function.
        """
        scores = self._measured(answer)
        order = np.argsort(-scores, kind="stable")
        if self.rule.threshold is not None:
            order = order[scores[order] >= self.rule.threshold]
        if self.rule.probability is not None:
            shown = self.rule.probability.calibration.apply(scores).tolist()
        return shown, order.tolist()

    def probabilities(self, answer: Answer) -> list[float] | None:
        """Return the probability of each document, whatever depth and threshold; None without a function for it."""
        if self.rule.probability is None:
            return None
        found: list[float] = self.rule.probability.calibration.apply(self._measured(answer)).tolist()
        return found

    def _measured(self, answer: Answer) -> NDArray[np.float64]:
        """Return the scores on the scale on which they were measured."""
        if self.measured_in is None:
            return answer.scores
        return np.array(shown_scores(answer.scores, answer.kind, self.measured_in.shown_kind({})))


def read_rule(file: Path, tag: str, settings: RerankerSettings) -> AppliedRule:
    """Return the settings of ``production.json`` for a reranker of a configuration.

    Raises
    ------
    InputError
        If the file is unreadable, or was made for another reranker or another model, or holds settings for several
        datasets.
    """
    rules = read_production(file).rerankers
    found = [rule for rule in rules if rule.reranker == tag]
    if not found:
        raise UnknownNameError("reranker", tag, dict.fromkeys(rule.reranker for rule in rules))
    if len(found) > 1:
        names = ", ".join(rule.dataset for rule in found)
        raise InputError(
            f"{file} contains settings of {tag} for several datasets: {names}",
            "write those of one with: evalkit tune all RESULT --dataset NAME --save FILE",
        )
    (rule,) = found
    if rule.why_not is not None:
        raise InputError(f"{file} contains no settings of {tag} to apply: {rule.why_not}", RETUNE)
    _check_model(file, tag, rule.model, settings)
    through = getattr(settings, "open_dialect", None) if settings.served_settings() is not None else None
    return AppliedRule(rule, None if through is None else through())


def _check_model(file: Path, tag: str, tuned: TunedModel, settings: RerankerSettings) -> None:
    """Raise an `InputError` if the settings that were tuned are not those that are served."""
    served = material_settings(settings)
    if tuned.settings is None:
        known: dict[str, object] = {"backend": tuned.backend, "model": tuned.model}
        known = {name: value for name, value in known.items() if value is not None}
    else:
        known = {name: tuned.settings.get(name) for name in (*tuned.settings, *served)}
    for name, value in known.items():
        if served.get(name) != value:
            raise InputError(
                f"{file} was made for another model of {tag}: {name} is {value!r} there, and"
                f" {served.get(name)!r} in the configuration",
                RETUNE,
            )
