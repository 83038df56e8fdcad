"""A sweep over depths gives what evaluating each depth on its own gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import Qrels, Run

METRICS = parse_metrics(
    [
        "nDCG@3",
        "nDCG",
        "nDCG(dcg='exp-log2')@5",
        "RR",
        "RR(rel=2)@2",
        "AP",
        "AP(rel=2)@4",
        "P@3",
        "R@2",
        "Success@1",
        "nDCG(judged_only=True)@3",
        "AP(judged_only=True)",
        "RR(judged_only=True)@2",
        "P(judged_only=True)@2",
        "nDCG(gains={0:2,1:5,2:1},judged_only=True)@4",
    ]
)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[Run, Run, Qrels]:
    """Return candidates, the same with other scores (ties among them), and judgments."""
    rows, grades = [], {}
    for query_id in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)):
        docs = draw(st.lists(st.integers(0, 30), min_size=0, max_size=12, unique=True))
        rows += [
            (query_id, f"d{doc}", -float(rank), float(draw(st.integers(0, 4))))
            for rank, doc in enumerate(docs)
        ]
        judged = draw(st.dictionaries(st.integers(0, 30), st.integers(-1, 3), min_size=1, max_size=8))
        grades[query_id] = {f"d{doc}": grade for doc, grade in judged.items()}

    def run(column: int) -> Run:
        return Run.from_rows("r", [r[0] for r in rows], [r[1] for r in rows], [r[column] for r in rows])  # type: ignore[misc]

    return run(2), run(3), Qrels(grades)


@given(rankings(), st.integers(1, 14))
def test_every_depth_equals_its_own_evaluation(data: tuple[Run, Run, Qrels], deepest: int) -> None:
    """For every metric with a kernel, every query, every depth, ties and short lists included."""
    first_stage, reranked, qrels = data
    swept = sweep_depths(first_stage, reranked, qrels, METRICS, deepest)
    for depth in range(1, deepest + 1):
        held = {q: set(first_stage.docs(q)[:depth]) for q in first_stage.query_ids}
        rows = [
            (q, d, float(s))
            for q, docs, scores in reranked
            for d, s in zip(docs, scores, strict=True)
            if d in held[q]
        ]
        alone = evaluate(
            Run.from_rows("r", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]),
            qrels,
            METRICS,
        )
        assert swept.query_ids == alone.query_ids
        for metric in alone.metrics:
            assert swept.of(metric)[:, depth - 1] == pytest.approx(alone.of(metric), abs=1e-12), (
                metric,
                depth,
            )


def test_a_metric_that_cannot_be_swept_is_reported() -> None:
    """One clear line with those that can."""
    run = Run.from_rows("r", ["q"], ["d"], np.array([1.0]))
    with pytest.raises(InputError, match=r"'Judged@3' cannot be computed for all depths"):
        sweep_depths(run, run, Qrels({"q": {"d": 1}}), parse_metrics(["Judged@3"]), 2)
