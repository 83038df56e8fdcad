"""Laws of metrics on fractional grades: a plain implementation, scaling, and every way in which they are computed."""

from __future__ import annotations

from itertools import combinations, permutations
from math import floor, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metric, parse_metrics, tie_bounds, unjudged_bounds
from evalkit.metrics.row_grades import row_grades
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import DocumentTokens, Qrels, Run

DOCS = [f"d{i}" for i in range(7)]
GRADED = ["nDCG", "nDCG@3", "nDCG(dcg='exp-log2')", "nDCG(dcg='exp-log2')@2", "ERR", "ERR@3"]
BINARY = [
    "AP",
    "AP(rel=2)@3",
    "RR",
    "RR(rel=2)@2",
    "P@3",
    "R@2",
    "R(rel=2)@4",
    "Success@2",
    "NumRel",
    "NumRelRet",
]
PROVIDED = ["Rprec", "Bpref", "infAP", "SetP", "SetR(rel=2)", "SetF", "SetAP", "IPrec@0.5", "Accuracy"]
fractions = st.one_of(
    st.integers(-1, 4), st.integers(-4, 16).map(lambda n: n / 4), st.floats(1e-6, 4), st.just(5 / 3)
)
grades = st.dictionaries(st.sampled_from(DOCS), fractions, min_size=1)
qrels = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), grades, min_size=1)
whole = st.dictionaries(
    st.sampled_from(["q1", "q2"]),
    st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3), min_size=1),
    min_size=1,
)
lists = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.lists(st.sampled_from(DOCS), unique=True, min_size=1), min_size=1
)
Judged = dict[str, dict[str, float]]
Lists = dict[str, list[str]]


def as_run(ranked: Lists) -> Run:
    """Return a run from ranked lists."""
    rows = [(q, d, -float(place)) for q, docs in ranked.items() for place, d in enumerate(docs)]
    return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def gain(metric: str, grade: float) -> float:
    """Return the gain of a grade."""
    return 2.0 ** max(grade, 0) - 1 if "exp" in metric else max(grade, 0)


def slow_value(metric: str, docs: list[str], judged: dict[str, float]) -> float:
    """Return nDCG or ERR by its definition, one document after another."""
    cutoff = parse_metric(metric).cutoff or len(DOCS)
    if metric.startswith("nDCG"):
        found = sum(gain(metric, judged.get(d, 0)) / log2(i + 2) for i, d in enumerate(docs[:cutoff]))
        ideal = sorted((gain(metric, grade) for grade in judged.values()), reverse=True)[:cutoff]
        return found / sum(best / log2(i + 2) for i, best in enumerate(ideal))
    value, reached = 0.0, 1.0
    for place, doc in enumerate(docs[:cutoff], start=1):
        stops = (2 ** max(judged.get(doc, 0), 0) - 1) / 16
        value, reached = value + reached * stops / place, reached * (1 - stops)
    return value


@given(ranked=lists, judged=qrels)
def test_graded_metrics_are_those_of_a_plain_implementation(ranked: Lists, judged: Judged) -> None:
    """Every value equals the definition, and the averaged queries are those with any grade above 0, 0.25 too."""
    found = evaluate(as_run(ranked), Qrels(judged), parse_metrics(GRADED))
    assert set(found.query_ids) == {q for q, docs in judged.items() if max(docs.values()) > 0}
    for query_id, values in zip(found.query_ids, found.values, strict=True):
        for metric, value in zip(GRADED, values, strict=True):
            wanted = slow_value(metric, ranked.get(query_id, []), judged[query_id])
            assert value == pytest.approx(wanted, rel=1e-9, abs=1e-12), metric


