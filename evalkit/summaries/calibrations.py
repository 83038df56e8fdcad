"""Functions from a reranker's scores to probabilities: fitted on half of the queries, evaluated on the other half."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.records import Qrels, Run, ScoreKind, outside_range
from evalkit.results.json_shapes import to_plain
from evalkit.results.tuning_document import CalibrationFunction, CalibrationResult, TunedDepth
from evalkit.stats import MIN_QUERIES, Clusters, clusters_at
from evalkit.summaries.candidate_runs import MADE_UP, candidate_lists, relevant_rows, scored_documents
from evalkit.summaries.side_by_side import side_by_side
from evalkit.summaries.tuning_depths import QueryHalves, cut_to
from evalkit.summaries.tuning_labels import candidate_labels
from evalkit.tuning.calibration_error import Predictions
from evalkit.tuning.calibration_fit import (
    CLIP,
    Calibration,
    fit_isotonic,
    fit_platt,
    judge_predictions,
    sigmoid,
)

_QUALITY = ("brier", "log_loss", "ece", "ece_expected", "ece_debiased")


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Scored query-document pairs.

    Attributes
    ----------
    scores, relevant
        ``(n,)`` score of each pair, and whether its document is judged relevant.
    query
        ``(n,)`` number of the pair's query, or of its cluster of queries, from 0 on.
    """

    scores: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    query: NDArray[np.int64]

    def of(self, rows: NDArray[np.int64]) -> _Pairs:
        """Return the pairs of some queries, numbered from 0 in the order of `rows`."""
        kept = np.isin(self.query, rows)
        return _Pairs(self.scores[kept], self.relevant[kept], np.searchsorted(rows, self.query[kept]))

    def in_groups(self, clusters: Clusters | None) -> _Pairs:
        """Return the pairs with the cluster of each query in the place of its number."""
        return self if clusters is None else _Pairs(self.scores, self.relevant, clusters[self.query])


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationTask:
    """One reranker on one dataset, whose scores are to be calibrated.

    Attributes
    ----------
    comparison_set, tag
        The dataset, and the reranker.
    kind
        What its scores are.
    made_at
        The first candidates take part, up to its depth; all candidates where None.
    halves
        The queries that fit, and those that evaluate; None splits all queries with scores together, answerable or not.
    """

    comparison_set: ComparisonSet
    tag: str
    kind: ScoreKind
    made_at: TunedDepth | None = None
    halves: QueryHalves | None = None


def calibrate(
    comparison_set: ComparisonSet,
    tag: str,
    kind: ScoreKind,
    plan: Plan,
    made_at: TunedDepth | None = None,
    halves: QueryHalves | None = None,
) -> CalibrationResult:
    """Return the functions of one reranker; see `calibrate_all` and `CalibrationTask`."""
    return calibrate_all([CalibrationTask(comparison_set, tag, kind, made_at, halves)], plan)[0]


def calibrate_all(tasks: Iterable[CalibrationTask], plan: Plan) -> tuple[CalibrationResult, ...]:
    """Return functions from scores to the probability that a document is judged relevant, with their quality.

    The candidates with a score of their own take part. An unjudged document counts as not relevant: the probability is
    that of being relevant in these judgments, at this depth. Where a judge's grades count see `candidate_labels`.
    Scores that are probabilities or logits are evaluated as they are, too. All tasks are evaluated together, as those
    with as many pairs share their random draws.
    """
    prepared = side_by_side(lambda task: _prepared(task, plan), tasks)
    fitted = side_by_side(_fitted, prepared)
    predictions = [one for _, of_task in fitted for one, _ in of_task.values()]
    qualities = iter(judge_predictions(predictions, plan.confidence, plan.seed))
    return tuple(
        replace(
            result,
            functions={
                name: CalibrationFunction(next(qualities), function)
                for name, (_, function) in of_task.items()
            },
        )
        for result, of_task in fitted
    )


