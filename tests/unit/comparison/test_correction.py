"""What a correction rests on: people's grades of a draw, and one judge's grades of all queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.corrected_worlds import DRAWN, IDS, PLAN, Grades, judge, people, world

from evalkit.comparison import ComparisonSet, compare, compare_all, explore, pool
from evalkit.comparison.corrected_pairs import (
    compared_pair,
    corrected_of,
    difference_of,
    in_part,
    unanswered_of,
    unrated_of,
)
from evalkit.comparison.correction import Correction
from evalkit.comparison.slices import slices
from evalkit.metrics import evaluate
from evalkit.records import DocumentTokens, Qrels, Run
from evalkit.stats import MeanError, SkewedMean, corrected_means, mean_error


def test_a_comparison_is_the_corrected_mean() -> None:
    """Difference, error, p-value and basis are those of the estimator, over the draw and all other queries."""
    found = world()
    (one,) = compare(found, PLAN)
    paired = compared_pair(found, "base", "new", "nDCG@3")
    assert paired.judged is not None
    side = paired.judged
    human = np.zeros((40, 1))
    human[side.averaged > 0, 0] = paired.differences
    wanted = corrected_means(human, side.differences[:, None], None, (side.averaged, side.has_judged))
    assert one.difference == pytest.approx(wanted.means[0])
    assert one.error == pytest.approx(wanted.errors[0])
    assert one.p == wanted.skewed(0).p_value()
    assert (one.p or 0) >= (one.p_t or 1)
    assert one.corrected is not None
    assert (one.corrected.judge, one.corrected.human, one.corrected.judged_only) == ("luna", 40, 80)
    assert one.contender_mean == pytest.approx((one.baseline_mean or 0) + (one.difference or 0))
    assert one.n == sum(any(people()[q].values()) for q in DRAWN)


def test_people_s_grades_of_other_queries_change_nothing() -> None:
    """Neither where people judged a query that was not drawn, nor in the values of the judge on drawn queries."""
    (one,) = compare(world(), PLAN)
    more = world(people() | {q: {"a": 3.0, "b": 0.0, "c": 0.0} for q in IDS[40:90]})
    correction = more.correction
    assert correction is not None
    more = replace(more, correction=replace(correction, people=correction.people.restricted_to(DRAWN)))
    (other,) = compare(more, PLAN)
    assert (other.difference, other.error) == (one.difference, one.error)


def test_a_query_without_a_relevant_document_is_in_no_mean() -> None:
    """Values are those of drawn queries that people found a relevant document for; the judge has its own."""
    paired = compared_pair(world(), "base", "new", "nDCG@3")
    answerable = [q for q in DRAWN if any(people()[q].values())]
    side = paired.judged
    assert side is not None
    assert paired.query_ids == tuple(answerable)
    assert [q for q, known in zip(DRAWN, side.averaged, strict=True) if known] == answerable
    assert [q for q, known in zip(IDS, side.has_judged, strict=True) if known] == [
        q for q in IDS if any(judge()[q].values())
    ]
    assert not side.differences[side.has_judged == 0].any()


def test_the_mean_of_corrected_differences_is_that_of_the_plain_comparison() -> None:
    """With a judge who says what people say, and a draw of all queries, both are over the same queries."""
    grades = people(queries=IDS)
    found = world(grades)
    correction = Correction("luna", tuple(IDS), (), Qrels(grades), Qrels(judge()))
    (one,) = compare(replace(found, correction=correction), PLAN)
    (plain,) = compare(replace(found, correction=None, judged_by="human"), PLAN)
    assert one.corrected is not None
    assert (one.n, one.error) == (plain.n, pytest.approx(plain.error))
    assert (one.difference, one.baseline_mean) == pytest.approx((plain.difference, plain.baseline_mean))


def test_a_draw_with_few_answerable_queries_is_too_few() -> None:
    """Of 60 drawn queries people find a relevant document for 12."""
    grades = {q: {"a": 0.0, "b": 3.0 * (n % 5 == 0), "c": 0.0} for n, q in enumerate(IDS[:60])}
    correction = Correction("luna", tuple(IDS[:60]), tuple(IDS[60:]), Qrels(grades), Qrels(judge()))
    (one,) = compare(replace(world(), correction=correction), PLAN)
    assert (one.n, one.verdict) == (12, "too few queries")


@pytest.mark.parametrize("lost", [("q3", "b"), ("q3", None)])
def test_an_incomplete_draw_withholds_the_verdict(lost: tuple[str, str | None]) -> None:
    """A skipped or half-judged query is not dropped."""
    query_id, doc_id = lost
    grades = people()
    grades[query_id] = {} if doc_id is None else {d: g for d, g in grades[query_id].items() if d != doc_id}
    found = world({q: docs for q, docs in grades.items() if docs})
    (one,) = compare(found, PLAN)
    assert (one.verdict, one.corrected) == ("undecided: human sample incomplete", None)
    assert len(unrated_of(found, ["base", "new"], "nDCG@3")) == (3 if doc_id is None else 1)


def without(grades: Grades, *lost: tuple[str, str]) -> Grades:
    """Return grades without some pairs; a query without any is left out."""
    kept = {q: {d: grade for d, grade in docs.items() if (q, d) not in lost} for q, docs in grades.items()}
    return {q: docs for q, docs in kept.items() if docs}


def with_failures(found: ComparisonSet, **failed: str) -> ComparisonSet:
    """Return a comparison set whose judge failed on documents: query id -> their letters."""
    assert found.correction is not None
    of_query = {q: frozenset(docs) for q, docs in failed.items()}
    return replace(found, correction=replace(found.correction, failed=of_query))


@pytest.mark.parametrize("query_id", ["q3", "q50"])
def test_a_judge_that_was_not_asked_for_a_document_corrects_nothing(query_id: str) -> None:
    """Its values could mean one thing for drawn queries and another one for the others: the verdict says so."""
    found = world(by_judge=without(judge(), (query_id, "b")))
    (one,) = compare(found, PLAN)
    assert (one.verdict, one.corrected) == ("undecided: judge incomplete", None)
    assert unanswered_of(found, ["base", "new"], "nDCG@3") == [(query_id, "b")]
    assert compare(world(), PLAN)[0].corrected is not None


@pytest.mark.parametrize("query_id", ["q3", "q50"])
def test_a_document_that_the_judge_failed_on_is_answered_and_unjudged(query_id: str) -> None:
    """One refused answer blocks no correction: the value of its query is that without the document."""
    grades = without(judge(), (query_id, "b"))
    found = with_failures(world(by_judge=grades), **{query_id: "b"})
    paired = compared_pair(found, "base", "new", "nDCG@3")
    assert paired.judged is not None
    row = paired.judged.query_ids.index(query_id)
    alone = evaluate(found.systems["new"].run, Qrels({query_id: grades[query_id]}), ["nDCG@3"])
    assert paired.judged.contender[row] == alone.by_query("nDCG@3").get(query_id, 0.0)
    (one,) = compare(found, PLAN)
    assert one.corrected is not None
    assert (one.corrected.human, one.corrected.judged_only, one.corrected.ungraded) == (40, 80, 0)


def test_a_query_without_any_grade_of_the_judge_is_counted_as_such() -> None:
    """It has the mean of the judge's values, is no query of the judge, and is named."""
    lost = [("q3", d) for d in "abc"] + [("q50", d) for d in "abc"]
    found = with_failures(world(by_judge=without(judge(), *lost)), q3="abc", q50="abc")
    paired = compared_pair(found, "base", "new", "nDCG@3")
    assert paired.judged is not None
    values = dict(zip(paired.judged.query_ids, paired.judged.baseline.tolist(), strict=True))
    mean = np.mean([value for q, value in values.items() if q not in {"q3", "q50"}])
    assert values["q3"] == values["q50"] == pytest.approx(mean)
    (one,) = compare(found, PLAN)
    assert one.corrected is not None
    assert (one.corrected.human, one.corrected.judged_only, one.corrected.ungraded) == (40, 79, 2)
    said = "no grade of the judge for 1 query of the human sample and for 1 other"
    assert f"corrected (40 human + 79 judge: luna; {said})" in one.corrected.text


