"""What settings rest on where a judge graded all queries and people a random draw of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from support.documents import summary
from support.systems import noisy_set

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.correction import Correction
from evalkit.records import Qrels
from evalkit.report.depth import depth_line, depth_lines, depth_table
from evalkit.report.thresholds import threshold_line
from evalkit.results.tuning_document import DepthSweep
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.depth_basis import DepthBasis, depth_basis
from evalkit.summaries.depth_sweep import DepthQuestion, sweep
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.summaries.tuning_labels import candidate_labels, depth_labels, people_labels, people_of
from evalkit.tuning.depth_values import DepthValues

PLAN = Plan("bm25", "nDCG@3", seed=1)
QUESTION = DepthQuestion("nDCG@3", 0.05)
DEPTH, DRAWN, UNANSWERABLE = 8, 170, 30
Grades = Mapping[str, Mapping[str, float]]


def corrected_set(enlarged: int = 0) -> ComparisonSet:
    """Return a reranker with the grades of people for a draw, and of a judge that errs for all; some have nothing."""
    known = noisy_set(300, DEPTH, {"bm25": 0.5, "r": 4.0}, seed=4, unanswerable=UNANSWERABLE)
    order = np.random.default_rng(2).permutation(list(known.qrels.grades)).tolist()
    truth = {q: {f"d{d}": 0.0 for d in range(DEPTH)} | {"d0": float(known.qrels.of(q)["d0"])} for q in order}
    people = {query_id: truth[query_id] for query_id in order[:DRAWN]}
    judged = {q: docs | ({"d1": 2.0} if int(q[1:]) % 4 == 0 else {}) for q, docs in truth.items()}
    correction = Correction(
        "luna", tuple(order[:DRAWN]), tuple(order[DRAWN:]), Qrels(people), Qrels(judged), enlarged=enlarged
    )
    return replace(known, qrels=Qrels(judged), judged_by="corrected", correction=correction)


def with_judge(one: ComparisonSet, grades: Grades, failed: Mapping[str, frozenset[str]]) -> ComparisonSet:
    """Return the dataset with other grades of the judge, and its failures."""
    assert one.correction is not None
    return replace(one, correction=replace(one.correction, judged=Qrels(grades), failed=failed))


def basis_of(one: ComparisonSet) -> DepthBasis:
    """Return what a depth is chosen on."""
    return depth_basis(depth_labels(one, "r", "nDCG@3"), "r", "nDCG@3", PLAN, np.empty(0))


def swept(one: ComparisonSet, question: DepthQuestion = QUESTION) -> DepthSweep:
    """Return every depth."""
    return sweep(one, "r", PLAN, summary(), question)


def test_means_are_over_queries_in_which_people_found_a_relevant_document() -> None:
    """Numbers of queries are those, in the sweep and in each half; the basis names all that people judged."""
    one = corrected_set()
    assert one.correction is not None
    found, answerable = swept(one), len(one.correction.people.answerable)
    assert answerable < DRAWN
    assert found.queries == found.first_stage.n == found.rows[0].to_deepest.n == answerable
    assert found.corrected is not None
    assert (found.corrected.human, found.corrected.judged_only) == (DRAWN, 300 - DRAWN)
    choice = found.choice
    assert choice.held_out is not None
    assert choice.tuned is not None
    assert choice.held_out.n + choice.tuned.n == answerable
    alone = sweep(people_of(one, one.correction), "r", PLAN, summary(), QUESTION)
    for mine, plain in zip(found.rows, alone.rows, strict=True):
        assert mine.mean.estimate == pytest.approx(plain.mean.estimate, abs=0.06)


def test_only_the_judge_s_grades_that_some_depth_counts_take_part() -> None:
    """Grades of documents outside the pool depend on what else was judged: they change no value."""
    one = corrected_set()
    assert one.correction is not None
    judged = one.correction.judged.grades
    more = {
        q: {**docs, **dict.fromkeys(("x", "y"), 3.0)} if int(q[1:]) % 2 else docs
        for q, docs in judged.items()
    }
    first, second = basis_of(one).judged, basis_of(with_judge(one, more, {})).judged
    assert first is not None
    assert second is not None
    assert np.array_equal(first.values, second.values)


def test_a_query_that_the_judge_failed_on_has_the_mean() -> None:
    """It is named as without a grade, and is no query of the judge."""
    one = corrected_set()
    assert one.correction is not None
    lost = (one.correction.drawn[3], one.correction.others[5])
    kept = {q: docs for q, docs in one.correction.judged.grades.items() if q not in lost}
    all_docs = frozenset(f"d{d}" for d in range(DEPTH))
    failing = with_judge(one, kept, dict.fromkeys(lost, all_docs))
    judged = basis_of(failing).judged
    assert judged is not None
    assert judged.ungraded is not None
    rows = np.flatnonzero(judged.ungraded)
    assert rows.tolist() == [3, DRAWN + 5]
    assert judged.values[rows] == pytest.approx(
        np.tile(judged.values[~judged.ungraded].mean(axis=0), (2, 1)), abs=1e-12
    )
    corrected = swept(failing).corrected
    assert corrected is not None
    assert (corrected.ungraded, corrected.judged_only) == (2, 300 - DRAWN - 1)


def test_an_enlarged_draw_halves_the_level_of_a_depth() -> None:
    """Tests and intervals, and what is said of them; three enlargements make it an eighth."""
    once, twice = swept(corrected_set()), swept(corrected_set(enlarged=1))
    for before, after in zip(once.rows[:-1], twice.rows[:-1], strict=True):
        assert (before.to_deepest.confidence, after.to_deepest.confidence) == (0.95, 0.975)
    assert "tested at 1/2 of the level" in depth_line(twice)
    assert "with 95 % intervals" in depth_table(once).note
    assert "with 97.5 % intervals" in depth_table(twice).note
    wide = DepthQuestion("nDCG@3", 0.4)
    assert "(90 % CI)" in " ".join(depth_lines(swept(corrected_set(), wide)))
    assert "(95 % CI)" in " ".join(depth_lines(swept(corrected_set(enlarged=1), wide)))
    basis = basis_of(corrected_set(enlarged=1))
    every = DepthValues.of(basis.values, basis.clusters, basis.judged)
    for enlarged, level in ((1, 0.025), (3, 0.00625)):
        again = replace(every, enlarged=enlarged)
        assert again.loss(2, DEPTH, 0.05, 0.05) == replace(every, enlarged=0).loss(2, DEPTH, 0.05, level)


def test_an_enlarged_draw_halves_the_error_of_a_guarantee_and_carries_nothing_else() -> None:
    """A threshold says its confidence; an expected recall, a probability and a best F1 have none to lower."""
    one = corrected_set(enlarged=1)
    found, usual = find_threshold(one, "r", PLAN, Goal()), find_threshold(corrected_set(), "r", PLAN, Goal())
    assert (found.goal.confidence, usual.goal.confidence, found.enlarged) == (0.975, 0.95, 1)
    assert found.threshold is not None
    assert usual.threshold is not None
    assert found.threshold <= usual.threshold
    assert found.held_out is not None
    assert found.held_out.recall.confidence == 0.975
    assert "With 97.5 % confidence" in threshold_line(found)
    assert "enlarged once after people had judged: tested at 1/2 of the level" in threshold_line(found)
    for goal in (Goal("recall", 0.9, None), Goal("f1", None, None)):
        assert "the draw was enlarged once" in (find_threshold(one, "r", PLAN, goal).why_not or "")
    assert "the draw was enlarged once" in (calibrate(one, "r", "unbounded", PLAN).why_not or "")


def test_a_threshold_is_that_of_people_alone() -> None:
    """Where they judged every candidate of the draw, no grade of the judge takes part."""
    one = corrected_set()
    assert one.correction is not None
    found = find_threshold(one, "r", PLAN, Goal())
    alone = find_threshold(people_of(one, one.correction), "r", PLAN, Goal())
    assert replace(found, rests_on=None) == alone


def test_an_incomplete_draw_is_named_with_its_command() -> None:
    """People first, then the judge."""
    one = corrected_set()
    assert one.correction is not None
    people = {q: dict(docs) for q, docs in one.correction.people.grades.items()}
    for query_id in one.correction.drawn[:2]:
        del people[query_id]["d0"]
    half = replace(one, correction=replace(one.correction, people=Qrels(people)))
    why = swept(half).choice.why_not or ""
    assert why.startswith("undecided: human sample incomplete: people have not judged")
    assert "2 documents of 2 queries" in why
    assert "evalkit judge rate CONFIG --for depth" in why
    (last,) = one.correction.others[-1:]
    judged = {q: docs for q, docs in one.correction.judged.grades.items() if q != last}
    unasked = with_judge(half, judged, {})
    assert unasked.correction is not None
    complete = replace(unasked, correction=replace(unasked.correction, people=one.correction.people))
    assert swept(complete).rests_on is not None
    enlarged = replace(
        complete, correction=replace(unasked.correction, people=one.correction.people, enlarged=1)
    )
    assert (swept(enlarged).choice.why_not or "").startswith(
        "undecided: judge incomplete: luna has not been asked"
    )


@pytest.mark.parametrize("judged_by", ["mixed", "judge only"])
def test_why_a_correction_is_withheld_is_said(judged_by: str) -> None:
    """The reason follows the indication, for a depth, a threshold and a probability."""
    text = "People had judged 3 documents when the queries were drawn. Count people's judgments alone."
    one = replace(corrected_set(), judged_by=judged_by, correction=None, withheld=text)  # type: ignore[arg-type]
    for found in (
        swept(one).choice.why_not,
        find_threshold(one, "r", PLAN, Goal()).why_not,
        calibrate(one, "r", "unbounded", PLAN).why_not,
    ):
        assert text.removesuffix(".") in (found or "")
        assert "(indication)" in (found or "")


def rated_set(unjudged: int) -> ComparisonSet:
    """Return a reranker with people's grades of all candidates, in lines of their own, but for some documents."""
    known = noisy_set(300, DEPTH, {"bm25": 0.5, "r": 4.0}, seed=4)
    grades = {
        q: {f"d{d}": float(known.qrels.of(q).get(f"d{d}", 0)) for d in range(DEPTH)}
        for q in known.qrels.grades
    }
    for query_id in list(grades)[:unjudged]:
        del grades[query_id][f"d{DEPTH - 1}"]
    return replace(known, qrels=Qrels(grades), from_records=True)


