"""Whether the probabilities that a probe obtained are calibrated on the judgments of the collection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks import CheckResult
from evalkit.backend_checks.check_calls import Verdict
from evalkit.backend_checks.list_variations import ORIGINAL
from evalkit.backend_checks.score_effects import QueryScores, interval_text
from evalkit.experiment.eval_sets import EvalSet
from evalkit.records import RELEVANT_GRADE, outside_range
from evalkit.stats import Interval
from evalkit.tuning.calibration_error import BINS, CalibrationError, Predictions, calibration_error

PROMISE = "probabilities are calibrated on this collection"
TOLERANCE = 0.05
"""Expected calibration error up to which probabilities count as calibrated."""


def calibration_check(found: Sequence[QueryScores], eval_set: EvalSet, seed: int) -> CheckResult:
    """Return the expected calibration error of the probabilities of the original lists, with its interval.

    Only queries with judgments take part; an unjudged document counts as not relevant.
    """
    qrels = eval_set.dataset.qrels
    judged = [one for one in found if ORIGINAL in one.scores and qrels.of(one.sample.request.query_id)]
    if not judged:
        return CheckResult(PROMISE, "not testable", "none of the queries has judgments")
    probabilities = np.concatenate([one.scores[ORIGINAL] for one in judged])
    if (outside := outside_range(probabilities, "probability")) is not None:
        return CheckResult(PROMISE, "not testable", f"a score is no probability: {outside:.6g}")
    relevant = np.concatenate([_relevant(one, eval_set) for one in judged])
    counts = [len(one.scores[ORIGINAL]) for one in judged]
    query = np.repeat(np.arange(len(judged)), counts)
    error = calibration_error(probabilities, relevant, query, seed=seed)
    unjudged = sum(
        eval_set.document_of(doc_id) not in qrels.of(one.sample.request.query_id)
        for one in judged
        for doc_id in one.sample.request.doc_ids
    )
    ece = Interval(error.value, error.lower, error.upper, len(judged), 0.95)
    verdict, why = _verdict(error)
    evidence = (
        f"{len(judged)} queries, {len(relevant)} pairs of which {relevant.mean():.1%} are relevant ({unjudged} unjudged"
        f" ones count as not relevant): expected calibration error {interval_text(ece)}, {error.expected:.3g} by"
        f" chance; mean probability {probabilities.mean():.3g}{why}"
    )
    figures = {
        "expected calibration error": ece,
        "by chance": Interval(error.expected, None, None, len(judged)),
    }
    return CheckResult(
        PROMISE, verdict, evidence, figures, _bins(Predictions(probabilities, relevant, query))
    )


def _verdict(error: CalibrationError) -> tuple[Verdict, str]:
    if error.lower > 0:
        return "not met", ""
    if error.upper <= TOLERANCE:
        return "kept", ""
    return "not testable", f"; too few queries to show an error of at most {TOLERANCE:g}: raise --queries"


def _relevant(one: QueryScores, eval_set: EvalSet) -> NDArray[np.bool_]:
    """Return ``(n,)`` whether each document of a list is judged relevant."""
    grades = eval_set.dataset.qrels.of(one.sample.request.query_id)
    return np.array(
        [
            grades.get(eval_set.document_of(doc_id), 0) >= RELEVANT_GRADE
            for doc_id in one.sample.request.doc_ids
        ]
    )


def _bins(predictions: Predictions) -> tuple[tuple[int, float, float], ...]:
    """Return pairs, mean stated probability and relevant share of each bin that has pairs."""
    place = predictions.place
    counts = np.bincount(place, minlength=BINS)
    sums = (np.bincount(place, values, BINS) for values in (predictions.probabilities, predictions.relevant))
    stated, seen = (total / np.maximum(counts, 1) for total in sums)
    return tuple(
        (int(counts[one]), float(stated[one]), float(seen[one])) for one in range(BINS) if counts[one]
    )