@given(ranked=lists, judged=qrels)
def test_binary_metrics_count_grades_from_rel_on(ranked: Lists, judged: Judged) -> None:
    """They are those of the grades rounded down: 0.99 is below rel=1, and 2.5 is not below rel=2.

    So are the metrics of packages that read whole grades only. A query keeps its place among the averaged ones.
    """
    metrics = parse_metrics([*BINARY, *PROVIDED])
    lowered = {q: {d: floor(g) for d, g in docs.items()} for q, docs in judged.items()}
    # A query whose grades are all below 1 has no relevant document left when they are rounded.
    kept = [q for q, docs in lowered.items() if max(docs.values()) > 0]
    fractional = evaluate(as_run(ranked), Qrels(judged).restricted_to(kept), metrics)
    rounded = evaluate(as_run(ranked), Qrels(lowered).restricted_to(kept), metrics)
    assert fractional.query_ids == rounded.query_ids
    assert np.array_equal(fractional.values, rounded.values, equal_nan=True)


@given(judged=qrels)
def test_a_query_with_grades_below_1_only_is_averaged_as_0(judged: Judged) -> None:
    """Binary metrics are 0 for it, as for a query without a document at their level."""
    low = {q: {d: min(g, 0.99) for d, g in docs.items()} for q, docs in judged.items()}
    found = evaluate(as_run({"q1": DOCS}), Qrels(low), parse_metrics(BINARY))
    assert set(found.query_ids) == {q for q, docs in low.items() if max(docs.values()) > 0}
    assert not found.values.any()


@given(ranked=lists, judged=qrels, power=st.integers(-3, 3))
def test_linear_ndcg_does_not_change_with_the_unit_of_the_grades(
    ranked: Lists, judged: Judged, power: int
) -> None:
    """All grades times a power of two leave the values bit for bit as they are."""
    scaled = {q: {d: g * 2.0**power for d, g in docs.items()} for q, docs in judged.items()}
    metrics = parse_metrics(["nDCG", "nDCG@3", "nDCG(judged_only=True)@3"])
    tiny = any(0 < abs(g) < 1e-300 for docs in judged.values() for g in docs.values())
    before, after = (evaluate(as_run(ranked), Qrels(one), metrics) for one in (judged, scaled))
    assert tiny or np.array_equal(before.values, after.values)


@given(ranked=lists, judged=whole)
def test_whole_grades_are_the_same_as_floats(ranked: Lists, judged: dict[str, dict[str, int]]) -> None:
    """Their columns are whole numbers again, and every value has the same bits.

    So have those of queries with whole grades where another query has a fractional grade.
    """
    floats = {q: {d: float(g) for d, g in docs.items()} for q, docs in judged.items()}
    metrics = parse_metrics([*GRADED, *BINARY, "nDCG(gains={1:3,2:1})@3"])
    one, other = (evaluate(as_run(ranked), Qrels(of), metrics) for of in (judged, floats))
    assert Qrels(floats).columns.grades.dtype == np.int64
    assert one.values.tobytes() == other.values.tobytes()
    mixed = Qrels({**judged, "q9": {"d0": 0.5}})
    assert mixed.columns.grades.dtype == np.float64
    together = evaluate(as_run(ranked), mixed, metrics[:-1])
    assert together.values[:-1].tobytes() == np.ascontiguousarray(one.values[:, :-1]).tobytes()


@given(ranked=lists, judged=qrels, deepest=st.integers(1, 8))
def test_every_depth_of_a_sweep_is_its_own_evaluation(ranked: Lists, judged: Judged, deepest: int) -> None:
    """Grades between 0 and 1 have their gain at every depth, too."""
    reranked = as_run({q: sorted(docs) for q, docs in ranked.items()})
    metrics = parse_metrics([*GRADED, *BINARY, "nDCG(judged_only=True)@3"])
    swept = sweep_depths(as_run(ranked), reranked, Qrels(judged), metrics, deepest, "dropped")
    for depth in range(1, deepest + 1):
        cut = as_run({q: sorted(docs[:depth]) for q, docs in ranked.items()})
        alone = evaluate(cut, Qrels(judged), metrics)
        for metric in alone.metrics:
            assert swept.of(metric)[:, depth - 1] == pytest.approx(alone.of(metric), abs=1e-12), metric