def test_a_guarantee_on_records_needs_people_s_grades_of_every_candidate() -> None:
    """One missing grade withholds it, with the numbers and the command; complete grades have the usual threshold."""
    one, complete = rated_set(unjudged=1), rated_set(unjudged=0)
    asked = 300 * DEPTH
    why = (
        f"people have judged {asked - 1:,} of {asked:,} candidates of the 300 judged queries (evalkit judge rate CONFIG"
        " --for threshold)"
    )
    assert people_labels(one, DEPTH).why_not == candidate_labels(one, DEPTH).why_not == why
    for goal in (Goal(), Goal("recall", 0.9, None), Goal("f1", None, None)):
        found = find_threshold(one, "r", PLAN, goal)
        assert found.threshold is None
        assert (found.why_not or "").startswith(why)
        assert "confidence it keeps" not in threshold_line(found)
    assert calibrate(one, "r", "unbounded", PLAN).why_not == why
    usual = replace(complete, from_records=False)
    assert find_threshold(complete, "r", PLAN, Goal()) == find_threshold(usual, "r", PLAN, Goal())
    assert find_threshold(complete, "r", PLAN, Goal()).threshold is not None


def test_candidates_below_the_depth_need_no_grades() -> None:
    """Recall is relative to the candidates that a threshold is applied to."""
    one = rated_set(unjudged=0)
    assert one.first_stage is not None
    last = {q: one.first_stage.docs(q)[-1] for q in one.qrels.grades}
    judged = {q: {d: docs[d] for d in docs if d != last[q]} for q, docs in one.qrels.grades.items()}
    above = replace(one, qrels=Qrels(judged))
    assert people_labels(above, DEPTH - 1).why_not is None
    assert people_labels(above, DEPTH).why_not is not None


def test_files_of_qrels_count_as_they_are() -> None:
    """Their unjudged documents are not relevant: nothing says which ones people saw."""
    one = replace(rated_set(unjudged=300), from_records=False)
    assert people_labels(one, DEPTH).why_not is None
    assert find_threshold(one, "r", PLAN, Goal()).threshold is not None


@pytest.mark.parametrize("judged_by", ["mixed", "judge only"])
def test_a_draw_without_grades_of_people_has_its_command(judged_by: str) -> None:
    """The reason says what people judge for a depth and for a threshold; without a draw it names no command."""
    one = replace(corrected_set(), judged_by=judged_by, correction=None, to_decide=DRAWN)  # type: ignore[arg-type]
    decide = f"people's grades of the {DRAWN} drawn queries decide (evalkit judge rate CONFIG --for"
    assert f"{decide} depth)" in (swept(one).choice.why_not or "")
    assert f"{decide} threshold)" in (find_threshold(one, "r", PLAN, Goal()).why_not or "")
    assert "evalkit" not in (people_labels(replace(one, to_decide=0), DEPTH).why_not or "")
