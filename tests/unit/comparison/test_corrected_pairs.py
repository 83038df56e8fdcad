"""What follows from a correction: looks, missing queries, needed queries, families, and what the report says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit
from support.corrected_worlds import DRAWN, IDS, PLAN, certain, judge, lacking, people, world

from evalkit.comparison import compare, compare_all, explore, order_systems, pool
from evalkit.comparison.comparison_set import Paired
from evalkit.comparison.contenders import difference_interval
from evalkit.comparison.corrected_pairs import (
    compared_pair,
    corrected_basis,
    corrected_of,
    correction_plan,
    of_people,
)
from evalkit.comparison.correction import Correction, JudgedSide
from evalkit.comparison.families import family_p_values
from evalkit.comparison.slices import slices
from evalkit.metrics import evaluate
from evalkit.records import DocumentTokens, JudgedBy, Qrels, Run
from evalkit.report.comparison import comparison_tables
from evalkit.summaries.comparisons import compare_sets

Values = NDArray[np.float64]


@pytest.mark.parametrize("enlarged", [1, 3])
def test_each_enlargement_after_judging_halves_the_level(enlarged: int) -> None:
    """p, p-values of the family, intervals, detectable difference and their text are those of the stricter test."""
    base, looked = world(), world()
    assert looked.correction is not None
    looked = replace(looked, correction=replace(looked.correction, enlarged=enlarged))
    (one,), (other,) = compare(base, PLAN), compare(looked, PLAN)
    assert None not in (one.p, one.lower, one.joint_upper, one.detectable)
    assert other.p == min(1.0, (one.p or 0) * 2**enlarged)
    assert other.p_t == min(1.0, (one.p_t or 0) * 2**enlarged)
    assert other.p_adjusted == other.p
    assert other.difference == one.difference
    strict = replace(PLAN, confidence=1 - 0.05 / 2**enlarged)
    (wanted,) = compare(base, strict)
    assert (other.lower, other.upper) == pytest.approx((wanted.lower, wanted.upper))
    assert (other.joint_lower, other.joint_upper) == pytest.approx((wanted.joint_lower, wanted.joint_upper))
    assert other.detectable == pytest.approx(wanted.detectable)
    assert other.corrected is not None
    assert f"tested at 1/{2**enlarged} of the level" in other.corrected.text
    assert other.corrected.enlarged == enlarged
    (row,), (strict_row,) = ([s for s in slices(found, plan, "new") if (s.by, s.level) == ("half", "0")]
                             for found, plan in ((looked, PLAN), (base, strict)))  # fmt: skip
    assert row.difference.upper == pytest.approx(strict_row.difference.upper)


def test_looks_at_several_datasets_add_up() -> None:
    """The pooled mean was looked at whenever one of the draws was enlarged, so that its level is halved each time."""
    sets = [world(dataset=name) for name in ("d", "e")]
    looked = [
        replace(one, correction=replace(one.correction, enlarged=n))
        for n, one in enumerate(sets, start=1)
        if one.correction is not None
    ]
    (one,), (other,) = pool(sets, PLAN), pool(looked, PLAN)
    (wanted,) = pool(sets, replace(PLAN, confidence=1 - 0.05 / 8))
    assert other.p == min(1.0, (one.p or 0) * 8)
    assert (other.lower, other.upper) == pytest.approx((wanted.lower, wanted.upper))
    assert other.corrected is not None
    assert other.corrected.enlarged == 3


def test_both_sides_of_a_gate_looked_equally_often() -> None:
    """Corrections of one draw that were enlarged differently are not the same."""
    correction = world().correction
    assert correction is not None
    assert correction.draw == replace(correction).draw
    assert correction.draw != replace(correction, enlarged=1).draw
    assert correction.draw != replace(correction, failed={"q1": frozenset("a")}).draw


@pytest.mark.parametrize("query_id", ["q1", "q100"])
def test_a_corrected_claim_does_not_rest_on_a_missing_query(query_id: str) -> None:
    """However clear the difference of all grades together is: that is a mixture, which supports no claim."""
    assert compare(certain(), PLAN)[0].verdict == "better"
    (one,) = compare(lacking(certain(), query_id), PLAN)
    assert one.corrected is not None
    assert one.verdict == "undecided: missing queries"
    assert compare(lacking(certain(), query_id, stated=True), PLAN)[0].verdict == "better"


def test_a_corrected_claim_on_another_metric_does_not_rest_on_a_missing_query() -> None:
    """It has neither an interval nor a p-value."""
    found = certain()
    systems = {
        name: replace(one, values=evaluate(one.run, found.qrels, ["nDCG@3", "RR@3"]))
        for name, one in found.systems.items()
    }
    (whole,) = explore(replace(found, systems=systems), PLAN)
    assert whole.p is not None
    (one,) = explore(lacking(replace(found, systems=systems), "q1"), PLAN)
    assert (one.p, one.lower) == (None, None)


def test_queries_needed_are_those_that_people_judge() -> None:
    """Of the queries that the judge graded; None where all of them do not suffice."""
    found = world(people() | {q: {"a": 1.0, "b": 1.0, "c": 0.0} for q in DRAWN[:30]})
    paired = compared_pair(found, "base", "new", "nDCG@3")
    means = corrected_of(paired)
    assert means is not None
    plan = correction_plan(paired, means)
    assert plan is not None
    assert plan.queries == len(Qrels(judge()).answerable)
    assert means.averaged == len(paired.query_ids)
    assert plan.half_width(means.averaged) == pytest.approx(
        means.of(0).error * stdtrit(means.averaged - 1, 0.975)
    )
    narrowest = plan.half_width(plan.queries)
    for margin in (0.5 * narrowest, 3 * narrowest):
        (one,) = compare(found, replace(PLAN, margin=margin))
        answerable = plan.human_for_power(margin, sides=1)
        drawn = None if answerable is None else math.ceil(answerable * means.n / means.averaged)
        assert one.needed == drawn
    assert compare(found, replace(PLAN, margin=0.1 * narrowest))[0].needed is None


def test_systems_are_ordered_by_corrected_means_and_differences() -> None:
    """A tie, and a better system, are those of the corrected difference; without people's grades nothing is known."""
    found = certain()
    ordered = order_systems(found, PLAN)
    assert ordered.better == {"base": ("new",), "new": ()}
    assert next(iter(ordered.tied)) == "new"
    twins = replace(found, systems={**found.systems, "twin": replace(found.systems["new"], name="twin")})
    assert order_systems(twins, PLAN).tied["twin"] == ("new",)
    for lost in (replace(found, judged_by="mixed", correction=None), lacking(found, "q1")):
        nothing = order_systems(lost, PLAN)
        assert set(nothing.better.values()) | set(nothing.tied.values()) == {()}


