"""Comparisons of small fields, beside what can be counted by hand or by trying everything."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from support.systems import failing, noisy_set

from evalkit.comparison import (
    ComparisonSet,
    Plan,
    System,
    compare,
    explore,
    pair,
    pool,
    tied_on_each,
    tied_with,
)
from evalkit.comparison.contenders import extremes
from evalkit.comparison.dominance import dominated_by
from evalkit.comparison.sensitivity import sensitivity
from evalkit.comparison.slices import slices
from evalkit.comparison.threshold_transfer import ScoredPairs, carry_threshold, score_drift, usual_thresholds
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import MetricValues, Qrels, Query, Run
from evalkit.stats import sign_flip

METRICS = ("nDCG@3", "RR")
PLAN = Plan(baseline="a", primary="nDCG@3", resamples=999)


def field_of(values: dict[str, np.ndarray]) -> ComparisonSet:
    """Return a field of systems with given values of the primary metric, half of them for the other."""
    systems = {}
    for name, column in values.items():
        query_ids = tuple(f"q{i}" for i in range(len(column)))
        held = MetricValues(name, METRICS, query_ids, np.column_stack([column, column / 2]))
        systems[name] = System(name, Run.from_rows(name, [], [], []), held)
    return ComparisonSet("d", Qrels({}), systems)


def many(n: int, *shifts: float) -> dict[str, np.ndarray]:
    """Return systems that lie apart, with noise of their own."""
    rng = np.random.default_rng(7)
    base = rng.uniform(0.2, 0.6, n)
    return {
        name: base + shift + rng.normal(0, 0.02, n) for name, shift in zip("abcdef", shifts, strict=False)
    }


def test_nothing_is_tied_with_a_system_of_which_nothing_is_known() -> None:
    """A system without scores, or with too few queries for a verdict, shows no difference because it shows nothing."""
    whole = noisy_set(60, 8, {"bm25": 0.0, "x": 1.0, "y": 1.0}, seed=1)
    for failed in (60, 40):
        one = failing(whole, "y", list(range(failed)))
        ties = tied_on_each([one], Plan("bm25", "nDCG@10", resamples=999), [()])[0]
        assert "y" not in {*ties["x"], *ties["bm25"]}
        assert ties["y"] == ()


def test_verdicts_intervals_and_counts() -> None:
    """Better, worse, identical, withheld: with the n, the wins, and the queries only one of them has."""
    values = many(60, 0.0, 0.1, -0.1, 0.0)
    values["d"] = values["a"].copy()
    comparison_set = field_of(values)
    short = comparison_set.systems["b"].values
    missing = replace(short, query_ids=short.query_ids[:50], values=short.values[:50])
    comparison_set = replace(
        comparison_set,
        systems={**comparison_set.systems, "b": replace(comparison_set.systems["b"], values=missing)},
    )
    found = {one.contender: one for one in compare(comparison_set, PLAN)}
    assert {name: one.verdict for name, one in found.items()} == {
        "b": "undecided: failed queries",
        "c": "worse",
        "d": "identical",
    }
    assert (found["b"].n, found["b"].left_out, found["b"].wins) == (50, 10, 50)
    assert (found["d"].p, found["d"].effect, found["d"].ties) == (1.0, None, 60)
    assert found["c"].upper is not None
    assert found["c"].upper < 0
    assert (found["c"].detectable or 0) > 0
    assert [one.metric for one in explore(comparison_set, PLAN)] == ["RR"] * 3
    assert explore(comparison_set, PLAN)[0].difference == pytest.approx((found["b"].difference or 0) / 2)


def test_few_queries_carry_no_verdict() -> None:
    """Below thirty, whatever they say."""
    (one,) = compare(field_of(many(29, 0.0, 0.3)), PLAN)
    assert one.verdict == "too few queries"
    (none,) = compare(field_of({"a": np.empty(0), "b": np.empty(0)}), PLAN)
    assert (none.n, none.difference, none.p) == (0, None, None)


@pytest.mark.parametrize("correction", ["holm", "maxT"])
def test_more_contenders_make_each_finding_harder(correction: str) -> None:
    """The adjusted p grows with the family and is never below the p of its own."""
    plan = replace(PLAN, correction=correction)  # type: ignore[arg-type]
    few = compare(field_of(many(40, 0.0, 0.01)), plan)[0]
    lots = compare(field_of(many(40, 0.0, 0.01, 0.0, 0.0, 0.0)), plan)[0]
    assert few.p == few.p_adjusted
    assert (lots.p_adjusted or 0) > (few.p_adjusted or 1) - 1e-12


def test_who_is_tied_is_told_of_all_pairs_and_both_ways() -> None:
    """Best first, symmetric, and the far ones not tied."""
    tied = tied_with(field_of(many(60, 0.0, 0.2, 0.201, 0.4)), PLAN)
    assert list(tied) == ["d", "c", "b", "a"]
    assert tied["d"] == tied["a"] == ()
    assert (tied["b"], tied["c"]) == (("c",), ("b",))


def test_datasets_weigh_the_same() -> None:
    """The pooled difference is the mean of the datasets', however many queries each has."""
    comparison_sets = [field_of(many(40, 0.0, 0.1)), field_of(many(400, 0.0, 0.3))]
    (pooled,) = pool(comparison_sets, PLAN)
    means = [compare(comparison_set, PLAN)[0].difference or 0.0 for comparison_set in comparison_sets]
    assert pooled.difference == pytest.approx(np.mean(means))
    assert (pooled.n, pooled.verdict, pooled.dataset) == (440, "better", "mean of 2 datasets")
    assert pooled.lower is not None
    assert pooled.lower < pooled.difference < (pooled.upper or 0)  # type: ignore[operator]


