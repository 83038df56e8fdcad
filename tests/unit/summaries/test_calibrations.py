"""Calibrations of a result: figures computed again from pairs, the split, and edge cases."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from support.systems import noisy_set, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.records import ScoreKind
from evalkit.results.json_shapes import to_json
from evalkit.results.tuning_document import CalibrationResult
from evalkit.stats import MIN_QUERIES
from evalkit.summaries.calibrations import calibrate, portable
from evalkit.tuning import split_queries

PLAN = Plan("bm25", "nDCG@10", seed=3)
LIFTS = {"bm25": 0.5, "r": 2.0}
NOISY = noisy_set(100, 12, LIFTS, seed=6, unanswerable=10)
KINDS: tuple[ScoreKind, ...] = get_args(ScoreKind)


def held_out_pairs(comparison_set: ComparisonSet) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and relevance of the pairs of the held-out queries, by plain loops."""
    run, qrels = comparison_set.systems["r"].run, comparison_set.qrels
    ids = [q for q in run.query_ids if q in qrels.grades]
    scores, relevant = [], []
    for row in split_queries(len(ids), PLAN.seed).held_out:
        docs = run.docs(ids[row])
        by_query = {q: s for q, _, s in run}
        scores += by_query[ids[row]].tolist()
        relevant += [qrels.of(ids[row]).get(doc_id, 0) > 0 for doc_id in docs]
    return np.array(scores), np.array(relevant)


def probabilities_of(found: CalibrationResult, name: str, scores: np.ndarray, kind: str) -> np.ndarray:
    """Return the probabilities of a function; the scores themselves where there is none."""
    function = found.functions[name].function
    if function is not None:
        return function.apply(scores)
    return expit(scores) if kind == "logit" else scores


@pytest.mark.parametrize("kind", KINDS)
def test_quality_is_that_of_the_held_out_pairs(kind: ScoreKind) -> None:
    """Brier score and log loss agree with their formulas over all held-out pairs, for every function."""
    comparison_set = NOISY
    if kind == "probability":
        run = NOISY.systems["r"].run
        squashed = {q: dict(zip(d, expit(s).tolist(), strict=True)) for q, d, s in run}
        comparison_set = set_of(
            NOISY.qrels.grades, NOISY.systems["bm25"].run, run_of("r", squashed), depth=12
        )
    found = calibrate(comparison_set, "r", kind, PLAN)
    scores, relevant = held_out_pairs(comparison_set)
    assert (found.queries, found.pairs, found.score_kind) == (100, len(scores), kind)
    assert ("as it is" in found.functions) == (kind in {"probability", "logit"})
    for name, one in found.functions.items():
        p = probabilities_of(found, name, scores, kind)
        assert one.quality.brier.value == pytest.approx(np.mean((p - relevant) ** 2))
        safe = np.clip(p, 1e-15, 1 - 1e-15)
        losses = -np.where(relevant, np.log(safe), np.log1p(-safe))
        assert one.quality.log_loss.value == pytest.approx(losses.mean(), rel=0.02)


def test_the_share_of_relevant_pairs_is_over_all_queries() -> None:
    """Unjudged documents count as not relevant: 90 relevant ones among 100 lists of 12."""
    assert calibrate(NOISY, "r", "unknown", PLAN).relevant_share == pytest.approx(90 / 1200)


def test_the_fit_does_not_look_at_the_held_out_half() -> None:
    """Other scores of held-out queries change the measured quality and not the function."""
    run = NOISY.systems["r"].run
    held_out = {run.query_ids[i] for i in split_queries(100, PLAN.seed).held_out}
    lists = {
        q: {d: -float(s) if q in held_out else float(s) for d, s in zip(docs, scores, strict=True)}
        for q, docs, scores in run
    }
    other = set_of(NOISY.qrels.grades, NOISY.systems["bm25"].run, run_of("r", lists), depth=12)
    before, after = (calibrate(one, "r", "unknown", PLAN).functions["platt"] for one in (NOISY, other))
    assert before.function is not None
    assert after.function is not None
    assert before.function.parameters == after.function.parameters
    assert after.quality.brier.value > before.quality.brier.value