def test_a_family_of_corrected_and_human_datasets_is_one() -> None:
    """Holm's correction covers Student's p-values and those of sign flips together, also where maxT is chosen."""
    people_only = replace(world(people(3, IDS)), dataset="e", judged_by="human", correction=None)
    for correction in ("holm", "maxT"):
        plan = replace(PLAN, correction=correction)  # type: ignore[arg-type]
        rows = [row for (row,) in compare_all([certain(), people_only], plan)]
        low, high = sorted(rows, key=lambda row: row.p or 0)
        assert low.p_adjusted == pytest.approx(min(1.0, 2 * (low.p or 0)))
        if correction == "holm":
            assert high.p_adjusted == pytest.approx(max(high.p or 0, low.p_adjusted or 0))


def test_a_pooled_claim_needs_people_s_grades_of_each_dataset() -> None:
    """A dataset with too few drawn queries, whose draw is not complete, supports no claim of the others."""
    part = certain()
    drawn = Correction("luna", tuple(IDS[:20]), tuple(IDS[20:]), Qrels({}), Qrels(judge()))
    few = {q: part.qrels.grades[q] for q in IDS[1:29] if int(q[1:]) % 7}
    small = replace(part, dataset="e", correction=drawn, qrels=Qrels(few), systems={
        name: replace(one, values=evaluate(one.run, Qrels(few), ["nDCG@3"])) for name, one in part.systems.items()
    })  # fmt: skip
    compared = compare_all([part, small], PLAN)
    assert compared[1][0].verdict == "too few queries"
    (one,) = pool([part, small], PLAN, compared)
    assert one.verdict == "undecided: mixed judgments"


