"""Differences with more judgments, compared with an evaluation of the changed judgments of each case."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.systems import run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.counted_documents import CountedDocuments
from evalkit.comparison.more_judgments import MoreJudgments, all_together, each_alone, one_after_the_other
from evalkit.comparison.sensitivity import sensitivity
from evalkit.metrics import evaluate

DOCS = "abcdefgh"
METRICS = [
    "nDCG@4",
    "nDCG(dcg='exp-log2')@3",
    "AP",
    "RR@3",
    "P@3",
    "nDCG(judged_only=True)@4",
    "Judged@3",
    "ERR@4",
]
LISTS = st.fixed_dictionaries(
    {q: st.lists(st.sampled_from(DOCS), unique=True, min_size=1, max_size=6) for q in ("q2", "q1", "q3")}
)
GRADES = st.fixed_dictionaries(
    {
        q: st.dictionaries(
            st.sampled_from(DOCS), st.integers(-1, 2) | st.sampled_from([0.25, 1.75]), max_size=4
        )
        for q in ("q2", "q1", "q3")
    }
)


def world(
    first: dict[str, list[str]], second: dict[str, list[str]], grades: dict[str, dict[str, float]]
) -> ComparisonSet:
    """Return two systems; every query has a relevant document, which no system needs to find."""
    judged = {query_id: {"z": 1, **docs} for query_id, docs in grades.items()}
    runs = [
        run_of(name, {q: {d: -float(place) for place, d in enumerate(docs)} for q, docs in lists.items()})
        for name, lists in (("a", first), ("b", second))
    ]
    return set_of(judged, *runs, metrics=tuple(METRICS))


def changed_difference(one: ComparisonSet, metric: str, query_id: str, more: dict[str, float]) -> float:
    """Return the difference of a query whose documents get these grades, evaluated anew."""
    grades = {q: {**docs, **(more if q == query_id else {})} for q, docs in one.qrels.grades.items()}
    found = [evaluate(one.systems[name].run, type(one.qrels)(grades), [metric]) for name in "ab"]
    before, after = (values.by_query(metric)[query_id] for values in found)
    return after - before


@given(LISTS, LISTS, GRADES, st.sampled_from(METRICS), st.sampled_from([1, 2, 1.5]))
def test_every_case_is_an_evaluation_of_its_own(
    first: dict[str, list[str]],
    second: dict[str, list[str]],
    grades: dict[str, dict[str, float]],
    metric: str,
    grade: float,
) -> None:
    """One document alone, documents one after the other, and all together; bitwise, for every metric.

    Grades may be fractional, of judged documents and of those to judge.
    """
    one = world(first, second, grades)
    systems = [one.systems[name] for name in "ab"]
    counted = CountedDocuments.of(*systems, one.qrels, 4)
    more = MoreJudgments(*systems, counted, one.qrels, metric)
    pairs = counted.all_unjudged
    named = [
        (counted.query_ids[q], counted.doc_names[d]) for q, d in zip(pairs.query, pairs.doc, strict=True)
    ]
    tops = {q: {*first[q][:4], *second[q][:4]} for q in first}
    assert named == sorted((q, d) for q, docs in tops.items() for d in docs if d not in one.qrels.of(q))
    alone = more.differences(each_alone(pairs, grade))
    assert alone.tolist() == [changed_difference(one, metric, q, {d: grade}) for q, d in named]
    ordered = more.differences(one_after_the_other(pairs, grade))
    assert ordered.tolist() == [
        changed_difference(one, metric, q, {d: grade for p, d in named[: row + 1] if p == q})
        for row, (q, _) in enumerate(named)
    ]
    queries = np.arange(len(counted.query_ids))
    drawn = np.arange(len(pairs)) % 3 * (grade / 2)
    together = more.differences(all_together(queries, pairs, drawn))
    assert together.tolist() == [
        changed_difference(
            one, metric, q, {d: float(g) for (p, d), g in zip(named, drawn, strict=True) if p == q}
        )
        for q in counted.query_ids
    ]


@given(LISTS, LISTS, GRADES, st.sampled_from(["nDCG@4", "RR@3", "AP"]))
def test_metrics_of_other_packages_are_evaluated_case_by_case(
    first: dict[str, list[str]],
    second: dict[str, list[str]],
    grades: dict[str, dict[str, float]],
    metric: str,
) -> None:
    """Whole evaluations, the way for metrics that evalkit does not define, give the same differences.

    But for the last digit: the sum of a query's precisions is rounded by the number of queries that are summed at once.
    """
    one = world(first, second, grades)
    systems = [one.systems[name] for name in "ab"]
    counted = CountedDocuments.of(*systems, one.qrels, 4)
    more = MoreJudgments(*systems, counted, one.qrels, metric)
    cases = one_after_the_other(counted.all_unjudged, 1)
    np.testing.assert_allclose(more._evaluated(cases), more.differences(cases), rtol=1e-14, atol=1e-15)


@given(LISTS, LISTS, GRADES)
def test_counts_of_unjudged_documents_are_those_of_sets(
    first: dict[str, list[str]], second: dict[str, list[str]], grades: dict[str, dict[str, float]]
) -> None:
    """Pairs of one system alone and of both; grades seen count each document of a query once."""
    one = world(first, second, grades)
    found = sensitivity(one, Plan("a", "nDCG@4"), "b")
    tops = [{(q, d) for q, docs in lists.items() for d in docs[:4]} for lists in (first, second)]
    a, b = ({(q, d) for q, d in top if d not in one.qrels.of(q)} for top in tops)
    assert found.unjudged_baseline_only == len(a - b)
    assert found.unjudged_contender_only == len(b - a)
    assert found.unjudged_both == len(a & b)
    counted = CountedDocuments.of(one.systems["a"], one.systems["b"], one.qrels, 4)
    seen = [one.qrels.of(q)[d] for q, d in (tops[0] | tops[1]) - a - b]
    assert sorted(counted.grades_seen.tolist()) == sorted(seen)


def test_the_fewest_judgments_that_reverse_are_those_of_a_loop() -> None:
    """The documents with the largest gains are made relevant one after the other until the sign reverses."""
    rng = np.random.default_rng(4)
    lists = [{f"q{n}": rng.permutation(list(DOCS))[:5].tolist() for n in range(12)} for _ in range(2)]
    grades = {f"q{n}": {lists[0][f"q{n}"][0]: 1, lists[1][f"q{n}"][4]: 0} for n in range(12)}
    one, metric = world(lists[0], lists[1], grades), "nDCG@4"
    found = sensitivity(one, Plan("a", metric), "b")
    differences = {q: changed_difference(one, metric, q, {}) for q in grades}
    assert sum(differences.values()) < 0
    unjudged = [
        (q, d)
        for q in sorted(grades)
        for d in sorted(set(lists[1][q][:4]) - set(lists[0][q][:4]))
        if d not in grades[q]
    ]
    gains = {(q, d): changed_difference(one, metric, q, {d: 1}) - differences[q] for q, d in unjudged}
    order = [pair for pair in sorted(unjudged, key=lambda pair: -gains[pair]) if gains[pair] > 0]
    fewest = None
    for count in range(1, len(order) + 1):
        chosen = {q: {d: 1 for p, d in order[:count] if p == q} for q in grades}
        mean = np.mean([changed_difference(one, metric, q, chosen[q]) for q in grades])
        if mean >= 0:
            fewest = count
            break
    assert found.tipping == fewest
    assert found.tipping is not None
    assert found.tipping_of == len(unjudged)
