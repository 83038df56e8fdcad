"""Rules on slices, thresholds and costs: what is judged, and what is invalid because it is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.gates import ALPHA, METRIC, N, evidence, only, rule, values, verdicts

from evalkit.comparison.gate_verdicts import judge_drop
from evalkit.records import JudgedBy, Run
from evalkit.report.gate import gate_lines
from evalkit.summaries.gate_evidence import Evidence
from evalkit.summaries.query_costs import QueryCosts

OLD = evidence("old", {"a": values(0.5)})


def language(query_id: str) -> str:
    """Return ``de`` for every third query, else ``en``."""
    return "de" if int(query_id[1:]) % 3 == 0 else "en"


LEVELS = {"d": {"language": language, "user": str}}
MANY = 150
WIDE = np.random.default_rng(2).normal(0, 0.02, MANY)
BEFORE = evidence("old", {"a": values(0.5, WIDE, MANY)})


def worse_in(level: str, loss: float) -> Evidence:
    """Return a new version that loses on the queries of one language only."""
    lost = [loss * (language(f"q{n}") == level) for n in range(MANY)]
    noise = np.random.default_rng(3).normal(0, 0.005, MANY)
    return evidence("new", {"a": values(0.5, WIDE + noise - lost, MANY)}, levels=LEVELS)


def test_a_slice_that_got_worse_fails_though_the_mean_holds() -> None:
    """Each slice is judged by its own queries; the rule names it."""
    new = worse_in("de", 0.05)
    assert only(rule(max_drop=0.03), new, BEFORE).status == "PASS"
    found = {one.rule: one for one in verdicts(rule(max_drop=0.03, by="language"), new, BEFORE)}
    assert {name: (one.status, one.n) for name, one in found.items()} == {
        f"{METRIC} max_drop 0.03, language = de": ("FAIL", 50),
        f"{METRIC} max_drop 0.03, language = en": ("PASS", 100),
    }


def test_slices_share_the_error_of_their_rule() -> None:
    """The bounds of each of two slices are those at half of alpha (Bonferroni); of one named slice, at all of it."""
    new = worse_in("de", 0.0)
    (german, _) = verdicts(rule(max_drop=0.03, by="language"), new, BEFORE)
    (alone,) = verdicts(rule(max_drop=0.03, by="language", levels=("de",)), new, BEFORE)
    rows = [n for n in range(MANY) if language(f"q{n}") == "de"]
    differences = (new.values["d", "a"].of(METRIC) - BEFORE.values["d", "a"].of(METRIC))[rows]
    for one, alpha in ((german, ALPHA / 2), (alone, ALPHA)):
        expected = judge_drop(differences, METRIC, 0.03, alpha, is_slice=True)
        assert (one.status, one.lower, one.upper) == (expected.status, expected.lower, expected.upper)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"by": "country"}, "have no field 'country' (fields: language, user)"),
        ({"by": "user"}, "has 150 values in d, more than 50"),
        ({"by": "language", "levels": ("fr",)}, "no query of d has language = 'fr'"),
    ],
)
def test_slices_that_are_not_there_are_invalid(fields: dict[str, Any], why: str) -> None:
    """A misspelt field passes nothing."""
    found = only(rule(max_drop=0.03, **fields), worse_in("de", 0.0), BEFORE)
    assert (found.status, why in found.sentence) == ("INVALID", True)


def test_a_slice_of_few_queries_has_no_verdict() -> None:
    """Fewer than 30 queries decide nothing, in a slice as in a gate."""
    few = {"d": {"language": lambda q: "xx" if int(q[1:]) < 20 else "en"}}
    found = verdicts(rule(max_drop=0.03, by="language"), replace(worse_in("de", 0.0), levels=few), BEFORE)
    assert {one.status for one in found if one.rule.endswith("xx")} == {"CANNOT TELL"}


def test_a_threshold_is_judged_on_the_scores_of_the_new_version() -> None:
    """Half of the documents have a score of at least 0.5; without own scores there is nothing to judge."""
    rows = [(f"q{n}", f"d{k}", k / 10) for n in range(N) for k in range(10)]
    run = Run.from_rows("a", *map(list, zip(*rows, strict=True)))
    new = evidence("new", {"a": values(0.5)}, scored={("d", "a"): run})
    for fields, status in (
        ({"max_kept": 0.6}, "PASS"),
        ({"max_kept": 0.4}, "FAIL"),
        ({"min_kept": 0.4}, "PASS"),
        ({"max_empty": 0.1}, "PASS"),
    ):
        found = only(rule(threshold=0.5, **fields), new, OLD)
        assert (found.status, found.rule.startswith("threshold 0.5 m")) == (status, True)
    assert only(rule(threshold=0.95, max_empty=0.1), new, OLD).status == "FAIL"
    assert (
        only(rule(threshold=0.5, max_kept=0.6), evidence("new", {"a": values(0.5)}), OLD).status == "INVALID"
    )


def test_a_cost_that_is_unknown_is_invalid() -> None:
    """It is not 0, and so it keeps no budget."""
    costs = QueryCosts(tuple(f"q{n}" for n in range(N)), np.full(N, 0.001))
    known = evidence("new", {"a": values(0.5)}, costs={("d", "a"): costs})
    assert only(rule(max_cost_per_1k=1.0), known, OLD).status == "PASS"
    assert only(rule(max_cost_per_1k=0.9), known, OLD).status == "FAIL"
    assert only(rule(max_cost_per_1k=9.0), evidence("new", {"a": values(0.5)}), OLD).status == "INVALID"


def test_latencies_of_a_resumed_run_are_not_judged() -> None:
    """Some of its calls were timed before the interruption: the server may have changed since."""
    rounds = {("d", tag, 10, 1): {n: 0.1 * n for n in range(6)} for tag in ("a", "b")}
    new = evidence("new", {"a": values(0.5), "b": values(0.5)}, rounds=rounds)
    slow = rule(latency_to="b", batch_size=10, max_ratio=2.0, reranker="a")
    assert only(slow, new, OLD).status == "PASS"
    found = only(slow, replace(new, resumed=True), OLD)
    assert (found.status, "interrupted and resumed" in found.sentence) == ("INVALID", True)


@pytest.mark.parametrize("withheld", ["a", "b"])
@pytest.mark.parametrize("most", [1.0, 2.0, 100.0])
def test_latencies_of_the_load_generator_give_no_verdict(withheld: str, most: float) -> None:
    """Neither a pass nor a failure, whichever of both rerankers could not be measured, on either side."""
    rounds = {("d", tag, 10, 1): {n: 0.1 * n for n in range(6)} for tag in ("a", "b")}
    both = {"a": values(0.5), "b": values(0.5)}
    good = evidence("good", both, rounds=rounds)
    key = ("d", withheld, 10, 1)
    left = {one: medians for one, medians in rounds.items() if one != key}
    bad = evidence("bad", both, rounds=left, withheld={key: "the load generator was the bottleneck"})
    for bound, new, old in (
        ("max_ratio", bad, good),
        ("max_slowdown", bad, good),
        ("max_slowdown", good, bad),
    ):
        one = rule(latency_to="b", batch_size=10, reranker="a", **{bound: most})
        found = only(one, new, old)
        assert (found.status, found.estimate, found.n) == ("CANNOT TELL", None, 0)
        assert "bad are withheld: the load generator was the bottleneck" in found.sentence
    assert only(rule(latency_to="b", batch_size=10, reranker="a", max_ratio=2.0), good, bad).status == "PASS"


def test_an_unnamed_rule_on_cost_leaves_out_what_has_no_price() -> None:
    """A local model next to an API is no reason to fail; if nothing has a price, the rule is not silent."""
    costs = QueryCosts(tuple(f"q{n}" for n in range(N)), np.full(N, 0.001))
    both, old = {"a": values(0.5), "b": values(0.5)}, evidence("old", {"a": values(0.5), "b": values(0.5)})
    new = evidence("new", both, costs={("d", "a"): costs}, priced=frozenset({"a"}))
    found = verdicts(rule(max_cost_per_1k=1.0), new, old)
    assert [(one.reranker, one.status) for one in found] == [("a", "PASS")]
    assert {one.status for one in verdicts(rule(max_cost_per_1k=1.0), evidence("new", both), old)} == {
        "INVALID"
    }


def test_a_verdict_on_a_slice_names_it() -> None:
    """In the line that is printed, and as a key."""
    found = verdicts(rule(max_drop=0.03, by="language"), worse_in("de", 0.0), BEFORE)
    assert [one.part for one in found] == ["language = de", "language = en"]
    assert [line.split(": ")[1] for line in gate_lines(found)] == ["a, language = de", "a, language = en"]


def run_of_engine(name: str, mean: float, lacking: int) -> Evidence:
    """Return one side with a run whose file lacks the first queries, which count as 0."""
    noise = np.random.default_rng({"new": 1, "old": 2}[name]).normal(0, 0.005, MANY)
    found = values(mean, noise, MANY)
    found.values[:lacking] = 0.0
    missing = {("d", "a"): frozenset(found.query_ids[:lacking])}
    return evidence(name, {"a": found}, runs=frozenset({("d", "a")}), missing=missing)


@pytest.mark.parametrize(
    ("new", "old", "status"),
    [
        ((0.5, 0), (0.5, 0), "PASS"),
        ((0.5, 7), (0.5, 0), "CANNOT TELL"),  # it would fail because of the missing queries alone
        ((0.488, 0), (0.5, 7), "CANNOT TELL"),  # it would pass because of them alone
        ((0.3, 7), (0.5, 0), "FAIL"),
        ((0.6, 0), (0.5, 7), "PASS"),
        ((0.6, 8), (0.5, 0), "INVALID"),
        ((0.3, 0), (0.5, 8), "INVALID"),
    ],
)
def test_queries_that_a_file_lacks_decide_no_gate(
    new: tuple[float, int], old: tuple[float, int], status: str
) -> None:
    """Few of them leave a verdict that holds without them; with more than 5 % nothing is judged."""
    sides = run_of_engine("new", *new), run_of_engine("old", *old)
    found = only(rule(max_drop=0.005), *sides)
    assert found.status == status, found.sentence
    if status == "INVALID":
        assert "lacks 8 of 150 judged queries" in found.sentence
    if status == "CANNOT TELL":
        assert "7 queries that a file lacks" in found.sentence


def test_a_minimum_concerns_the_new_file_alone() -> None:
    """What the baseline lacks is no matter of it."""
    new, old = run_of_engine("new", 0.6, 7), run_of_engine("old", 0.5, 50)
    assert only(rule(min=0.5), new, old).status == "PASS"
    assert only(rule(min=0.58), new, old).status == "CANNOT TELL"
    assert only(rule(min=0.5), run_of_engine("new", 0.6, 8), old).status == "INVALID"


@pytest.mark.parametrize("judged_by", ["judge only", "mixed"])
@pytest.mark.parametrize(
    "fields",
    [{"max_drop": 0.03}, {"retain": 0.5}, {"min": 0.1}, {"min": 0.9}, {"max_fallen": 0.4, "fallen_by": 0.2},
     {"max_drop": 0.03, "by": "language"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("gain", [0.3, 0.0, -0.3])
def test_grades_of_models_decide_no_rule(fields: dict[str, Any], judged_by: JudgedBy, gain: float) -> None:
    """Whatever a rule on a metric finds under people's grades: with those of models on one side it cannot tell."""
    new = evidence("new", {"a": values(0.5 + gain, WIDE, MANY)}, levels=LEVELS)
    for one, other in (
        (replace(new, judged_by={"d": judged_by}), BEFORE),
        (new, replace(BEFORE, judged_by={"d": judged_by})),
    ):
        for found in verdicts(rule(**fields), one, other):
            assert found.status == "CANNOT TELL"
            assert "no verdict because models gave" in found.sentence
    assert {found.status for found in verdicts(rule(**fields), new, BEFORE)} <= {
        "PASS", "FAIL", "IDENTICAL", "CANNOT TELL",
    }  # fmt: skip


def test_without_a_judged_query_a_rule_cannot_tell() -> None:
    """No judgment is no regression and no pass; queries without scores stay invalid."""
    none = values(0.5, [], 0)
    new, old = evidence("new", {"a": none}), evidence("old", {"a": none})
    for fields in ({"max_drop": 0.03}, {"min": 0.1}):
        found = only(rule(**fields), new, old)
        assert found.status == "CANNOT TELL"
        assert "no query is judged" in found.sentence
    unscored = replace(new, unscored={("d", "a"): 3})
    assert only(rule(max_drop=0.03), unscored, old).status == "INVALID"
