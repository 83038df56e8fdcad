"""Rules against evidence: latency is judged by ratios within a run, failures by their share."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from evalkit.comparison.gate_verdicts import (
    GateVerdict,
    judge_drop,
    judge_failures,
    judge_minimum,
    judge_ratio,
)
from evalkit.comparison.score_origins import ScoreOrigin
from evalkit.config import GateRule
from evalkit.records import MetricValues
from evalkit.report.gate import conclusion
from evalkit.results.gate_document import GateResult
from evalkit.summaries.gate_evidence import Evidence
from evalkit.workflows.gate import judge_rule
from evalkit.workflows.gate_case import Terms

KEYS = {name: ("d", name, 10, 1) for name in ("new", "reference")}


def evidence(slowness: float, machine: float = 1.0, rounds: int = 6) -> Evidence:
    """Return a run in which `new` takes `slowness` times the reference, on a machine of some speed."""
    wobble = np.random.default_rng(1).normal(0, 0.01, rounds)
    times = {
        KEYS["new"]: {n: math.log(machine * 0.01 * slowness) + w for n, w in enumerate(wobble)},
        KEYS["reference"]: {n: math.log(machine * 0.01) for n in range(rounds)},
    }
    values = {
        ("d", tag): MetricValues(tag, ("nDCG@10",), ("q1", "q2"), np.array([[0.5], [0.6]]))
        for tag in ("bm25", "new", "reference")
    }
    prints = {"d": {"judgments": "a", "candidates": "b", "depth": "10"}}
    unscored, calls = dict.fromkeys(values, 0), {("d", "new"): (100, 2)}
    origins = dict.fromkeys(values, ScoreOrigin(fresh=20))
    return Evidence("run", "bm25", values, unscored, prints, times, calls, origins=origins)


@pytest.mark.parametrize(("slowness", "status"), [(1.0, "PASS"), (1.25, "CANNOT TELL"), (1.5, "FAIL")])
def test_latency_is_held_against_another_one_of_the_same_run(slowness: float, status: str) -> None:
    """Whatever the machine: a machine that is four times slower gives the same verdict."""
    rule = GateRule(latency_to="reference", batch_size=10, max_ratio=1.25)
    for machine in (1.0, 4.0):
        (verdict,) = judge_rule(rule, evidence(slowness, machine), evidence(1.0), Terms(0.05))
        assert (verdict.reranker, verdict.status) == ("new", status)
        assert "6 rounds" in verdict.sentence


@pytest.mark.parametrize(("before", "status"), [(1.0, "FAIL"), (2.0, "PASS")])
def test_a_slowdown_is_a_ratio_of_ratios(before: float, status: str) -> None:
    """Twice the reference now: a slowdown if it was once, none if it was twice; the machines do not matter."""
    rule = GateRule(latency_to="reference", batch_size=10, max_slowdown=1.1)
    (verdict,) = judge_rule(rule, evidence(2.0, 3.0), replace(evidence(before), name="old"), Terms(0.05))
    assert verdict.status == status


@pytest.mark.parametrize(
    ("rule", "why"),
    [({"latency_to": "gone", "batch_size": 10, "max_ratio": 2}, "no round with both"),
     ({"latency_to": "reference", "batch_size": 50, "max_ratio": 2}, "at batch size 50"),
     ({"metric": "P@5", "max_drop": 0.1}, "has no values of P@5"),
     ({"metric": "nDCG@10", "retain": 0.5}, "no gain to retain"),
     ({"metric": "nDCG@10", "min": 0.5, "reranker": "absent"}, "has no 'absent' on d")],
)  # fmt: skip
def test_what_is_missing_is_invalid(rule: dict[str, object], why: str) -> None:
    """Never a pass, never a regression."""
    for verdict in judge_rule(GateRule.model_validate(rule), evidence(1.0), evidence(1.0), Terms(0.05)):
        assert verdict.status == "INVALID"
        assert why in verdict.sentence
        assert verdict.estimate is None


def test_queries_without_scores_make_everything_invalid() -> None:
    """A reranker that answered half of the time has no mean."""
    new = replace(evidence(1.0), unscored={("d", "new"): 3, ("d", "reference"): 0, ("d", "bm25"): 0})
    verdicts = list(judge_rule(GateRule(metric="nDCG@10", max_drop=0.1), new, evidence(1.0), Terms(0.05)))
    assert [verdict.status for verdict in verdicts] == ["INVALID", "CANNOT TELL"]


def test_scores_that_were_known_are_no_failed_calls() -> None:
    """Where all scores came from the store there were no calls, and none failed; without scores nothing is known."""
    cached = {("d", "new"): ScoreOrigin(fresh=0, older=20, proven_by="model files")}
    known = replace(evidence(1.0), calls={}, origins=cached)
    rule = GateRule(max_failed=0.0, reranker="new")
    (verdict,) = judge_rule(rule, known, evidence(1.0), Terms(0.05))
    assert (verdict.status, verdict.sentence) == ("PASS", "no calls: all scores were cached")
    assert verdict.estimate is None  # a share of no calls is unknown
    (verdict,) = judge_rule(rule, replace(known, unscored={("d", "new"): 1}), evidence(1.0), Terms(0.05))
    assert verdict.status == "INVALID"


def test_bounds_of_single_values() -> None:
    """A minimum needs its lower bound above, a share of failures is counted."""
    values = np.full(60, 0.5) + np.linspace(-0.05, 0.05, 60)
    assert judge_minimum(values, "m", 0.45, 0.05).status == "PASS"
    assert judge_minimum(values, "m", 0.499, 0.05).status == "CANNOT TELL"
    assert judge_minimum(values, "m", 0.55, 0.05).status == "FAIL"
    assert judge_minimum(np.full(60, 1.5), "m", 0.5, 0.05).status == "CANNOT TELL"
    assert judge_minimum(values[:20], "m", 0.1, 0.05).status == "CANNOT TELL"
    assert judge_failures(2, 100, 0.02).status == "PASS"
    assert judge_failures(3, 100, 0.02).status == "FAIL"
    assert judge_failures(0, 0, 0.02).status == "INVALID"
    assert judge_ratio(np.zeros(1), "x", 2.0, 0.05).status == "INVALID"


def test_a_conclusion_names_whom_it_leaves_out() -> None:
    """A gate that passes without a reranker of the baseline says so; one that fails and lacks one says both."""
    passed, failed, invalid = (GateVerdict("rule", "d", "r", one, "") for one in ("PASS", "FAIL", "INVALID"))
    passes = GateResult("a", "b", (passed,), open_passes=False, missing=("minilm",))
    assert "gate passed: 1 PASS; missing from the result: minilm" in conclusion(passes)
    assert (
        conclusion(GateResult("a", "b", (failed, invalid), open_passes=False))
        == "gate not passed, and partly invalid: 1 INVALID, 1 FAIL"
    )


@pytest.mark.parametrize(
    ("statuses", "open_passes", "code"),
    [(["PASS", "IDENTICAL"], False, 0), (["PASS", "CANNOT TELL"], False, 1), (["PASS", "CANNOT TELL"], True, 0),
     (["FAIL", "CANNOT TELL"], True, 1), (["FAIL", "INVALID"], False, 3), (["INVALID"], True, 3)],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_worst(statuses: list[str], open_passes: bool, code: int) -> None:
    """INVALID outweighs FAIL: a crash must not look like a regression."""
    (one,) = judge_rule(GateRule(max_failed=0.5, reranker="new"), evidence(1.0), evidence(1.0), Terms(0.05))
    verdicts = tuple(replace(one, status=status) for status in statuses)  # type: ignore[arg-type]
    assert GateResult("a", "b", verdicts, open_passes).exit_code == code


def test_copies_of_queries_decide_nothing() -> None:
    """Queries four times over, as clusters, have the bounds of the queries once, and 29 clusters carry no verdict."""
    once = np.random.default_rng(2).normal(0, 0.05, 60)
    index = np.tile(np.arange(60), 4)
    alone, repeated = judge_drop(once, "m", 0.01, 0.05), judge_drop(np.tile(once, 4), "m", 0.01, 0.05, index)
    assert (repeated.lower, repeated.upper) == pytest.approx((alone.lower, alone.upper))
    assert (repeated.status, repeated.n) == (alone.status, 240)
    few = judge_drop(np.tile(once[:29], 4), "m", 0.2, 0.05, np.tile(np.arange(29), 4))
    assert (few.status, "fewer than 30 clusters" in few.sentence) == ("CANNOT TELL", True)
    assert judge_minimum(np.tile(once, 4) + 0.5, "m", 0.4, 0.05, index).lower == pytest.approx(
        judge_minimum(once + 0.5, "m", 0.4, 0.05).lower
    )