@settings(max_examples=20, deadline=None)
@given(factor=st.sampled_from([0.01, 0.5, 4.0, 1000.0]), shift=st.floats(-50, 50), seed=st.integers(0, 50))
def test_platt_does_not_depend_on_the_unit_of_the_scores(factor: float, shift: float, seed: int) -> None:
    """Scaled and shifted scores have the same probabilities, and so the same quality."""
    base = noisy_set(60, 6, LIFTS, seed=seed)
    lists = {
        q: {d: factor * float(s) + shift for d, s in zip(docs, scores, strict=True)}
        for q, docs, scores in base.systems["r"].run
    }
    other = set_of(base.qrels.grades, base.systems["bm25"].run, run_of("r", lists), depth=6)
    briers = [
        calibrate(one, "r", "unknown", PLAN).functions["platt"].quality.brier.value for one in (base, other)
    ]
    assert briers[0] == pytest.approx(briers[1], abs=1e-3)


@pytest.mark.parametrize("queries", [0, 1, 2 * MIN_QUERIES - 1])
def test_too_few_queries_have_a_reason_and_no_function(queries: int) -> None:
    """Each half needs enough queries; the share of relevant pairs is unknown only without queries."""
    comparison_set = (
        noisy_set(queries, 4, LIFTS) if queries else set_of({}, run_of("bm25", {}), run_of("r", {}))
    )
    found = calibrate(comparison_set, "r", "logit", PLAN)
    assert found.functions == {}
    assert found.why_not == f"too few queries ({queries}): each half requires {MIN_QUERIES}"
    assert found.relevant_share == (pytest.approx(0.25) if queries else None)


@pytest.mark.parametrize("grade", [0, 1])
def test_pairs_of_one_kind_only_cannot_be_fitted(grade: int) -> None:
    """All candidates relevant, or none: there is nothing to separate."""
    base = noisy_set(70, 4, LIFTS)
    grades = {q: {f"d{d}": grade for d in range(4)} for q in base.qrels.grades}
    found = calibrate(replace(base, qrels=replace(base.qrels, grades=grades)), "r", "logit", PLAN)
    assert (found.functions, found.relevant_share) == ({}, float(grade))
    assert found.why_not == "both halves of the queries need relevant and non-relevant candidates"


def test_queries_without_judgments_or_scores_take_no_part() -> None:
    """An unjudged query is no query of irrelevant documents; a failed one has no pairs."""
    base = noisy_set(80, 6, LIFTS)
    lists = {q: dict(zip(d, s.tolist(), strict=True)) for q, d, s in base.systems["r"].run if q != "q0"}
    both = set_of(
        base.qrels.grades, base.systems["bm25"].run, run_of("r", lists | {"new": {"d0": 1.0}}), depth=6
    )
    found = calibrate(both, "r", "unknown", PLAN)
    assert (found.queries, found.relevant_share) == (79, pytest.approx(1 / 6))


@pytest.mark.parametrize("name", ["as it is", "platt"])
def test_a_portable_function_says_where_it_is_valid(name: str) -> None:
    """The document has the function's parameters, its scope and its held-out quality; it is plain JSON."""
    found = calibrate(NOISY, "r", "logit", PLAN)
    document = portable(found, name)
    assert document["evalkit_calibration"] == 1
    assert ("parameters" in document) == (name == "platt")
    assert document["valid_for"] == {
        "dataset": "d", "reranker": "r", "depth": 12, "score_kind": "logit", "queries": 100,
        "relevant_share": found.relevant_share,
    }  # fmt: skip
    assert document["held_out"]["brier"]["value"] == found.functions[name].quality.brier.value
    assert b"NaN" not in to_json(document)


def test_made_up_scores_are_not_calibrated() -> None:
    """Documents without a score of their own take no part, and are counted; unknown ones leave no function."""
    last = {q: frozenset(docs[-3:]) for q, docs, _ in NOISY.systems["r"].run}
    found = calibrate(
        replace(NOISY, systems={**NOISY.systems, "r": replace(NOISY.systems["r"], placed_last=last)}),
        "r",
        "logit",
        PLAN,
    )
    assert found.left_out == 3 * len(last)
    assert found.pairs == calibrate(NOISY, "r", "logit", PLAN).pairs * 9 // 12
    unknown = replace(NOISY, systems={**NOISY.systems, "r": replace(NOISY.systems["r"], placed_last=None)})
    nothing = calibrate(unknown, "r", "logit", PLAN)
    assert (nothing.functions, nothing.left_out) == ({}, None)
    assert "this result contains placeholder scores" in (nothing.why_not or "")


def test_scores_that_are_no_probabilities_are_not_calibrated_as_such() -> None:
    """Their log-odds do not exist, so a fit would be of other numbers."""
    found = calibrate(NOISY, "r", "probability", PLAN)
    assert found.functions == {}
    assert (found.why_not or "").startswith("the scores are declared as probabilities, but one is ")