def test_grades_outside_of_the_pool_change_nothing() -> None:
    """They depend on what the judge was sent before, such as the documents of other systems at some queries."""
    more = {q: docs | {"z": 3.0} if int(q[1:]) % 3 else docs for q, docs in judge().items()}
    (one,), (other,) = compare(world(), PLAN), compare(world(by_judge=more), PLAN)
    assert (one.difference, one.error) == (other.difference, other.error)


def test_what_a_metric_counts_has_to_be_judged() -> None:
    """To its cutoff, to its budget of tokens, or to the end of the lists."""
    docs = [f"d{rank}" for rank in range(12)]
    run = Run.from_rows("r", ["q"] * 12, docs, [-float(rank) for rank in range(12)])
    tokens = DocumentTokens("t", "0" * 64, dict.fromkeys(docs, 10))
    correction = Correction("luna", ("q",), (), *(Qrels({}, tokens=tokens) for _ in range(2)))
    for metric, count in (("nDCG@3", 3), ("nDCG", 12), ("AP", 12), ("RR", 12), ("nDCG@45t", 4)):
        assert list(correction.unrated([run], metric)) == [("q", d) for d in docs[:count]]
        assert list(correction.unanswered([run], metric)) == [("q", d) for d in docs[:count]]


def test_another_metric_that_is_not_corrected_has_no_p_value() -> None:
    """It would rest on a mixture of grades: people have not judged what it counts."""
    found = world(without(people(), *((q, "c") for q in DRAWN)))
    runs = {name: system.run for name, system in found.systems.items()}
    values = {name: evaluate(run, found.qrels, ["nDCG@2", "nDCG@1", "nDCG@3"]) for name, run in runs.items()}
    systems = {name: replace(one, values=values[name]) for name, one in found.systems.items()}
    found, plan = replace(found, systems=systems), replace(PLAN, primary="nDCG@2")
    assert compare(found, plan)[0].corrected is not None
    one, other = explore(found, plan)
    assert (one.metric, one.corrected is None, one.p is None) == ("nDCG@1", False, False)
    assert (other.metric, other.p, other.lower, other.upper) == ("nDCG@3", None, None, None)