@given(docs=st.lists(st.sampled_from(DOCS), unique=True, min_size=1, max_size=4), judged=grades)
def test_tie_bounds_are_those_of_every_order(docs: list[str], judged: dict[str, float]) -> None:
    """Best, mean and worst of a list whose documents all have one score."""
    metrics = parse_metrics([*GRADED, *BINARY])
    tied = Run.from_rows("t", ["q"] * len(docs), docs, [0.0] * len(docs))
    found = tie_bounds(tied, Qrels({"q": judged}), metrics)
    if max(judged.values()) <= 0:
        return
    orders = permutations(docs)
    values = np.array(
        [evaluate(as_run({"q": [*o]}), Qrels({"q": judged}), metrics).values[0] for o in orders]
    )
    assert found.best.values[0] == pytest.approx(values.max(axis=0), abs=1e-12)
    assert found.expected.values[0] == pytest.approx(values.mean(axis=0), abs=1e-12)
    assert found.worst.values[0] == pytest.approx(values.min(axis=0), abs=1e-12)


@pytest.mark.parametrize("text", ["nDCG@3", "nDCG(dcg='exp-log2')@3", "AP@3", "ERR@3"])
@given(docs=st.lists(st.sampled_from(DOCS), unique=True, max_size=5), judged=grades)
def test_unjudged_bounds_are_those_of_every_choice(
    text: str, docs: list[str], judged: dict[str, float]
) -> None:
    """Unjudged documents get a grade that a relevant document has, in any combination."""
    (metric,) = parse_metrics([text])
    bounds = unjudged_bounds(as_run({"q": docs}), Qrels({"q": judged}), [metric])
    if max(judged.values()) <= 0:
        return
    assert bounds.grade in judged.values()
    grade = max(bounds.grade, metric.rel)
    open_ones = [doc for doc in docs[: metric.cutoff] if doc not in judged]
    choices = [chosen for n in range(len(open_ones) + 1) for chosen in combinations(open_ones, n)]
    values = [
        evaluate(as_run({"q": docs}), Qrels({"q": judged | dict.fromkeys(chosen, grade)}), [metric]).values[0]
        for chosen in choices
    ]
    assert bounds.least.values[0] == pytest.approx(min(values), abs=1e-12)
    assert bounds.most.values[0] == pytest.approx(max(values), abs=1e-12)


@given(
    docs=st.lists(st.sampled_from(DOCS), unique=True, min_size=1),
    judged=grades,
    sizes=st.lists(st.integers(0, 6), min_size=len(DOCS), max_size=len(DOCS)),
    budget=st.integers(1, 30),
    name=st.sampled_from(["nDCG", "nDCG(dcg='exp-log2')"]),
)
def test_the_ideal_at_a_budget_is_the_best_list_that_fits(
    docs: list[str], judged: dict[str, float], sizes: list[int], budget: int, name: str
) -> None:
    """As many different gains as documents are packed exactly."""
    size_of = dict(zip(DOCS, sizes, strict=True))
    with_sizes = Qrels({"q": judged}, tokens=DocumentTokens("words", "0", size_of))
    found = evaluate(as_run({"q": docs}), with_sizes, [f"{name}@{budget}t"]).values

    def dcg(gains: list[float]) -> float:
        return sum(one / log2(place + 2) for place, one in enumerate(gains))

    subsets = (some for n in range(len(judged) + 1) for some in combinations(judged, n))
    fitting = [some for some in subsets if sum(map(size_of.__getitem__, some)) <= budget]
    best = max(dcg(sorted((gain(name, judged[doc]) for doc in some), reverse=True)) for some in fitting)
    ends = [n for n in range(len(docs) + 1) if sum(map(size_of.__getitem__, docs[:n])) <= budget]
    value = dcg([gain(name, judged.get(doc, 0)) for doc in docs[: max(ends)]])
    for row in found:
        assert row[0] == pytest.approx(value / best if best else 0.0, rel=1e-9, abs=1e-12)


