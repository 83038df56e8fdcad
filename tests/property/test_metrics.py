"""Laws of the metric kernels over generated rankings."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
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
    "nDCG(gains={0:1,1:3,2:1})@5",
]
CONDENSED = [
    "nDCG(judged_only=True)@3",
    "nDCG(judged_only=True)",
    "AP(judged_only=True)",
    "AP(rel=2,judged_only=True)@4",
    "P(judged_only=True)@5",
    "R(judged_only=True)@3",
    "Success(judged_only=True)@2",
    "nDCG(gains={1:3,2:5},judged_only=True)",
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


def assert_equal_to_ir_measures(
    metrics: list[str], lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """Hold every value of ours to that of ir_measures."""
    values = evaluate(as_run(lists), Qrels(judged), parse_metrics(metrics))
    ours = {(q, m): v for q, row in zip(values.query_ids, values.values, strict=True)
            for m, v in zip(metrics, row, strict=True)}  # fmt: skip
    for metric in metrics:  # one at a time: an nDCG without gains may take over those of another
        for found in ir_measures.iter_calc([ir_measures.parse_measure(metric)], for_trec_eval(judged), lists):
            key = (found.query_id, metric)
            if key in ours:
                assert ours[key] == pytest.approx(found.value, abs=1e-9), key


@given(lists=runs, judged=qrels)
def test_kernels_equal_ir_measures(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """Every kernel gives what ir_measures gives: ties, negative grades, missing queries, own gains included."""
    assert_equal_to_ir_measures(METRICS, lists, judged)


@given(lists=runs, judged=qrels)
def test_condensed_lists_equal_ir_measures(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """So does every kernel on condensed lists, where no grade is below 0: trec_eval takes such for unjudged there."""
    lifted = {q: {d: max(grade, 0) for d, grade in docs.items()} for q, docs in judged.items()}
    assert_equal_to_ir_measures(CONDENSED, lists, lifted)


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


@given(lists=runs, judged=qrels)
def test_condensed_lists_are_lists_without_unjudged_documents(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """`judged_only=True` is the plain metric on the run without its unjudged documents, RR included.

    Documents with a grade below 0 are unjudged, too, as in trec_eval.
    """
    metrics = ["RR{}@2", "RR(rel=2{})", "nDCG(dcg='exp-log2'{})@3", "AP{}", "P{}@2"]
    only = [m.format(",judged_only=True" if "(" in m else "(judged_only=True)") for m in metrics]
    left = {
        q: {d: s for d, s in docs.items() if judged.get(q, {}).get(d, -1) >= 0} for q, docs in lists.items()
    }
    condensed = evaluate(as_run(lists), Qrels(judged), parse_metrics(only)).values
    plain = evaluate(as_run(left), Qrels(judged), parse_metrics([m.format("") for m in metrics])).values
    assert np.array_equal(condensed, plain)


@given(lists=runs, judged=qrels, deepest=st.integers(1, 12))
def test_a_value_does_not_hang_on_the_metrics_beside_it(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]], deepest: int
) -> None:
    """However deep other metrics make evalkit look, and whichever queries stand beside, a value has the same bits."""
    metric = parse_metrics(["nDCG@3", "AP@3"])
    alone = evaluate(as_run(lists), Qrels(judged), metric)
    beside = evaluate(as_run(lists), Qrels(judged), [*metric, *parse_metrics([f"R@{deepest}", "RR"])])
    assert np.array_equal(beside.values[:, :2], alone.values)
    for row, query_id in enumerate(alone.query_ids):
        single = evaluate(as_run(lists), Qrels({query_id: judged[query_id]}), metric)
        assert np.array_equal(single.values[0], alone.values[row])


def test_spellings_of_one_metric_are_one() -> None:
    """What a metric says by default may be said, gains come in any order, and neither makes another metric."""
    for one, other in [
        ("nDCG@10", "NDCG(dcg='log2',judged_only=False)@10"),
        ("MRR(rel=1)@10", "RR@10"),
        ("nDCG(gains={2:3,1:1})@5", "nDCG(gains={1:1,2:3})@5"),
    ]:
        with pytest.raises(InputError, match="are the same metric"):
            parse_metrics([one, other])
    assert len(parse_metrics(["nDCG@10", "nDCG(dcg='exp-log2')@10", "nDCG(gains={1:1,2:3})@10"])) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nDCG(gains={1:0.5})@10", "use whole numbers as gains"),
        ("nDCG(gains=3)@10", "gains must be a mapping"),
        ("nDCG(gains={})@10", "use whole numbers as gains"),
        ("nDCG(gains={1:2},dcg='exp-log2')@10", "sets the gains twice"),
        ("nDCG(dcg='natural')@10", "unknown dcg"),
        ("RR(rel='2')", "rel must be a whole number"),
        ("AP(judged_only=1)", "judged_only must be True or False"),
        ("RR(rel=[1])", "invalid rel"),
        ("Judged(judged_only=True)@10", "Judged"),
    ],
)
def test_impossible_parameters_are_reported(text: str, said: str) -> None:
    """A parameter that means nothing is one clear line, never a traceback or a value."""
    with pytest.raises(InputError) as raised:
        parse_metrics([text])
    assert said in f"{raised.value.message} {raised.value.hint}"


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


def test_the_two_zeros_are_one_score() -> None:
    """-0.0 ties with 0.0, as numbers do, and leaves the run as 0.0."""
    run = Run.from_rows("t", ["q"] * 3, ["a", "c", "b"], [0.0, -0.0, 0.0])
    assert run.docs("q") == ("c", "b", "a")
    assert not np.signbit(run.scores).any()
