"""Thresholds of a result: counted again document by document, their goals, and edge cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.systems import noisy_set, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Query
from evalkit.results.tuning_document import ThresholdChoice, ThresholdFigures
from evalkit.stats import bounded_interval, mean_interval
from evalkit.summaries.threshold_curves import CUT_SHARES, Goal, find_threshold, read_goal
from evalkit.tuning import split_queries

PLAN = Plan("bm25", "nDCG@10", seed=3)
LIFTS = {"bm25": 0.5, "r": 3.0}
NOISY = noisy_set(200, 12, LIFTS, seed=6, unanswerable=20)
GOALS = [Goal(), Goal(confidence=None), Goal("precision", 0.6, None), Goal("f1", None, None)]


def halves(comparison_set: ComparisonSet, seed: int = 3) -> tuple[list[str], list[str]]:
    """Return the answerable queries of each half."""
    ids = comparison_set.qrels.answerable
    split = split_queries(len(ids), seed)
    return [ids[i] for i in split.tuning], [ids[i] for i in split.held_out]


def counted(
    comparison_set: ComparisonSet, query_ids: list[str], threshold: float
) -> Mapping[str, list[float]]:
    """Return each figure of each query, counted with sets of documents; undefined ones are left out."""
    run = comparison_set.systems["r"].run
    lists = {q: dict(zip(docs, scores.tolist(), strict=True)) for q, docs, scores in run}
    figures: dict[str, list[float]] = {name: [] for name in ("recall", "precision", "f1", "kept", "empty")}
    for query_id in query_ids:
        scores = lists[query_id]
        grades = comparison_set.qrels.of(query_id)
        kept = {doc_id for doc_id, score in scores.items() if score >= threshold}
        relevant = {doc_id for doc_id in scores if grades.get(doc_id, 0) > 0}
        hits = len(kept & relevant)
        figures["kept"].append(len(kept))
        figures["empty"].append(float(not kept))
        if kept:
            figures["precision"].append(hits / len(kept))
        if relevant:
            figures["recall"].append(hits / len(relevant))
            figures["f1"].append(2 * hits / (len(kept) + len(relevant)))
    return figures


def check(figures: ThresholdFigures | None, expected: Mapping[str, list[float]]) -> None:
    """Compare every figure with the mean of the counted values, and its n and bounds."""
    assert figures is not None
    for name, values in expected.items():
        of = mean_interval if name == "kept" else bounded_interval
        interval, other = getattr(figures, name), of(np.array(values, dtype=np.float64))
        assert interval.n == other.n
        if other.estimate is not None:
            assert interval.estimate == pytest.approx(other.estimate)
        if other.lower is not None:
            assert (interval.lower, interval.upper) == pytest.approx((other.lower, other.upper))


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.what}-{goal.promise}")
def test_figures_are_those_of_documents_counted_one_by_one(goal: Goal) -> None:
    """Recall, precision, F1, kept documents and empty lists, on both halves, at the chosen threshold."""
    choice = find_threshold(NOISY, "r", PLAN, goal)
    assert choice.threshold is not None
    tuning, held_out = halves(NOISY)
    check(choice.tuned, counted(NOISY, tuning, choice.threshold))
    check(choice.held_out, counted(NOISY, held_out, choice.threshold))
    assert (choice.queries, choice.with_relevant_candidate, choice.unanswerable) == (180, 180, 20)
    assert choice.chosen_on == len(tuning)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.what}-{goal.promise}")
def test_the_choice_does_not_look_at_the_other_half(goal: Goal) -> None:
    """New scores of held-out and of unanswerable queries leave threshold and tuning figures as they are."""
    _, held_out = halves(NOISY)
    changed = {*held_out, *NOISY.qrels.unanswerable}
    run = NOISY.systems["r"].run
    lists = {
        q: {d: float(s) + (50.0 if q in changed else 0.0) for d, s in zip(docs, scores, strict=True)}
        for q, docs, scores in run
    }
    other = set_of(NOISY.qrels.grades, NOISY.systems["bm25"].run, run_of("r", lists), depth=12)
    before, after = (find_threshold(one, "r", PLAN, goal) for one in (NOISY, other))
    assert (before.threshold, before.tuned) == (after.threshold, after.tuned)
    assert after.held_out != before.held_out
    assert after.false_accepts is not None
    assert after.false_accepts.estimate == 1.0


def test_goals_are_reached_on_the_tuning_half() -> None:
    """The guaranteed threshold is the most careful one; precision reaches its target; no threshold has a higher F1."""
    guaranteed, expected, precision, best = (find_threshold(NOISY, "r", PLAN, goal) for goal in GOALS)
    assert (guaranteed.threshold or 0) <= (expected.threshold or 0)
    for choice in (guaranteed, expected):
        assert choice.tuned is not None
        assert (choice.tuned.recall.estimate or 0) >= 0.9
    assert precision.tuned is not None
    assert (precision.tuned.precision.estimate or 0) >= 0.6
    assert best.tuned is not None
    tuning, _ = halves(NOISY)
    scores = [s for q, _, values in NOISY.systems["r"].run for s in values if q in tuning]
    f1 = [
        np.mean(counted(NOISY, tuning, score)["f1"]) for score in np.quantile(scores, np.linspace(0, 1, 80))
    ]
    assert (best.tuned.f1.estimate or 0) >= max(f1) - 1e-12


def test_a_lower_precision_needs_a_lower_threshold() -> None:
    """Thresholds for precision grow with the target."""
    found = [find_threshold(NOISY, "r", PLAN, Goal("precision", t, None)).threshold for t in (0.3, 0.5, 0.7)]
    assert None not in found
    assert found == sorted(found, key=lambda value: value or 0.0)


def test_separation_is_the_area_under_the_curve_of_best_scores() -> None:
    """The share of pairs in which the answerable query has the higher best score, ties as one half."""
    best = {q: float(scores[0]) for q, _, scores in NOISY.systems["r"].run}
    pairs = [
        (best[answerable] > best[other]) + 0.5 * (best[answerable] == best[other])
        for answerable in NOISY.qrels.answerable
        for other in NOISY.qrels.unanswerable
    ]
    assert find_threshold(NOISY, "r", PLAN, Goal()).separation == pytest.approx(np.mean(pairs))


def test_false_accepts_are_unanswerable_queries_that_keep_a_document() -> None:
    """The share of their best scores at or above the threshold."""
    choice = find_threshold(NOISY, "r", PLAN, Goal())
    run = NOISY.systems["r"].run
    best = [float(s[0]) for q, _, s in run if q in NOISY.qrels.unanswerable]
    assert choice.false_accepts is not None
    assert choice.threshold is not None
    assert choice.false_accepts.estimate == pytest.approx(np.mean(np.array(best) >= choice.threshold))
    assert choice.false_accepts.n == 20


def test_without_unanswerable_queries_both_figures_are_unknown() -> None:
    """No such query: no share and no AUROC, instead of 0."""
    choice = find_threshold(noisy_set(80, 8, LIFTS), "r", PLAN, Goal())
    assert (choice.unanswerable, choice.false_accepts, choice.separation) == (0, None, None)


def test_first_stage_recall_is_over_all_relevant_documents() -> None:
    """A relevant document that is no candidate lowers it: no threshold can keep it."""
    grades = {q: {**docs, "elsewhere": 1} for q, docs in noisy_set(80, 8, LIFTS).qrels.grades.items()}
    runs = [system.run for system in noisy_set(80, 8, LIFTS).systems.values()]
    choice = find_threshold(set_of(grades, *runs, depth=8), "r", PLAN, Goal())
    assert choice.first_stage_recall == pytest.approx(0.5)
    without = replace(set_of(grades, *runs, depth=8), first_stage=None)
    assert find_threshold(without, "r", PLAN, Goal()).first_stage_recall == 0.0


def test_rows_show_the_held_out_queries_at_quantiles_of_the_tuning_scores() -> None:
    """Each row is counted again; the first one keeps everything, and its quality is that of the full run."""
    choice = find_threshold(NOISY, "r", PLAN, Goal())
    tuning, held_out = halves(NOISY)
    scores = np.concatenate([s for q, _, s in NOISY.systems["r"].run if q in tuning])
    expected = sorted({float(np.quantile(scores, share, method="higher")) for share in CUT_SHARES})
    assert [row.threshold for row in choice.rows] == expected
    for row in choice.rows:
        figures = counted(NOISY, held_out, row.threshold)
        for name in ("recall", "precision", "f1", "kept", "empty"):
            value = getattr(row, name)
            assert value == (pytest.approx(np.mean(figures[name])) if figures[name] else None)
    assert {row.metric for row in choice.rows} == {"nDCG@10"}


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.what}-{goal.promise}")
def test_a_score_equal_to_the_threshold_is_kept(goal: Goal) -> None:
    """With few distinct scores thresholds are scores: figures, false accepts and quality count the ties."""
    rounded = {
        q: {d: float(round(s)) for d, s in zip(docs, scores.tolist(), strict=True)}
        for q, docs, scores in NOISY.systems["r"].run
    }
    coarse = set_of(NOISY.qrels.grades, NOISY.systems["bm25"].run, run_of("r", rounded), depth=12)
    choice = find_threshold(coarse, "r", PLAN, goal)
    tuning, held_out = halves(coarse)
    assert choice.threshold is not None
    assert choice.threshold == round(choice.threshold)
    check(choice.tuned, counted(coarse, tuning, choice.threshold))
    accepted = [max(rounded[q].values()) >= choice.threshold for q in coarse.qrels.unanswerable]
    assert choice.false_accepts is not None
    assert choice.false_accepts.estimate == pytest.approx(np.mean(accepted))
    qrels = coarse.qrels.restricted_to(held_out)
    for row in choice.rows:
        kept = {q: {d: s for d, s in docs.items() if s >= row.threshold} for q, docs in rounded.items()}
        values = evaluate(run_of("r", kept), qrels, parse_metrics(["nDCG@10"])).values
        assert row.quality == pytest.approx(values.mean())


def test_queries_without_a_relevant_candidate_lower_the_precision() -> None:
    """They are answerable, so the precision counts them; recall and F1 cannot."""
    grades = {
        q: {"elsewhere": 1} if int(q[1:]) % 2 else docs
        for q, docs in noisy_set(200, 12, LIFTS, seed=6).qrels.grades.items()
    }
    runs = [system.run for system in noisy_set(200, 12, LIFTS, seed=6).systems.values()]
    choice = find_threshold(set_of(grades, *runs, depth=12), "r", PLAN, Goal("precision", 0.4, None))
    assert (choice.queries, choice.with_relevant_candidate) == (200, 100)
    assert choice.tuned is not None
    assert (choice.tuned.precision.estimate or 0) >= 0.4
    assert choice.tuned.recall.n < choice.tuned.kept.n


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-100, 100), factor=st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_another_unit_of_the_scores_keeps_the_same_documents(seed: int, shift: float, factor: float) -> None:
    """A linear transformation moves the threshold and keeps the same documents of the tuning queries.

    The threshold has as few digits as possible, so between two tuning scores it may be elsewhere: held-out figures
    may differ.
    """
    comparison_set = noisy_set(60, 6, LIFTS, seed=seed)
    run = comparison_set.systems["r"].run
    moved = {
        q: {d: factor * float(s) + shift for d, s in zip(docs, scores, strict=True)}
        for q, docs, scores in run
    }
    first = comparison_set.systems["bm25"].run
    other = set_of(comparison_set.qrels.grades, first, run_of("r", moved), depth=6)
    before, after = (
        find_threshold(one, "r", PLAN, Goal("recall", 0.8, None)) for one in (comparison_set, other)
    )
    assert after.tuned == before.tuned
    assert after.chosen_on == before.chosen_on


def nothing(choice: ThresholdChoice) -> None:
    """Check that no figure of a choice without threshold is given."""
    assert (choice.threshold, choice.tuned, choice.held_out, choice.false_accepts) == (None,) * 4


def test_without_any_query_there_is_no_threshold_and_no_row() -> None:
    """An empty set of judgments is no error; figures are unknown."""
    empty = set_of({}, run_of("bm25", {}), run_of("r", {}))
    choice = find_threshold(empty, "r", PLAN, Goal())
    nothing(choice)
    assert (choice.queries, choice.chosen_on, choice.rows) == (0, 0, ())
    assert choice.first_stage_recall is None
    assert choice.why_not == "no query has a relevant candidate"


def test_failed_and_unjudged_queries_take_no_part() -> None:
    """A judged query without scores and a scored query without judgments are in no figure."""
    base = noisy_set(80, 8, LIFTS)
    run = base.systems["r"].run
    lists = {q: dict(zip(docs, scores.tolist(), strict=True)) for q, docs, scores in run if q != "q0"}
    other = set_of(
        base.qrels.grades, base.systems["bm25"].run, run_of("r", lists | {"new": {"d0": 9.0}}), depth=8
    )
    choice = find_threshold(other, "r", PLAN, Goal())
    assert (choice.queries, choice.unanswerable) == (79, 0)


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        (Goal("recall", 0.99, 0.95), "at least 299 are required for tuning (about 598 in total"),
        (Goal("recall", 0.99, None), "at least 99 are required for tuning (about 198 in total"),
        (Goal("precision", 0.9, None), "no threshold reaches a precision of 0.9 on the tuning queries"),
    ],
)
def test_an_unreachable_goal_has_a_reason_with_numbers(goal: Goal, reason: str) -> None:
    """The reason names what the queries lack; rows are shown even so."""
    choice = find_threshold(noisy_set(40, 8, {"bm25": 0.0, "r": -9.0}), "r", PLAN, goal)
    nothing(choice)
    assert reason in (choice.why_not or "")
    assert choice.chosen_on == 20
    assert choice.rows


@given(st.integers(1, 999), st.none() | st.floats(0.5, 0.99))
def test_goals_are_read_as_they_are_written(thousandths: int, confidence: float | None) -> None:
    """Any target below 1 is read, with or without leading zero and spaces; only recall has a confidence."""
    text = f"{thousandths / 1000:.3f}"
    for shown in (text, text.lstrip("0"), f" {text} "):
        recall = read_goal(f"recall >={shown}", confidence)
        assert recall == Goal("recall", float(text), confidence)
        assert recall.promise == ("expected" if confidence is None else "guaranteed")
        assert read_goal(f"precision>= {shown}", confidence) == Goal("precision", float(text), None)


def with_placed_last(last: Mapping[str, frozenset[str]] | None) -> ComparisonSet:
    """Return the noisy set, in which some documents have no score of their own."""
    systems = {**NOISY.systems, "r": replace(NOISY.systems["r"], placed_last=last)}
    return replace(NOISY, systems=systems)


def test_made_up_scores_take_no_part() -> None:
    """The choice, its figures and all rows are those of lists without these documents; their number is given."""
    docs = {q: frozenset(sorted(own)[:2]) for q, own, _ in NOISY.systems["r"].run}
    lists = {
        q: {d: s for d, s in zip(own, scores.tolist(), strict=True) if d not in docs[q]}
        for q, own, scores in NOISY.systems["r"].run
    }
    shorter = replace(
        NOISY, systems={**NOISY.systems, "r": replace(NOISY.systems["r"], run=run_of("r", lists))}
    )
    for goal in GOALS:
        found, expected = (
            find_threshold(with_placed_last(docs), "r", PLAN, goal),
            find_threshold(shorter, "r", PLAN, goal),
        )
        assert found.left_out == 2 * len(docs)
        assert replace(found, left_out=0) == expected


def test_scores_of_which_some_may_be_made_up_have_no_threshold() -> None:
    """Where it is unknown which they are, there is a reason, no figure and no row."""
    choice = find_threshold(with_placed_last(None), "r", PLAN, Goal())
    nothing(choice)
    assert (choice.rows, choice.left_out) == ((), None)
    assert "this result contains placeholder scores" in (choice.why_not or "")


def repeated(times: int) -> tuple[ComparisonSet, ComparisonSet]:
    """Return a set, and the set in which every query occurs several times under other ids."""
    base = noisy_set(200, 8, LIFTS, seed=8)
    texts = {q: Query(q, f"text of {q}") for q in base.qrels.grades}
    ids = [(q, f"{q}.{copy}") for q in base.qrels.grades for copy in range(times)]
    runs = []
    for name, system in base.systems.items():
        lists = {q: dict(zip(docs, scores.tolist(), strict=True)) for q, docs, scores in system.run}
        runs.append(run_of(name, {new: lists[q] for q, new in ids}))
    grades = {new: base.qrels.of(q) for q, new in ids}
    queries = {new: Query(new, f"text of {q}") for q, new in ids}
    return replace(base, queries=texts), set_of(grades, *runs, depth=8, queries=queries)


def test_repeated_queries_count_once() -> None:
    """Queries of equal texts are in one half, and give the number of independent queries of one copy."""
    base, several = repeated(3)
    one, more = (find_threshold(found, "r", PLAN, Goal()) for found in (base, several))
    assert (one.clusters, more.clusters) == (None, one.chosen_on)
    assert more.chosen_on == 3 * one.chosen_on
    assert more.threshold == one.threshold
    assert one.held_out is not None
    assert more.held_out is not None
    assert more.held_out.kept.lower == pytest.approx(one.held_out.kept.lower)