def test_what_people_left_unjudged_is_that_of_their_draw() -> None:
    """The sensitivity to unjudged documents counts neither the judge's grades nor other queries."""
    found = of_people(certain(), "nDCG@3")
    assert set(found.qrels.grades) == set(DRAWN)
    assert {q for one in found.systems.values() for q in one.values.query_ids} <= set(DRAWN)


def test_a_budget_of_tokens_is_that_of_the_dataset() -> None:
    """A document that does not fit the budget counts for neither kind of grades."""
    found, metric, means = certain(), "nDCG@3t", []
    for length in (1, 5):
        tokens, grades = DocumentTokens("t", "sha", {"a": 1, "b": length, "c": 1}), found.correction
        assert grades is not None
        people_s, judge_s = (one.with_tokens(tokens) for one in (grades.people, grades.judged))
        counted = replace(found, correction=replace(grades, people=people_s, judged=judge_s))
        paired = compared_pair(counted, "base", "new", metric)
        assert paired.judged is not None
        means.append(paired.differences.mean())
    assert means[0] > means[1]


def test_the_report_says_which_correction_was_made() -> None:
    """MaxT has no form for several corrected contenders: Holm's correction takes its place, and is named."""
    found = certain()
    twins = replace(found, systems={**found.systems, "twin": replace(found.systems["new"], name="twin")})
    for one, words in ((found, "with the maxT correction"), (twins, "with Holm's correction (maxT needs")):
        (table,) = comparison_tables(compare_sets([one], replace(PLAN, correction="maxT")))
        assert words in table.note


def test_a_metric_without_a_cutoff_needs_whole_lists() -> None:
    """A metric without a cutoff counts ranks that people did not judge; the judge's grades of them settle nothing."""
    rows = [(q, d, -float(rank)) for q in IDS for rank, d in enumerate(["b", "a", *map(str, range(30))])]
    longer = Run.from_rows("new", *map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]
    zeros = dict.fromkeys(map(str, range(30)), 0.0)
    human = people() | {q: {"a": 0.0, "b": 3.0, "c": 0.0} for q in DRAWN[:36]}
    human = {q: docs | dict.fromkeys(map(str, range(8)), 0.0) for q, docs in human.items()}
    found = world(human, {q: docs | zeros for q, docs in judge().items()})
    systems = {
        name: replace(one, run=run, values=evaluate(run, found.qrels, ["nDCG"]))
        for name, one, run in (
            ("base", found.systems["base"], found.systems["base"].run),
            ("new", found.systems["new"], longer),
        )
    }
    plan = replace(PLAN, primary="nDCG")
    (entry,) = compare_sets([replace(found, systems=systems)], plan).datasets
    assert entry.comparisons[0].corrected is None
    assert entry.comparisons[0].verdict == "undecided: human sample incomplete"
    assert entry.to_rate is not None
    assert entry.to_rate.documents == 22 * len(DRAWN)


def values(differences: Values, judged: Values) -> tuple[Paired, Paired]:
    """Return a pair of drawn queries with a judge's differences of all queries, and the same without the judge."""
    n, ids = len(differences), tuple(f"q{row}" for row in range(len(judged)))
    side = JudgedSide("luna", ids, np.zeros(len(judged)), judged, np.ones(n), np.ones(len(judged)))
    alone = Paired(ids[:n], np.full(n, 0.25), 0.25 + differences, 0)
    return replace(alone, judged=side), alone


