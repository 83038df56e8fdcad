"""What fewer bits cost: the same pairs scored in fp32, and what that changes in ranks and values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import evaluate
from evalkit.metrics.names import Metric
from evalkit.records import Qrels, Run


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """A reranker of low precision beside itself in fp32, on a sample of queries.

    Attributes
    ----------
    reranker, dataset, precision
        What was checked.
    metric
        Of the values.
    queries
        Those that were scored both ways and that something answers.
    correlations
        Per query: Kendall's tau-b of the two lists of scores; None where one of them has no two scores.
    full, reduced
        Per query: the metric's value in fp32 and in the precision that was asked for.
    largest
        Largest difference of a pair's two scores; None without a pair.
    missing
        Why nothing could be compared; None where something was.
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
    """Return a check with what two runs of the same pairs tell.

    Parameters
    ----------
    check
        Names what is checked.
    full, reduced
        The candidates of the same queries, scored both ways.
    qrels, metric
        What a value is.
    """
    both, fewer = _by_document(full), _by_document(reduced)
    shared = [query for query in both if both[query].keys() == fewer.get(query, {}).keys()]
    values = [evaluate(run, qrels.restricted_to(shared), [metric]) for run in (full, reduced)]
    queries = values[0].query_ids
    pairs = [
        np.array([(score, fewer[query][doc]) for doc, score in both[query].items()]) for query in queries
    ]
    return replace(
        check,
        queries=queries,
        correlations=tuple(map(_tau, pairs)),
        full=tuple(values[0].of(metric.label).tolist()),
        reduced=tuple(values[1].of(metric.label).tolist()),
        largest=max((float(np.abs(np.diff(pair)).max()) for pair in pairs), default=None),
        missing=None if pairs else "no query that something answers was scored both ways",
    )


def _by_document(run: Run) -> dict[str, dict[str, float]]:
    return {query: dict(zip(docs, scores.tolist(), strict=True)) for query, docs, scores in run}


def _tau(pair: NDArray[np.float64]) -> float | None:
    """Return the correlation of ``(n, 2)`` scores."""
    from scipy.stats import kendalltau

    if any(len(np.unique(scores)) < 2 for scores in pair.T):
        return None
    return float(kendalltau(*pair.T).statistic)