def test_one_dataset_pooled_is_itself() -> None:
    """Interval and p are those of the dataset alone."""
    comparison_set = field_of(many(50, 0.0, 0.02))
    (alone,), (pooled,) = compare(comparison_set, PLAN), pool([comparison_set], PLAN)
    for name in ("difference", "lower", "upper", "p", "p_t"):
        assert getattr(pooled, name) == pytest.approx(getattr(alone, name))


def test_exploratory_p_values_are_those_of_each_pair_alone() -> None:
    """Pairs of the same queries are tested at once, with the signs that each would get alone."""
    found = noisy_set(60, 8, {"bm25": 0.0, "a": 0.3, "b": 0.6}, metrics=("nDCG@10", "RR@3", "AP"))
    plan = Plan("bm25", "nDCG@10", resamples=999, seed=3)
    rows = explore(found, plan)
    assert [(row.metric, row.contender) for row in rows] == [
        (metric, name) for metric in ("RR@3", "AP") for name in ("a", "b")
    ]
    for row in rows:
        differences = found.pair("bm25", row.contender, row.metric).differences[:, None]
        assert row.p == sign_flip(differences, plan.resamples, plan.seed).p[0]


def test_the_queries_that_moved_most() -> None:
    """The strongest first, none that did not move that way."""
    a = np.array([0.5, 0.5, 0.5, 0.5])
    comparison_set = field_of({"a": a, "b": a + np.array([-0.1, 0.0, 0.3, -0.2])})
    found = extremes(pair(comparison_set.systems["a"].values, comparison_set.systems["b"].values, "nDCG@3"))
    assert [row[0] for row in found["worst"]] == ["q3", "q0"]
    assert [row[0] for row in found["best"]] == ["q2"]


def judged_field(
    rows: dict[str, dict[str, list[str]]], grades: dict[str, dict[str, int]], **more: object
) -> ComparisonSet:
    """Return a field of runs given as lists; `=` before a document ties it with the one above."""
    qrels = Qrels(grades)
    systems = {}
    for name, lists in rows.items():
        flat: list[tuple[str, str, float]] = []
        for query_id, docs in lists.items():
            score = 100.0
            for doc in docs:
                score -= 0.0 if doc.startswith("=") else 1.0
                flat.append((query_id, doc.removeprefix("="), score))
        run = Run.from_rows(name, [f[0] for f in flat], [f[1] for f in flat], [f[2] for f in flat])
        systems[name] = System(name, run, evaluate(run, qrels, parse_metrics(METRICS)))
    return ComparisonSet("d", qrels, systems, **more)  # type: ignore[arg-type]


HOLES = judged_field(
    {
        "a": {"q1": ["r1", "u1", "n1"], "q2": ["n2", "r2", "u3"]},
        "b": {"q1": ["u2", "r1", "n1"], "q2": ["u4", "u5", "r2"]},
    },
    {"q1": {"r1": 1, "n1": 0}, "q2": {"r2": 1, "n2": 0}},
)


def test_judging_holes_are_counted_and_condensed() -> None:
    """Judged shares, who holds which hole alone, and the difference without unjudged documents."""
    found = sensitivity(HOLES, PLAN, "b")
    assert (found.judged_baseline, found.judged_contender) == (pytest.approx(4 / 6), pytest.approx(3 / 6))
    assert (found.unjudged_baseline_only, found.unjudged_contender_only, found.unjudged_both) == (2, 3, 0)
    # Condensed, b puts r1 and r2 first; a puts n2 before r2.
    assert found.condensed.estimate == pytest.approx((0 + (1 - 1 / np.log2(3))) / 2)


def test_the_tipping_point_is_what_trying_everything_finds() -> None:
    """No smaller set of the loser's unjudged documents turns the sign."""
    found = sensitivity(HOLES, PLAN, "b")
    holes = [("q1", "u2"), ("q2", "u4"), ("q2", "u5")]

    def turns(chosen: tuple[tuple[str, str], ...]) -> bool:
        grades = {
            q: {**docs, **{d: 1 for p, d in chosen if p == q}} for q, docs in HOLES.qrels.grades.items()
        }
        a, b = (
            evaluate(HOLES.systems[n].run, Qrels(grades), parse_metrics(["nDCG@3"])).values.mean()
            for n in "ab"
        )
        return bool(b >= a)

    fewest = next(k for k in range(1, 4) if any(turns(chosen) for chosen in itertools.combinations(holes, k)))
    assert (found.tipping, found.tipping_of) == (fewest, 3)