@given(ranked=lists, judged=qrels)
def test_every_row_of_a_run_has_its_grade(ranked: Lists, judged: Judged) -> None:
    """Unrounded; 0 where the document is unjudged."""
    run = as_run(ranked)
    found, is_judged = row_grades(run, Qrels(judged))
    wanted = [judged.get(q, {}).get(d) for q, docs, _ in run for d in docs]
    assert found.tolist() == [grade or 0 for grade in wanted]
    assert is_judged.tolist() == [grade is not None for grade in wanted]


def test_packages_that_scale_grades_take_fractions() -> None:
    """Half of all grades on half of the scale have the values of the grades themselves."""
    pytest.importorskip("cwl.cwl_eval")
    ranked, judged = {"q": DOCS}, {"d1": 3, "d3": 1, "d4": 2, "d6": 3}
    names = ["SDCG(max_rel={})@5", "NERR8(max_rel={})@5", "BPM(max_rel={})@5", "INSQ(max_rel={})"]
    halves = {d: g / 2 for d, g in judged.items()}
    full = evaluate(as_run(ranked), Qrels({"q": judged}), [name.format(4) for name in names])
    half = evaluate(as_run(ranked), Qrels({"q": halves}), [name.format(2) for name in names])
    assert half.values.tolist() == full.values.tolist()
    orders = evaluate(as_run(ranked), Qrels({"q": halves}), ["Compat", "RBP(rel=1)"])
    assert orders.values[0, 0] == evaluate(as_run(ranked), Qrels({"q": judged}), ["Compat"]).values[0, 0]
    assert orders.values[0, 1] == evaluate(as_run(ranked), Qrels({"q": judged}), ["RBP(rel=2)"]).values[0, 0]


def test_gains_of_whole_grades_are_refused_for_fractional_ones() -> None:
    """1.75 is neither 1 nor 2: the message names metric, pair and grade."""
    with pytest.raises(InputError, match=r"query 'q', document 'd2' has the grade 1\.75") as raised:
        evaluate(
            as_run({"q": DOCS}), Qrels({"q": {"d1": 1, "d2": 1.75}}), parse_metrics(["nDCG(gains={1:1,2:3})"])
        )
    assert "exp-log2" in str(raised.value.hint)


def test_a_grade_above_the_scale_of_err_is_refused_with_its_decimals() -> None:
    """4.25 is above 4."""
    with pytest.raises(InputError, match=r"has the grade 4\.25"):
        evaluate(as_run({"q": DOCS}), Qrels({"q": {"d1": 4.25}}), ["ERR@10"])


@pytest.mark.parametrize("grade", [float("nan"), float("inf"), -float("inf")])
def test_a_grade_that_is_no_number_is_refused(grade: float) -> None:
    """A mean over it would be silently wrong."""
    with pytest.raises(InputError):
        evaluate(as_run({"q": DOCS}), Qrels({"q": {"d1": grade, "d2": 1}}), ["nDCG@10"])
    with pytest.raises(InputError):
        Qrels.from_rows([("q", "d", grade)])


def test_a_small_fraction_loses_no_digits() -> None:
    """2**g - 1 is computed as accurately as the gain of a whole grade."""
    tiny = evaluate(
        as_run({"q": ["d1", "d2"]}),
        Qrels({"q": {"d1": 1e-12, "d2": 2e-12}}),
        parse_metrics(["nDCG(dcg='exp-log2')"]),
    )
    linear = (1 + 2 / log2(3)) / (2 + 1 / log2(3))
    assert tiny.values[0, 0] == pytest.approx(linear, rel=1e-10)