def test_a_draw_of_few_queries_is_too_few() -> None:
    """However many queries the judge has judged."""
    found = world()
    correction = Correction(
        "luna", tuple(IDS[:29]), tuple(IDS[29:]), Qrels(people(queries=IDS[:29])), Qrels(judge())
    )
    (one,) = compare(replace(found, correction=correction), PLAN)
    assert one.verdict == "too few queries"


def test_a_system_without_scores_of_a_query_has_no_claim() -> None:
    """Its value there is unknown under every grade."""
    found = world(people() | {q: {"a": 0.0, "b": 3.0, "c": 0.0} for q in DRAWN[:36]})
    assert compare(found, PLAN)[0].verdict == "better"
    for query_id in ("q0", "q100"):
        lost = replace(found.systems["new"], unscored=(query_id,))
        (one,) = compare(replace(found, systems={**found.systems, "new": lost}), PLAN)
        assert one.undecided


def test_weaker_judgments_withhold_a_corrected_claim() -> None:
    """A set that is known as mixed has no claim, even with a correction."""
    found = world(people() | {q: {"a": 0.0, "b": 3.0, "c": 0.0} for q in DRAWN[:36]}, judged_by="mixed")
    assert compare(found, PLAN)[0].verdict == "undecided: mixed judgments"


def test_several_datasets_pool_corrected_errors() -> None:
    """The pooled difference is the mean of the corrected ones, its error that of both, and so is its skewness."""
    sets = [world(), replace(world(people(5), judge(6)), dataset="e")]
    compared = compare_all(sets, PLAN)
    (one,) = pool(sets, PLAN, compared)
    rows = [row for (row,) in compared]
    assert one.difference == pytest.approx(np.mean([row.difference for row in rows]))
    assert one.error == pytest.approx(np.sqrt(sum((row.error or 0) ** 2 for row in rows)) / 2)
    known = [corrected_of(compared_pair(one, "base", "new", "nDCG@3")) for one in sets]
    parts = [part.skewed(0) for part in known if part is not None]
    shares = np.array([part.found.error**2 for part in parts])
    degrees = shares.sum() ** 2 / (shares**2 / [part.found.degrees for part in parts]).sum()
    found = MeanError(one.difference or 0, one.error or 0, degrees, 80, 80)
    assert one.p == pytest.approx(SkewedMean(found, sum(part.third for part in parts) / 8).p_value())
    assert one.p_t is not None
    assert one.p > one.p_t
    assert one.corrected is not None
    assert one.corrected.judged_only == 160


def test_slices_are_corrected_by_their_own_queries() -> None:
    """Each slice has its drawn queries and the judge's queries of the same slice."""
    found = world()
    rows = {row.level: row for row in slices(found, PLAN, "new") if row.by == "half"}
    paired = compared_pair(found, "base", "new", "nDCG@3")
    part = in_part(paired, [q for q in IDS if int(q[1:]) % 2])
    wanted = difference_of(part)
    assert wanted is not None
    assert part.judged is not None
    assert (len(part.judged.averaged), len(part.judged.query_ids)) == (20, 60)
    assert len(part.query_ids) == part.judged.averaged.sum()
    assert rows["1"].difference.estimate == pytest.approx(wanted.mean)


def test_without_a_judge_a_pair_is_that_of_people() -> None:
    """The mean of the differences with its usual error."""
    found = replace(world(), judged_by="human", correction=None)
    paired = compared_pair(found, "base", "new", "nDCG@3")
    assert corrected_of(paired) is None
    assert difference_of(paired) == mean_error(paired.differences, paired.clusters)