_Fitted = dict[str, tuple[Predictions, Calibration | None]]
"""Name -> the probabilities of the held-out pairs, and the function that states them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """The result of one task without its functions, what its scores are, and the pairs that fit and evaluate them."""

    result: CalibrationResult
    kind: ScoreKind
    tuning: _Pairs
    held_out: _Pairs


def _fitted(task: _Prepared) -> tuple[CalibrationResult, _Fitted]:
    """Return the functions of one task, with the result that lacks their quality."""
    functions = {} if task.result.why_not else _functions(task.tuning, task.kind)
    predicted = {name: (_predicted(task.held_out, one, task.kind), one) for name, one in functions.items()}
    return task.result, predicted


def _prepared(task: CalibrationTask, plan: Plan) -> _Prepared:
    """Return one task with its pairs."""
    kind = task.kind
    at = task.made_at or TunedDepth(task.comparison_set.deepest or 1, "given")
    labels = candidate_labels(task.comparison_set, at.depth)
    comparison_set = labels.comparison_set
    shallow = cut_to(comparison_set, task.tag, at.depth)
    run, left_out = scored_documents(shallow.systems[task.tag])
    query_ids = [query_id for query_id in run.query_ids if query_id in comparison_set.qrels.grades]
    pairs, queries = _pairs(run, comparison_set.qrels, query_ids), len(query_ids)
    clusters = comparison_set.clusters_of(query_ids)
    halves = task.halves or QueryHalves.split(comparison_set, query_ids, plan.seed)
    rows = np.flatnonzero([query_id in halves.held_out for query_id in query_ids])
    tuning = pairs.of(np.flatnonzero([query_id in halves.tuning for query_id in query_ids]))
    held_out = pairs.of(rows).in_groups(clusters_at(clusters, rows))
    why_not = MADE_UP if left_out is None else _why_not(queries, tuning, held_out, kind)
    why_not = why_not or labels.why_not
    result = CalibrationResult(
        dataset=comparison_set.dataset,
        reranker=task.tag,
        depth=shallow.depth,
        score_kind=kind,
        queries=queries,
        pairs=len(held_out.scores),
        relevant_share=float(pairs.relevant.mean()) if queries else None,
        functions={},
        why_not=why_not,
        left_out=left_out,
        made_at=at,
        candidates=candidate_lists(comparison_set),
        rests_on=labels.rests_on,
    )
    return _Prepared(result, kind, tuning, held_out)


def _why_not(queries: int, tuning: _Pairs, held_out: _Pairs, kind: ScoreKind) -> str | None:
    """Return the reason why no function can be fitted; None where one can."""
    # The fit of probabilities uses their log-odds, which a score outside 0 to 1 does not have.
    outside = outside_range(np.concatenate([tuning.scores, held_out.scores]), kind)
    if kind == "probability" and outside is not None:
        return f"the scores are declared as probabilities, but one is {outside:.6g}"
    if queries < 2 * MIN_QUERIES:
        return f"too few queries ({queries}): each half requires {MIN_QUERIES}"
    if not tuning.relevant.any() or tuning.relevant.all() or not held_out.relevant.any():
        return "both halves of the queries need relevant and non-relevant candidates"
    return None


def _pairs(run: Run, qrels: Qrels, query_ids: Sequence[str]) -> _Pairs:
    """Return the scored pairs of some queries."""
    relevant = relevant_rows(run, qrels)
    starts, stops = run.spans(query_ids)
    sizes = stops - starts
    query = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.arange(len(query)) + np.repeat(starts - (sizes.cumsum() - sizes), sizes)
    return _Pairs(run.scores[rows], relevant[rows], query)


def _functions(tuning: _Pairs, kind: ScoreKind) -> dict[str, Calibration | None]:
    """Return name -> function; None for the scores as they are."""
    probability = kind == "probability"
    functions: dict[str, Calibration | None] = {}
    if kind in {"probability", "logit"}:
        functions["as it is"] = None
    functions["platt"] = fit_platt(tuning.scores, tuning.relevant, probability=probability)
    isotonic = fit_isotonic(tuning.scores, tuning.relevant, probability=probability)
    return functions if isotonic is None else {**functions, "isotonic": isotonic}


def _predicted(held_out: _Pairs, function: Calibration | None, kind: ScoreKind) -> Predictions:
    if function is not None:
        probabilities = function.apply(held_out.scores)
    else:
        # A probability is one already: only a logit goes through the sigmoid.
        probabilities = sigmoid(held_out.scores) if kind == "logit" else held_out.scores
    return Predictions(probabilities, held_out.relevant, held_out.query)


def portable(result: CalibrationResult, name: str) -> dict[str, Any]:
    """Return a fitted function as a small JSON document that a service can apply, with the scope of its validity."""
    chosen = result.functions[name]
    valid = ("dataset", "reranker", "depth", "score_kind", "queries", "relevant_share")
    quality = {key: to_plain(getattr(chosen.quality, key)) for key in _QUALITY}
    return {
        "evalkit_calibration": 1,
        **(to_plain(chosen.function) if chosen.function else {}),
        "clip": CLIP,
        "valid_for": {key: getattr(result, key) for key in valid},
        "held_out": quality,
    }
