"""Compare a reranker of low precision with the same model in fp32: scores, ranks and metric values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import evaluate
from evalkit.metrics.names import Metric
from evalkit.records import Qrels, Run


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """A reranker in low precision compared with itself in fp32, on a sample of queries.

    Attributes
    ----------
    reranker, dataset, precision
        What was checked.
    metric
        Label of the metric.
    queries
        Queries with a relevant document that were scored in both precisions.
    correlations
        Per query: Kendall's tau-b of the two lists of scores; None if all scores of a list are equal.
    full, reduced
        Per query: the metric in fp32 and in the configured precision.
    largest
        Largest absolute difference of a pair's two scores; None if there is no pair.
    missing
        Why nothing could be compared; None if something was.
    """

    reranker: str
    dataset: str
    precision: str
    metric: str
    queries: tuple[str, ...] = ()
    correlations: tuple[float | None, ...] = ()
    full: tuple[float, ...] = ()
    reduced: tuple[float, ...] = ()
    largest: float | None = None
    missing: str | None = None


def compare_precisions(
    check: PrecisionCheck, full: Run, reduced: Run, qrels: Qrels, metric: Metric
) -> PrecisionCheck:
    """Return `check` with the results of comparing two runs of the same pairs.

    Parameters
    ----------
    check
        Names of what is checked.
    full, reduced
        Runs of the same queries and candidates, in fp32 and in low precision.
    qrels, metric
        Judgments and metric of the values.
    """
    full_scores, reduced_scores = _by_document(full), _by_document(reduced)
    shared = [
        query for query in full_scores if full_scores[query].keys() == reduced_scores.get(query, {}).keys()
    ]
    values = [evaluate(run, qrels.restricted_to(shared), [metric]) for run in (full, reduced)]
    queries = values[0].query_ids
    pairs = [
        np.array([(score, reduced_scores[query][doc]) for doc, score in full_scores[query].items()])
        for query in queries
    ]
    return replace(
        check,
        queries=queries,
        correlations=tuple(map(_tau, pairs)),
        full=tuple(values[0].of(metric.label).tolist()),
        reduced=tuple(values[1].of(metric.label).tolist()),
        largest=max((float(np.abs(np.diff(pair)).max()) for pair in pairs), default=None),
        missing=None if pairs else "no answerable query was scored in both precisions",
    )


def _by_document(run: Run) -> dict[str, dict[str, float]]:
    return {query: dict(zip(docs, scores.tolist(), strict=True)) for query, docs, scores in run}


def _tau(pair: NDArray[np.float64]) -> float | None:
    """Return Kendall's tau-b of ``(n, 2)`` scores; None if all scores of a column are equal."""
    from scipy.stats import kendalltau

    if any(len(np.unique(scores)) < 2 for scores in pair.T):
        return None
    return float(kendalltau(*pair.T).statistic)
