"""Runs, systems and comparison sets from dictionaries, or drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evalkit.comparison import ComparisonSet, System
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import MetricValues, Qrels, Query, Run

Scores = Mapping[str, Mapping[str, float]]
"""Query -> document -> score."""


def run_of(tag: str, scores: Scores) -> Run:
    """Return the run with these scores."""
    rows = [(query_id, doc_id, score) for query_id, docs in scores.items() for doc_id, score in docs.items()]
    return Run.from_rows(tag, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def system_of(run: Run, qrels: Qrels, metrics: Sequence[str] = ("nDCG@10",)) -> System:
    """Return a run with its values; queries with judgments that it lacks count as 0."""
    return System(run.tag, run, evaluate(run, qrels, parse_metrics(metrics)))


def set_of(
    grades: Mapping[str, Mapping[str, float]],
    *runs: Run,
    depth: int = 10,
    metrics: Sequence[str] = ("nDCG@10",),
    queries: Mapping[str, Query] | None = None,
    dataset: str = "d",
) -> ComparisonSet:
    """Return the comparison set of some runs, the first of which is the first stage."""
    qrels = Qrels(grades)
    systems = {run.tag: system_of(run, qrels, metrics) for run in runs}
    return ComparisonSet(dataset, qrels, systems, queries or {}, runs[0], depth)


def noisy_set(
    queries: int,
    depth: int,
    lifts: Mapping[str, float],
    *,
    seed: int = 0,
    unanswerable: int = 0,
    metrics: Sequence[str] = ("nDCG@10",),
) -> ComparisonSet:
    """Return systems with normal scores on the same candidates.

    Parameters
    ----------
    queries, depth
        Number of queries, and of candidates of each.
    lifts
        Tag -> what is added to the score of the relevant document; the first system is the first stage.
    seed
        Seed of the scores.
    unanswerable
        How many of the queries have no relevant document.
    """
    rng = np.random.default_rng(seed)
    grades = {f"q{i}": {"d0": int(i >= unanswerable)} for i in range(queries)}
    runs = [
        run_of(
            tag,
            {
                query_id: {
                    f"d{d}": float(rng.normal(lift if d == 0 and docs["d0"] else 0.0)) for d in range(depth)
                }
                for query_id, docs in grades.items()
            },
        )
        for tag, lift in lifts.items()
    ]
    return set_of(grades, *runs, depth=depth, metrics=metrics)


def failing(one: ComparisonSet, name: str, rows: Sequence[int]) -> ComparisonSet:
    """Return a comparison set in which a system has no scores for the queries in these rows."""
    system, lost = one.systems[name], set(rows)
    ids = system.values.query_ids
    kept = [row for row in range(len(ids)) if row not in lost]
    values = MetricValues(
        name, system.values.metrics, tuple(ids[row] for row in kept), system.values.values[kept]
    )
    unscored = tuple(ids[row] for row in sorted(lost))
    return replace(one, systems={**one.systems, name: System(name, system.run, values, unscored)})
