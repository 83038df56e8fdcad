"""Raw scores to runs at every depth, and runs to values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import MetricValues, Qrels, Run
from evalkit.reranking import scored_run
from evalkit.results import ResultFolder
from evalkit.results.folder import at_depth
from evalkit.results.manifest import Manifest
from evalkit.results.summary_document import BEST_ORDER


@dataclass(frozen=True, slots=True)
class QualityCell:
    """One reranker on one dataset at one depth, with what was measured there.

    Attributes
    ----------
    run
        The ranked lists of the queries that were scored.
    values
        Per averaged query; a query that was not scored has no row.
    not_scored
        Queries with candidates and without scores: their call failed, or was never made. They
        are in no mean; a query that the first stage found nothing for is scored with 0.
    """

    dataset: str
    reranker: str
    depth: int
    run: Run
    values: MetricValues
    not_scored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CandidateCeiling:
    """What the candidates allow at one depth.

    Attributes
    ----------
    recall
        ``(q,)`` share of each query's relevant documents that are among the candidates.
    best
        The values of the candidates in the order of their grades.
    """

    dataset: str
    depth: int
    recall: NDArray[np.float64]
    best: MetricValues


def derive_cells(
    folder: ResultFolder,
    manifest: Manifest,
    qrels: Mapping[str, Qrels],
    metrics: Sequence[str],
    depths: Sequence[int],
) -> Iterator[QualityCell]:
    """Yield every cell: the first stage, then each reranker, at each depth of each dataset."""
    parsed = parse_metrics(metrics)
    asked: list[str] = []
    for dataset, judged in qrels.items():
        for tag in (manifest.first_stage, *manifest.rerankers):
            part = folder.read_scores_of(dataset, tag)
            if tag == manifest.first_stage:
                asked = list(dict.fromkeys(part["query_id"].tolist()))
            for depth in depths:
                run = scored_run(at_depth(part, depth), tag, depth)
                scored = set(run.query_ids)
                missing = tuple(q for q in asked if q not in scored)
                kept = _averaged(judged, missing, any_scored=bool(scored) or not asked)
                yield QualityCell(dataset, tag, depth, run, evaluate(run, kept, parsed), missing)


def _averaged(judged: Qrels, missing: Sequence[str], *, any_scored: bool) -> Qrels:
    """Return the judgments that values are taken over.

    What has no score is told from the scores themselves: whatever went wrong, and whether or not
    it was noted, a query without scores never becomes a value. A reranker that scored nothing at
    all has no value either, not even the 0 of the queries without candidates.
    """
    if not any_scored:
        return Qrels({})
    left_out = frozenset(missing)
    return judged.restricted_to(q for q in judged.grades if q not in left_out)


def derive_ceilings(
    first_stage: Sequence[QualityCell], qrels: Mapping[str, Qrels], metrics: Sequence[str]
) -> Iterator[CandidateCeiling]:
    """Yield, per dataset and depth, the recall of the candidates and the values of their best order."""
    parsed = parse_metrics(metrics)
    for cell in first_stage:
        judged = qrels[cell.dataset]
        recall = evaluate(cell.run, judged, parse_metrics([f"R@{cell.depth}"])).values[:, 0]
        grades = [
            (query_id, doc_id, float(judged.of(query_id).get(doc_id, 0)))
            for query_id, docs, _ in cell.run
            for doc_id in docs
        ]
        ideal = Run.from_rows(
            BEST_ORDER, [g[0] for g in grades], [g[1] for g in grades], [g[2] for g in grades]
        )
        yield CandidateCeiling(cell.dataset, cell.depth, recall, evaluate(ideal, judged, parsed))