def test_ties_bound_the_difference() -> None:
    """Every way to break the ties of both runs lies between the two bounds, which are reached."""
    grades = {"q1": {"r": 1, "n": 0, "m": 0}, "q2": {"s": 2, "t": 1, "o": 0}}
    tied = judged_field({"a": {"q1": ["n", "=r", "m"], "q2": ["s", "t", "o"]},
                         "b": {"q1": ["m", "r", "n"], "q2": ["o", "=s", "=t"]}}, grades)  # fmt: skip
    found = sensitivity(tied, PLAN, "b")
    differences = []
    for first in itertools.permutations(["n", "r"]):
        for second in itertools.permutations(["o", "s", "t"]):
            one = judged_field({"a": {"q1": [*first, "m"], "q2": ["s", "t", "o"]},
                                "b": {"q1": ["m", "r", "n"], "q2": list(second)}}, grades)  # fmt: skip
            differences.append(compare(one, PLAN)[0].difference or 0.0)
    assert found.tied_low == pytest.approx(min(differences))
    assert found.tied_high == pytest.approx(max(differences))


def test_slices_divide_the_queries() -> None:
    """By length, by relevant documents, by the first stage's luck, by every field of the queries file."""
    queries = {
        q: Query(q, text, {"kind": kind}) for q, text, kind in (("q1", "one two", "x"), ("q2", "a " * 9, "y"))
    }
    comparison_set = replace(HOLES, queries=queries, first_stage=replace(HOLES.systems["a"].run, tag="bm25"))
    found = list(slices(comparison_set, PLAN, "b"))
    assert {one.by for one in found} == {"words in the query", "first relevant at rank of bm25", "kind"}
    assert {one.level for one in found if one.by == "kind"} == {"x", "y"}
    assert all(one.difference.n == 1 for one in found)
    for one in found:
        sides = one.contender_mean.estimate, one.baseline_mean.estimate
        assert one.difference.estimate == pytest.approx(sides[0] - sides[1])
    means = [one.contender_mean.estimate for one in found if one.by == "kind"]
    assert np.mean(means) == pytest.approx(comparison_set.systems["b"].values.of("nDCG@3").mean())


def test_beaten_is_only_who_is_worse_and_slower_beyond_doubt() -> None:
    """Without rounds there is no answer; with overlapping rounds nobody is beaten."""
    fast = dict(enumerate(np.log([0.010, 0.011, 0.010, 0.012, 0.010, 0.011])))
    slow = dict(enumerate(np.log([0.020, 0.021, 0.020, 0.022, 0.020, 0.021])))
    unsure = dict(enumerate(np.log([0.010, 0.030, 0.005, 0.040, 0.009, 0.011])))
    rounds = {"fast": fast, "slow": slow, "unsure": unsure}
    better_than = {"fast": [], "slow": ["fast", "unsure", "untimed"], "unsure": ["fast"], "untimed": ["fast"]}
    assert dominated_by(better_than, rounds, 0.95) == {
        "fast": [],
        "slow": ["fast"],
        "unsure": [],
        "untimed": None,
    }


def scored(n: int = 40, documents: int = 25) -> ScoredPairs:
    """Return pairs of which the new scores are an increasing function of the old ones."""
    rng = np.random.default_rng(3)
    before = rng.uniform(0, 1, n * documents)
    after = np.log(before / (1 - before))
    return ScoredPairs(
        np.repeat(np.arange(n), documents), before, after, before + rng.normal(0, 0.2, len(before)) > 0.8
    )


def test_a_threshold_goes_through_an_increasing_function() -> None:
    """If only the scale changed, the new threshold is the old one on the new scale, and nothing else is kept."""
    pairs = scored()
    assert score_drift(pairs).rank_correlation == pytest.approx(1.0)
    assert score_drift(pairs).apart
    for threshold in (0.3, 0.7, 0.9):
        found = carry_threshold(pairs, threshold)
        exact = np.log(threshold / (1 - threshold))
        for new in (found.same_kept, found.same_recall):
            assert new is not None
            assert new[1] <= new[0] <= new[2]
            assert new[0] == pytest.approx(exact, abs=0.25)
        assert found.same_kept[0] == pytest.approx(exact, abs=0.05)
        assert ((pairs.after >= found.same_kept[0]) == (pairs.before >= threshold)).all()
        assert found.kept_before == pytest.approx(float((pairs.before >= threshold).mean()))


def test_the_same_scores_keep_their_thresholds() -> None:
    """No drift, the same number kept, and the usual thresholds keep about what they say."""
    pairs = scored()
    same = replace(pairs, after=pairs.before)
    assert (score_drift(same).distance, score_drift(same).apart) == (0.0, False)
    for threshold, share in zip(usual_thresholds(same), (0.5, 0.2, 0.1), strict=True):
        assert carry_threshold(same, threshold).kept_before == pytest.approx(share, abs=0.01)
    everything, nothing = carry_threshold(same, -1.0), carry_threshold(same, 2.0)
    assert (same.after >= everything.same_kept[0]).all()
    assert not (same.after >= nothing.same_kept[0]).any()
