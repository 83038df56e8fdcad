"""Probabilities out of a reranker's scores: fitted on one half of the queries, judged on the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.records import ScoreKind
from evalkit.results.json_shapes import to_plain
from evalkit.results.tuning_document import CalibrationFunction, CalibrationResult
from evalkit.stats import MIN_QUERIES
from evalkit.tuning import split_queries
from evalkit.tuning.calibration_fit import (
    Calibration,
    fit_isotonic,
    fit_platt,
    judge_probabilities,
    sigmoid,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    scores: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    query: NDArray[np.int64]

    def of(self, rows: NDArray[np.int64]) -> _Pairs:
        """Return the pairs of some queries, which are numbered anew."""
        kept = np.isin(self.query, rows)
        return _Pairs(self.scores[kept], self.relevant[kept], np.searchsorted(rows, self.query[kept]))


def calibrate(comparison_set: ComparisonSet, tag: str, kind: ScoreKind, plan: Plan) -> CalibrationResult:
    """Fit what turns scores into probabilities of being judged relevant, and measure how good that is.

    All candidates take part, and an unjudged document counts as not relevant: the probability is that of being
    relevant in these judgments, at this depth. Where scores are probabilities or logits, they are among the functions.
    """
    pairs = _pairs(comparison_set, tag)
    queries = len(np.unique(pairs.query))
    split = split_queries(queries, plan.seed)
    tuning, held_out = pairs.of(split.tuning), pairs.of(split.held_out)
    why_not = _why_not(queries, tuning, held_out)
    functions = {} if why_not else _functions(tuning, kind)
    return CalibrationResult(
        dataset=comparison_set.dataset,
        reranker=tag,
        depth=comparison_set.depth,
        score_kind=kind,
        queries=queries,
        pairs=len(held_out.scores),
        relevant_share=float(pairs.relevant.mean()) if queries else None,
        functions={name: _judged(held_out, function, kind, plan) for name, function in functions.items()},
        why_not=why_not,
    )


def _why_not(queries: int, tuning: _Pairs, held_out: _Pairs) -> str | None:
    """Return why nothing can be fitted; None where something can."""
    if queries < 2 * MIN_QUERIES:
        return f"{queries} queries are too few: each half needs {MIN_QUERIES}"
    if not tuning.relevant.any() or tuning.relevant.all() or not held_out.relevant.any():
        return "both halves of the queries need candidates of both kinds"
    return None


def _pairs(comparison_set: ComparisonSet, tag: str) -> _Pairs:
    scores, relevant, query = [np.empty(0)], [np.empty(0, dtype=np.bool_)], [np.empty(0, dtype=np.int64)]
    number = 0
    for query_id, docs, own in comparison_set.systems[tag].run:
        if query_id in comparison_set.qrels.grades:
            grades = comparison_set.qrels.of(query_id)
            scores.append(own)
            relevant.append(np.array([grades.get(doc_id, 0) > 0 for doc_id in docs], dtype=np.bool_))
            query.append(np.full(len(docs), number))
            number += 1
    return _Pairs(np.concatenate(scores), np.concatenate(relevant), np.concatenate(query))


def _functions(tuning: _Pairs, kind: ScoreKind) -> dict[str, Calibration | None]:
    """Return name -> function; None stands for the scores as they are."""
    probability = kind == "probability"
    functions: dict[str, Calibration | None] = {}
    if kind in {"probability", "logit"}:
        functions["as it is"] = None
    functions["platt"] = fit_platt(tuning.scores, tuning.relevant, probability=probability)
    isotonic = fit_isotonic(tuning.scores, tuning.relevant, probability=probability)
    return functions if isotonic is None else {**functions, "isotonic": isotonic}


def _judged(
    held_out: _Pairs, function: Calibration | None, kind: ScoreKind, plan: Plan
) -> CalibrationFunction:
    if function is not None:
        probabilities = function.apply(held_out.scores)
    else:
        # A probability is one already: only a logit goes through the sigmoid.
        probabilities = sigmoid(held_out.scores) if kind == "logit" else held_out.scores
    quality = judge_probabilities(
        probabilities, held_out.relevant, held_out.query, plan.confidence, plan.seed
    )
    return CalibrationFunction(quality, function)


def portable(found: CalibrationResult, name: str) -> dict[str, Any]:
    """Return a fitted function as the small JSON document that a service can apply, with what it is valid for."""
    chosen = found.functions[name]
    valid = ("dataset", "reranker", "depth", "score_kind", "queries", "relevant_share")
    quality = {key: to_plain(getattr(chosen.quality, key)) for key in ("brier", "log_loss", "ece")}
    return {
        "evalkit_calibration": 1,
        **(to_plain(chosen.function) if chosen.function else {}),
        "valid_for": {key: getattr(found, key) for key in valid},
        "held_out": quality,
    }
