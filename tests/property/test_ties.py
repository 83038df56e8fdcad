"""What ties could make of a value, beside every order of the tied documents tried out."""

from __future__ import annotations

from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics, tie_bounds
from evalkit.records import Qrels, Run

METRICS = parse_metrics(
    [
        "nDCG@3",
        "nDCG",
        "nDCG(dcg='exp-log2')@2",
        "nDCG(gains={0:1,1:4,2:2})@3",
        "RR",
        "RR(rel=2)@3",
        "AP",
        "AP@3",
        "AP(rel=2)@2",
        "P@3",
        "R@2",
        "R(rel=2)@4",
        "Success@2",
        "Success(rel=2)@1",
        "Judged@3",
        "Judged",
        "nDCG(judged_only=True)@2",
        "AP(judged_only=True)",
        "RR(judged_only=True)",
        "Success(rel=2,judged_only=True)@1",
        "ERR",
        "ERR@1",
        "ERR@3",
        "NumQ",
        "NumRel(rel=2)",
        "NumRet",
        "NumRet(rel=2)",
        "NumRelRet",
    ]
)
OF_THE_LIST = [n for n, metric in enumerate(METRICS) if metric.name not in {"NumQ", "NumRel"}]
"""Metrics that are 0 for a query that the run lacks."""
DOCS = [f"d{i}" for i in range(8)]
scores = st.dictionaries(st.sampled_from(DOCS), st.integers(0, 2).map(float), min_size=1, max_size=6)
grades = st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3), min_size=1)


def as_run(lists: dict[str, dict[str, float]]) -> Run:
    """Return a run from nested dicts."""
    rows = [(q, d, s) for q, docs in lists.items() for d, s in docs.items()]
    return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def every_order(scored: dict[str, float]) -> list[list[str]]:
    """Return every list that the scores allow."""
    ranked = sorted(scored, key=lambda doc: -scored[doc])
    ties = [list(permutations(tied)) for _, tied in groupby(ranked, key=scored.__getitem__)]
    return [[doc for part in parts for doc in part] for parts in product(*ties)]


@given(scored=scores, judged=grades)
@example(scored=dict.fromkeys(DOCS[:6], 1.0), judged={"d0": 1, "d3": 2, "d4": -1, "d7": 3})
def test_bounds_and_mean_are_those_of_every_order(scored: dict[str, float], judged: dict[str, int]) -> None:
    """Best, worst and expected are maximum, minimum and mean over all orders of tied documents, for every metric."""
    orders = {
        f"q{n}": {doc: -float(place) for place, doc in enumerate(order)}
        for n, order in enumerate(every_order(scored))
    }
    values = evaluate(as_run(orders), Qrels(dict.fromkeys(orders, judged)), METRICS).values
    bounds = tie_bounds(as_run({"q": scored}), Qrels({"q": judged}), METRICS)
    if not len(values):
        assert not len(bounds.best.values)
        return
    assert bounds.best.values[0] == pytest.approx(values.max(axis=0), abs=1e-12)
    assert bounds.worst.values[0] == pytest.approx(values.min(axis=0), abs=1e-12)
    assert bounds.expected.values[0] == pytest.approx(values.mean(axis=0), abs=1e-12)


runs = st.dictionaries(st.sampled_from(["q1", "q2", "q3", "q9"]), scores, min_size=1)
qrels = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), grades, min_size=1)


@given(lists=runs, judged=qrels)
def test_queries_do_not_touch_each_other(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """Bounds of many queries at once are those of each alone; a query that the run lacks has 0 everywhere."""
    together = tie_bounds(as_run(lists), Qrels(judged), METRICS)
    for row, query_id in enumerate(together.best.query_ids):
        alone = tie_bounds(as_run(lists), Qrels({query_id: judged[query_id]}), METRICS)
        for name in ("best", "expected", "worst"):
            held = getattr(together, name).values[row]
            assert held == pytest.approx(getattr(alone, name).values[0], abs=1e-12)
            assert query_id in lists or not held[OF_THE_LIST].any()


@given(lists=runs, judged=qrels)
def test_without_ties_all_are_the_value(
    lists: dict[str, dict[str, float]], judged: dict[str, dict[str, int]]
) -> None:
    """The value lies between worst and best, and where no scores are equal it is all three."""
    apart = {
        q: {d: s + n / 100 for n, (d, s) in enumerate(sorted(docs.items()))} for q, docs in lists.items()
    }
    values = evaluate(as_run(apart), Qrels(judged), METRICS).values
    bounds = tie_bounds(as_run(apart), Qrels(judged), METRICS)
    for found in (bounds.best, bounds.expected, bounds.worst):
        assert found.values == pytest.approx(values, abs=1e-12)
    tied = tie_bounds(as_run(lists), Qrels(judged), METRICS)
    held = evaluate(as_run(lists), Qrels(judged), METRICS).values
    assert (tied.worst.values <= held + 1e-12).all()
    assert (held <= tied.best.values + 1e-12).all()


def test_a_thousand_ties_are_exact() -> None:
    """One relevant document among a thousand tied ones is at each place equally often."""
    docs = [f"d{n:03}" for n in range(1000)]
    run = Run.from_rows("t", ["q"] * 1000, docs, np.zeros(1000))
    bounds = tie_bounds(run, Qrels({"q": {"d500": 1}}), parse_metrics(["RR", "AP", "R@10", "Success@10"]))
    harmonic = (1 / np.arange(1, 1001)).mean()
    assert bounds.expected.values[0] == pytest.approx([harmonic, harmonic, 0.01, 0.01], rel=1e-12)
    assert bounds.best.values[0].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert bounds.worst.values[0].tolist() == [0.001, 0.001, 0.0, 0.0]


def test_a_metric_of_others_has_no_bounds() -> None:
    """One clear line: what ties do to it is not known."""
    with pytest.raises(InputError, match=r"'Bpref' has no tie bounds"):
        tie_bounds(as_run({"q": {"d1": 1.0}}), Qrels({"q": {"d1": 1}}), parse_metrics(["Bpref"]))
