"""Probabilities out of scores: what is fitted, how it is judged, and what a service can apply."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import ROOT

from evalkit.comparison import ComparisonSet, Plan, System
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run
from evalkit.summaries.calibrations import calibrate, portable
from evalkit.tuning.calibration_error import BINS, bins_of
from evalkit.tuning.calibration_fit import (
    Calibration,
    fit_isotonic,
    fit_platt,
    judge_probabilities,
    log_odds,
    sigmoid,
)


def logistic_data(n: int, a: float, b: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and judgments that follow a logistic function."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 3, n)
    return scores, rng.random(n) < sigmoid(a * scores + b)


def test_a_logistic_function_is_found_again() -> None:
    """Its parameters, whatever the scale of the scores; through the log odds where they are probabilities."""
    scores, relevant = logistic_data(40_000, 0.8, -2.0)
    for factor in (1.0, 1e-3, 1e4):
        found = fit_platt(scores * factor, relevant, probability=False).parameters
        assert found["a"] * factor == pytest.approx(0.8, abs=0.05)
        assert found["b"] == pytest.approx(-2.0, abs=0.1)
    found = fit_platt(sigmoid(scores), relevant, probability=True)
    assert found.log_odds
    assert found.parameters["a"] == pytest.approx(0.8, abs=0.05)


def test_what_can_be_told_apart_perfectly_still_has_a_finite_function() -> None:
    """Platt's targets keep off 0 and 1."""
    scores = np.concatenate([np.zeros(50), np.ones(50)])
    found = fit_platt(scores, scores > 0.5, probability=False).apply(scores)
    assert 0 < found.min() < 0.05
    assert 0.95 < found.max() < 1


def test_an_isotonic_function_never_falls_and_keeps_the_mean() -> None:
    """Few points say all of it; too few pairs carry none."""
    scores, relevant = logistic_data(5000, 1.0, -1.0)
    found = fit_isotonic(scores, relevant, probability=False)
    assert found is not None
    y = np.array(found.parameters["y"])
    assert (np.diff(y) >= 0).all()
    assert found.apply(scores).mean() == pytest.approx(relevant.mean(), abs=0.005)
    assert len(y) < 400
    assert fit_isotonic(scores[:900], relevant[:900], probability=False) is None
    assert fit_isotonic(scores, scores > 9, probability=False) is None


def test_true_probabilities_have_no_calibration_error_and_shifted_ones_have_theirs() -> None:
    """ECE, Brier score and log loss by their definitions."""
    scores, relevant = logistic_data(60_000, 1.0, -1.0)
    query = np.repeat(np.arange(600), 100)
    true = judge_probabilities(sigmoid(scores - 1.0), relevant, query)
    assert true.ece.value < 0.01
    wrong = judge_probabilities(np.full(len(scores), 0.9), relevant, query)
    share = relevant.mean()
    assert wrong.ece.value == pytest.approx(0.9 - share)
    assert wrong.brier.value == pytest.approx(share * 0.01 + (1 - share) * 0.81)
    assert wrong.log_loss.value == pytest.approx(-share * math.log(0.9) - (1 - share) * math.log(0.1))
    for figure in (true.ece, true.brier, wrong.log_loss):
        assert figure.lower <= figure.value <= figure.upper
    assert sum(n for n, _, _ in true.bins) == 60_000
    assert max(n for n, _, _ in true.bins) - min(n for n, _, _ in true.bins) <= 1


def test_equal_probabilities_share_a_bin_in_any_order_of_the_rows() -> None:
    """One probability that is the base rate has no calibration error, whether or not rows are sorted by relevance."""
    rng = np.random.default_rng(4)
    relevant, query = rng.random(2000) < 0.1, np.repeat(np.arange(40), 50)
    stated = np.full(2000, relevant.mean())
    for order in (np.arange(2000), np.lexsort((relevant, query)), rng.permutation(2000)):
        found = judge_probabilities(stated[order], relevant[order], query[order])
        assert found.ece.value == pytest.approx(0, abs=1e-12)
        assert found.ece.lower == 0.0
        assert [n for n, _, _ in found.bins] == [2000]


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), min_size=1, max_size=60), st.randoms())
def test_bins_hold_whole_groups_of_equal_probabilities(values: list[float], random: Random) -> None:
    """A bin depends on the probability alone, never falls with it, and is the same in any order."""
    stated = np.array(values)
    bins = dict(zip(values, bins_of(stated).tolist(), strict=True))
    assert [bins[value] for value in sorted(bins)] == sorted(bins.values())
    assert bins_of(stated).tolist() == [bins[value] for value in values]
    random.shuffle(values)
    assert bins_of(np.array(values)).tolist() == [bins[value] for value in values]


def test_without_ties_bins_have_equal_counts() -> None:
    """They are cut by row number, as quantiles are."""
    stated = np.random.default_rng(1).random(100)
    expected = np.empty(100, dtype=np.int64)
    expected[np.argsort(stated)] = np.arange(100) * BINS // 100
    assert (bins_of(stated) == expected).all()


