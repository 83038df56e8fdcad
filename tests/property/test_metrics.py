"""Laws of the metric kernels over generated rankings."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run

DOCS = [f"d{i}" for i in range(12)]
METRICS = [
    "nDCG@5",
    "nDCG",
    "AP",
    "AP(rel=2)@5",
    "P@5",
    "R(rel=2)@5",
    "R@10",
    "Success@3",
]

grades = st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3), min_size=1)
qrels = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), grades, min_size=1)
# Scores with one decimal tie often, and are told apart by float32 as by float64.
scores = st.dictionaries(st.sampled_from(DOCS), st.integers(-20, 20).map(lambda n: n / 10), min_size=1)
runs = st.dictionaries(st.sampled_from(["q1", "q2", "q3", "q9"]), scores, min_size=1)


def as_run(lists: dict[str, dict[str, float]]) -> Run:
    """Return a run from nested dicts."""
    rows = [(q, d, s) for q, docs in lists.items() for d, s in docs.items()]
    return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def for_trec_eval(judged: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return the queries that something answers: trec_eval may hang on one whose grades are all below 0."""
    return {query_id: docs for query_id, docs in judged.items() if max(docs.values()) > 0}


@given(lists=runs, judged=qrels)
def test_kernels_equal_ir_measures(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """Every kernel gives what ir_measures gives, ties, negative grades and missing queries included."""
    values = evaluate(as_run(lists), Qrels(judged), parse_metrics(METRICS))
    ours = {(q, m): v for q, row in zip(values.query_ids, values.values, strict=True)
            for m, v in zip(METRICS, row, strict=True)}  # fmt: skip
    wanted = [ir_measures.parse_measure(m) for m in METRICS]
    names = dict(zip(wanted, METRICS, strict=True))
    for found in ir_measures.iter_calc(wanted, for_trec_eval(judged), lists):
        key = (found.query_id, names[found.measure])
        if key in ours:
            assert ours[key] == pytest.approx(found.value, abs=1e-9), key


@given(lists=runs, judged=qrels)
def test_reciprocal_rank_equals_trec_eval(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """RR without a cutoff is trec_eval's recip_rank (ir_measures breaks ties of RR@k the other way)."""
    values = evaluate(as_run(lists), Qrels(judged), parse_metrics(["RR"]))
    theirs = {
        m.query_id: m.value for m in ir_measures.iter_calc([ir_measures.RR], for_trec_eval(judged), lists)
    }
    for query_id, value in zip(values.query_ids, values.of("RR"), strict=True):
        assert value == pytest.approx(theirs.get(query_id, 0.0), abs=1e-12)


@given(lists=runs, judged=qrels)
def test_values_are_between_0_and_1_and_the_best_order_is_1(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """No ranking metric leaves 0..1, and all documents in the order of their grades have nDCG 1."""
    metrics = parse_metrics([*METRICS, "Judged@5"])
    values = evaluate(as_run(lists), Qrels(judged), metrics).values
    assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    assert (
        evaluate(as_run(lists), Qrels(judged), parse_metrics(["nDCG(dcg='exp-log2')@3"])).values.max(
            initial=0
        )
        <= 1
    )
    ideal = as_run({q: {d: float(g) for d, g in docs.items()} for q, docs in judged.items()})
    assert evaluate(ideal, Qrels(judged), parse_metrics(["nDCG"])).values == pytest.approx(1.0)


@given(lists=runs, judged=qrels)
def test_only_answerable_queries_are_averaged(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """The averaged queries are those with a grade above 0, whatever the run holds; the missing ones get 0."""
    values = evaluate(as_run(lists), Qrels(judged), parse_metrics(["nDCG@5"]))
    assert set(values.query_ids) == {q for q, docs in judged.items() if any(g > 0 for g in docs.values())}
    for query_id, value in zip(values.query_ids, values.of("nDCG@5"), strict=True):
        assert query_id in lists or value == 0.0


@given(lists=runs)
def test_a_run_is_in_trec_eval_order(lists: dict[str, dict[str, float]]) -> None:
    """Rows stand by score descending, then doc_id descending, whatever order they came in."""
    for query_id, docs, held in as_run(lists):
        pairs = sorted(lists[query_id].items(), key=lambda p: (p[1], p[0]), reverse=True)
        assert list(docs) == [d for d, _ in pairs]
        assert held.tolist() == [s for _, s in pairs]


@given(lists=runs, depth=st.integers(1, 6))
def test_cut_keeps_the_first(lists: dict[str, dict[str, float]], depth: int) -> None:
    """Cutting a run keeps the first documents of every query and nothing else."""
    run = as_run(lists)
    cut = run.cut(depth)
    assert cut.query_ids == run.query_ids
    assert all(cut.docs(q) == docs[:depth] for q, docs, _ in run)
    assert np.array_equal(np.diff(cut.offsets), np.minimum(np.diff(run.offsets), depth))