@pytest.mark.parametrize("differing", [4, 5, 6, 35])
@pytest.mark.parametrize("size", [0.5, 0.4, 0.1])
def test_a_judge_without_weight_changes_neither_p_nor_interval(differing: int, size: float) -> None:
    """Equal gains, at few queries or at all: both are those of people alone, and the basis says so."""
    judged = np.random.default_rng(differing).normal(0, 0.1, 120)
    with_judge, alone = values(np.where(np.arange(35) < differing, size, 0.0), judged)
    assert family_p_values([[with_judge]], PLAN) == family_p_values([[alone]], PLAN)
    assert difference_interval(with_judge, 0.95) == difference_interval(alone, 0.95)
    found = corrected_of(with_judge)
    assert found is not None
    assert found.weights[0] == 0
    basis = corrected_basis(with_judge, found)
    assert basis.too_rarely_wrong or "people's grades alone, as the judge's have no weight" in basis.text


def test_differences_of_rounding_are_none() -> None:
    """One step between two numbers of each pair is no difference, with a judge and without."""
    base = np.random.default_rng(0).uniform(0.1, 1, 35)
    with_judge, alone = values(np.zeros(35), np.random.default_rng(1).normal(0, 0.1, 120))
    for one in (with_judge, alone):
        near = replace(one, baseline=base, contender=base + np.spacing(base))
        assert not near.differences.any()
        assert family_p_values([[near]], PLAN)[0][0][0] == 1


@pytest.mark.parametrize("seed", range(30))
def test_a_verdict_of_a_used_judge_agrees_with_its_interval(seed: int) -> None:
    """A difference is significant just where 0 is outside of the interval."""
    rng = np.random.default_rng(seed)
    truth = np.exp(rng.normal(0, 1, 140)) / 10 - 0.1
    judged = truth + rng.normal(0, 0.05, 140)
    paired, _ = values(truth[:40], judged)
    shown = difference_interval(paired, 0.95)
    ((p, _),) = family_p_values([[paired]], PLAN)[0]
    assert (p <= 0.05) == (not (shown.lower or 0) <= 0 <= (shown.upper or 0))


@pytest.mark.parametrize(("query_id", "verdict"), [(None, "identical"), ("q100", "not told apart")])
def test_equal_values_of_a_judge_do_not_make_different_lists_identical(
    query_id: str | None, verdict: str
) -> None:
    """People may tell two lists apart that the judge values alike, at a query that they have not judged."""
    alike = {q: {"a": 1.0, "b": 1.0, "c": 1.0} for q in IDS}
    found = world(by_judge=alike)
    rows = [(q, doc, -float(rank)) for q in IDS for rank, doc in enumerate("bac" if q == query_id else "abc")]
    run = Run.from_rows("new", *map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]
    new = replace(found.systems["new"], run=run, values=evaluate(run, found.qrels, ["nDCG@3"]))
    (one,) = compare(replace(found, systems=found.systems | {"new": new}), PLAN)
    assert one.corrected is not None
    assert (one.difference, one.verdict) == (0.0, verdict)


@pytest.mark.parametrize("judged_by", ["human", "mixed", "judge only"])
def test_a_pooled_mean_counts_only_queries_of_people_as_human(judged_by: JudgedBy) -> None:
    """With a dataset that models judged and nothing corrects, it has no verdict and is not called corrected."""
    sets = [world(dataset="d"), world(dataset="e", correction=None, judged_by=judged_by)]
    (one,) = pool(sets, PLAN, compare_all(sets, PLAN))
    assert (one.corrected is not None) == (judged_by == "human")
    assert one.undecided == (judged_by != "human")


def test_a_pooled_mean_says_that_no_judge_was_used_only_if_none_was() -> None:
    """A judge that is used on one of two datasets is not called unused."""
    unused = world(by_judge=people(queries=IDS))
    sets = [world(dataset="d"), replace(unused, dataset="e")]
    of_datasets = [row.corrected for (row,) in compare_all(sets, PLAN)]
    assert [basis is not None and basis.too_rarely_wrong for basis in of_datasets] == [False, True]
    for chosen, said in ((sets, False), (sets[1:] * 2, True)):
        (one,) = pool(chosen, PLAN)
        assert one.corrected is not None
        assert ("on people's grades alone" in one.corrected.text) == said
