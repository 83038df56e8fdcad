"""Thresholds of small lists, beside what can be counted by hand; p-values beside their formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison import ComparisonSet, Plan, System
from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run
from evalkit.summaries.threshold_curves import Goal, find_threshold, read_goal
from evalkit.tuning import threshold_choice
from evalkit.tuning.threshold_choice import (
    ScoredLists,
    curves,
    fewest_queries,
    guaranteed_recall,
    hoeffding_bentkus,
    separation,
    short_number,
    thresholds_of,
)

LISTS = ScoredLists.of(
    (np.array([3.0, 2.0, 1.0]), np.array([2.5, 0.5]), np.array([1.5])),
    (np.array([True, False, True]), np.array([False, True]), np.array([False])),
)


def test_curves_count_what_is_kept() -> None:
    """Kept documents, precision, recall and F1 by hand; undefined is NaN and enters no mean."""
    found = curves(LISTS, np.array([0.5, 2.0, 9.0]))
    assert found.kept.tolist() == [[3, 2, 0], [2, 1, 0], [1, 0, 0]]
    assert found.precision[0, :2] == pytest.approx([2 / 3, 1 / 2])
    assert np.isnan(found.precision[:, 2]).all()
    assert found.recall[0].tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(found.recall[2]).all()
    assert found.losses == pytest.approx([0.0, 0.75, 1.0])
    assert found.precisions[:2] == pytest.approx([(2 / 3 + 1 / 2 + 0) / 3, (1 / 2 + 0) / 2])
    assert found.f1[0] == pytest.approx([2 * (2 / 3) / (5 / 3), 0.5, 0.0])
    assert thresholds_of(LISTS).tolist() == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert len(LISTS.with_relevant()) == 2


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.01, 0.5))
def test_p_values_are_those_of_the_paper(n: int, loss: float, alpha: float) -> None:
    """The smaller of Hoeffding's and Bentkus' bound, written out; it falls as the loss does."""
    low = min(loss, alpha)
    h1 = (low * math.log(low / alpha) if low else 0.0) + (1 - low) * math.log((1 - low) / (1 - alpha))
    tail = math.fsum(
        math.comb(n, k) * alpha**k * (1 - alpha) ** (n - k)
        for k in range(math.ceil(n * loss - 1e-9) + 1)
        if k <= n
    )
    expected = min(1.0, math.exp(-n * h1), math.e * tail)
    found = hoeffding_bentkus(np.array([loss, loss / 2]), n, alpha)
    assert found[0] == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert found[1] <= found[0] + 1e-12


def test_the_steps_upwards_end_at_the_first_that_does_not_pass() -> None:
    """A later threshold with a lower loss by chance is not taken."""
    losses = np.array([0.0, 0.01, 0.2, 0.0])
    assert guaranteed_recall(losses, 500, 0.9, 0.95) == 1


@pytest.mark.parametrize(
    ("target", "confidence", "n"),
    [(0.9, 0.9, 22), (0.95, 0.9, 45), (0.95, 0.95, 59), (0.99, 0.95, 299), (0.9, None, 9)],
)
def test_the_fewest_queries_are_those_of_the_theory(target: float, confidence: float | None, n: int) -> None:
    """ln(delta) / ln(1 - alpha), and 1 / alpha - 1 in expectation."""
    assert fewest_queries(target, confidence) == n


@given(st.floats(-1e6, 1e6, allow_subnormal=False), st.floats(1e-9, 1e3))
def test_a_short_number_keeps_the_same_documents(threshold: float, gap: float) -> None:
    """At most the threshold, above the score below it."""
    below = threshold - gap
    found = short_number(threshold, below)
    assert below < found <= threshold or found == threshold


def test_short_numbers_are_short() -> None:
    """As few digits as keep the scores apart."""
    assert short_number(-1.3749812, -1.39) == -1.38
    assert short_number(0.30000001, 0.2) == 0.3
    assert short_number(0.0, -np.inf) == 0.0


def test_separation_is_the_area_under_the_curve() -> None:
    """The share of pairs in the right order, ties half."""
    assert separation(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)
    assert separation(np.array([]), np.array([1.0])) is None


@pytest.mark.parametrize("text", ["recall>0.9", "recall>=1", "recall>=1.5", "f1", "", "precision>=x"])
def test_a_goal_that_is_none_is_told(text: str) -> None:
    """With the three that there are."""
    with pytest.raises(InputError, match="is not a valid target"):
        read_goal(text, 0.95)


def test_goals_are_read() -> None:
    """Target and kind of promise."""
    assert read_goal("recall >= .8", 0.9) == Goal("recall", 0.8, 0.9)
    assert read_goal("recall>=0.8", None).promise == "expected"
    assert read_goal("precision>=0.5", 0.9) == Goal("precision", 0.5, None)
    assert read_goal("max_f1", 0.9).promise == "none"


def field_of(queries: int, seed: int = 1) -> ComparisonSet:
    """Return queries with a relevant document that mostly scores high, and a few that nothing answers."""
    rng = np.random.default_rng(seed)
    rows, grades = [], {}
    for i in range(queries):
        answered = i % 10 != 0
        grades[f"q{i}"] = {"d0": int(answered)}
        rows += [
            (f"q{i}", f"d{d}", float(rng.normal(3.0 if d == 0 and answered else 0.0, 1.0))) for d in range(20)
        ]
    run = Run.from_rows("r", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    qrels = Qrels(grades)
    entry = System("r", run, evaluate(run, qrels, parse_metrics(["nDCG@10"])))
    return ComparisonSet("d", qrels, {"r": entry}, first_stage=run, depth=20)


PLAN = Plan(baseline="r", primary="nDCG@10", seed=3)


@pytest.mark.parametrize("goal", ["recall>=0.9", "precision>=0.7", "max_f1"])
def test_chosen_on_one_half_and_checked_on_the_other(goal: str) -> None:
    """Both figures are given; queries that nothing answers are counted apart."""
    found = find_threshold(field_of(300), "r", PLAN, read_goal(goal, 0.95))
    assert found.threshold is not None
    assert found.tuned.kept.n + found.held_out.kept.n == found.queries == 270
    assert found.unanswerable == 30
    assert found.false_accepts.n == 30
    assert found.separation > 0.8
    if goal.startswith("recall"):
        assert found.tuned.recall.estimate > 0.9
    if goal.startswith("precision"):
        assert found.tuned.precision.estimate >= 0.7
    kept = [row.kept for row in found.rows]
    assert kept == sorted(kept, reverse=True)
    assert [row.recall for row in found.rows] == sorted((row.recall for row in found.rows), reverse=True)


def test_what_cannot_be_promised_is_said() -> None:
    """Too few queries, a precision nobody reaches, nothing relevant at all."""
    few = find_threshold(field_of(30), "r", PLAN, read_goal("recall>=0.99", 0.95))
    assert few.threshold is None
    assert "at least 299 are required" in few.why_not
    high = find_threshold(field_of(60, seed=2), "r", PLAN, read_goal("precision>=0.9999", 0.95))
    assert high.threshold is not None or "is the most" in high.why_not
    comparison_set = field_of(40)
    none = ComparisonSet(
        "d",
        Qrels({q: {"gone": 1} for q in comparison_set.qrels.grades}),
        comparison_set.systems,
        first_stage=comparison_set.first_stage,
        depth=20,
    )
    assert find_threshold(none, "r", PLAN, Goal()).why_not == "no query has a relevant candidate"


@given(losses=st.lists(st.floats(0, 0.3), max_size=30), at_once=st.integers(1, 7))
def test_a_guarantee_does_not_depend_on_how_many_thresholds_are_tested_at_once(
    losses: list[float], at_once: int
) -> None:
    """It holds up to the first threshold at which a large loss is not rejected, whatever comes after."""
    ascending = np.sort(np.array(losses))
    passed = hoeffding_bentkus(ascending, 200, 0.1) <= 0.05
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threshold_choice, "_AT_ONCE", at_once)
        found = guaranteed_recall(ascending, 200, 0.9, 0.95)
    assert found == (np.flatnonzero(np.cumprod(passed))[-1] if passed[:1].any() else None)