@given(st.floats(1e-9, 1 - 1e-9))
def test_log_odds_and_sigmoid_undo_each_other(p: float) -> None:
    """But for rounding."""
    assert sigmoid(log_odds(np.array([p])))[0] == pytest.approx(p, rel=1e-9)


def readme_example(document: dict[str, Any], folder: Path) -> Callable[[float], float]:
    """Return the function of results/README.md for a saved function."""
    readme = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    (code,) = [
        one for one in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "def probability" in one
    ]
    rule = {"depth": 50, "threshold": None, "probability": document}
    file = folder / "production.json"
    file.write_text(json.dumps({"rerankers": [rule]}), encoding="utf-8")
    names: dict[str, Any] = {}
    exec(code.replace("production.json", str(file)), names)  # noqa: S102 - our own README
    found: Callable[[float], float] = names["probability"]
    return found


def field_of(kind_of_scores: str) -> ComparisonSet:
    """Return queries whose scores follow a logistic function."""
    scores, relevant = logistic_data(6000, 1.0, -1.0)
    if kind_of_scores == "probability":
        scores = sigmoid(scores)
    query_ids = [f"q{i // 50}" for i in range(6000)]
    doc_ids = [f"d{i % 50}" for i in range(6000)]
    grades: dict[str, dict[str, int]] = {}
    for query_id, doc_id, hit in zip(query_ids, doc_ids, relevant.tolist(), strict=True):
        grades.setdefault(query_id, {})[doc_id] = int(hit)
    run = Run.from_rows("r", query_ids, doc_ids, scores)
    qrels = Qrels(grades)
    return ComparisonSet(
        "d", qrels, {"r": System("r", run, evaluate(run, qrels, parse_metrics(["nDCG@10"])))}, depth=50
    )


@pytest.mark.parametrize(
    ("kind", "names"),
    [("logit", ["as it is", "platt", "isotonic"]), ("probability", ["as it is", "platt", "isotonic"]),
     ("cosine", ["platt", "isotonic"]), ("unknown", ["platt", "isotonic"])],
)  # fmt: skip
def test_what_is_saved_is_what_a_service_applies(tmp_path: Path, kind: str, names: list[str]) -> None:
    """Ten lines without any library give the same; scores of an unknown scale are no probabilities as they are."""
    comparison_set = field_of(kind)
    found = calibrate(comparison_set, "r", kind, Plan(baseline="r", primary="nDCG@10"))  # type: ignore[arg-type]
    assert list(found.functions) == names
    scores = np.sort(comparison_set.systems["r"].run.scores)[::500]
    for name in names[-2:]:
        assert found.functions[name].quality.ece.value < 0.05
        document = json.loads(json.dumps(portable(found, name)))
        assert document["valid_for"]["depth"] == 50
        function = Calibration(document["kind"], document["log_odds"], document["parameters"])
        probability = readme_example(document, tmp_path)
        assert [probability(s) for s in scores.tolist()] == pytest.approx(function.apply(scores), abs=1e-12)
    if kind in {"logit", "probability"}:
        alone = found.functions["as it is"]
        assert alone.function is None
        # The data were made with sigmoid(x - 1): as they are they say too much, alike for both kinds.
        assert alone.quality.ece.value == pytest.approx(0.13, abs=0.03)


def test_without_both_kinds_of_candidates_there_is_nothing_to_fit() -> None:
    """One clear word why."""
    comparison_set = field_of("logit")
    none = ComparisonSet(
        "d", Qrels({q: {"gone": 1} for q in comparison_set.qrels.grades}), comparison_set.systems, depth=50
    )
    found = calibrate(none, "r", "logit", Plan(baseline="r", primary="nDCG@10"))
    assert (found.functions, "relevant and non-relevant" in (found.why_not or "")) == ({}, True)


@pytest.mark.parametrize("score", [0.0, 0.3, -7.1, 1e6])
def test_equal_scores_have_the_rate_of_relevant_documents(score: float) -> None:
    """Nothing but the rate can be learned of them, with Platt's smoothed targets."""
    scores, relevant = np.full(121, score), np.arange(121) < 40
    fitted = fit_platt(scores, relevant, probability=False)
    smoothed = (40 * 41 / 42 + 81 / 83) / 121
    np.testing.assert_allclose(fitted.apply(scores), smoothed, rtol=1e-6)


def test_a_fit_gives_no_warning_in_threads() -> None:
    """Several fits at once, at optima that float64 cannot reach exactly."""
    rng = np.random.default_rng(5)
    scores = [rng.normal(size=300) * 10.0**place for place in range(-3, 4)] * 8
    with ThreadPoolExecutor(4) as pool:
        fits = pool.map(lambda x: fit_platt(x, x > np.median(x), probability=False), scores)
    assert all(one.parameters["a"] > 0 for one in fits)
