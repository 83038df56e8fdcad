"""The gate: which pairs of values each rule judges, and what is invalid instead of a regression."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.api_runs import write_collection
from support.checked import Backend
from support.finished import edit_json, finished, lifted
from support.gates import ALPHA, METRIC, NOISE, N, evidence, only, rule, values, verdicts

from evalkit.comparison.gate_verdicts import judge_drop, judge_minimum
from evalkit.config import GateSettings
from evalkit.errors import IncompleteError, InputError
from evalkit.stats import chance_of_detecting
from evalkit.summaries.gate_evidence import Evidence
from evalkit.workflows.baseline import save_baseline
from evalkit.workflows.gate import DEFAULT_DROP, gate, judge_rule
from evalkit.workflows.gate_case import Terms

pytestmark = pytest.mark.usefixtures("blank_plots")


OLD = evidence("old", {"a": values(0.5)})


@given(shift=st.floats(-0.2, 0.2), margin=st.floats(0.001, 0.1))
def test_a_drop_is_judged_by_the_paired_differences(shift: float, margin: float) -> None:
    """With a margin that does not depend on the values; the same as judging the differences themselves."""
    new = evidence("new", {"a": values(0.5 + shift, NOISE[::-1])})
    found = only(rule(max_drop=margin), new, OLD)
    expected = judge_drop(
        values(0.5 + shift, NOISE[::-1]).of(METRIC) - values(0.5).of(METRIC), METRIC, margin, ALPHA
    )
    assert found.status == expected.status
    assert found.sentence.startswith(expected.sentence)
    assert found.estimate == pytest.approx(shift, abs=1e-9)
    assert (found.dataset, found.reranker, found.n) == ("d", "a", N)


@pytest.mark.parametrize(("mean", "status"), [(0.48, "PASS"), (0.42, "FAIL")])
def test_a_share_of_the_gain_must_be_kept(mean: float, status: str) -> None:
    """The baseline gained 0.2 over its first stage: three quarters of it allow a loss of 0.05."""
    noise = np.random.default_rng(2).normal(0, 0.001, N)
    new = evidence("new", {"a": values(mean, NOISE + noise)})
    found = only(rule(retain=0.75), new, OLD)
    assert found.status == status
    assert found.rule == "nDCG@10 retain 0.75"


@pytest.mark.parametrize("mean", [0.3, 0.2])
def test_where_nothing_was_gained_nothing_can_be_retained(mean: float) -> None:
    """A baseline at or below its first stage: invalid, whatever the new values are."""
    found = only(rule(retain=0.5), evidence("new", {"a": values(0.9)}), evidence("old", {"a": values(mean)}))
    assert found.status == "INVALID"
    assert "there is no gain to retain" in found.sentence


@given(mean=st.floats(0, 1), least=st.floats(0, 1))
def test_a_minimum_needs_no_baseline_value(mean: float, least: float) -> None:
    """Only the result's own values count; its candidates may be others than the baseline's."""
    new = evidence("new", {"a": values(mean)}, prints={"d": {"candidates": "other"}})
    expected = judge_minimum(values(mean).of(METRIC), METRIC, least, ALPHA)
    found = only(rule(min=least), new, OLD)
    assert (found.status, found.sentence, found.lower) == (expected.status, expected.sentence, expected.lower)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (evidence("new", {"a": values(0.5)}, prints={"d": {"judgments": "x", "candidates": "c", "depth": "6"}}),
         "the judgments of d differ from the baseline"),
        (evidence("new", {"a": values(0.5)}, prints={"d": {"judgments": "j", "candidates": "x", "depth": "5"}}),
         "the candidates and the depth of d differ from the baseline"),
        (replace(evidence("new", {"a": values(0.5)}, prints={"d": {"judgments": "x", "candidates": "c", "depth": "6"}}),
                 judged_by={"d": "mixed"}),
         ("the judgments of d differ from the baseline: the baseline counts those of people, this result those of"
         " people and models")),
        (evidence("new", {"a": values(0.5)}, unscored={("d", "a"): 3}), "a has no scores for 3 of 63 queries"),
        (evidence("new", {"a": replace(values(0.5), metrics=("MRR@10",))}), f"the result has no values of {METRIC}"),
        (evidence("new", {"a": values(0.5, queries=59)}), "1 queries have a value on only one side"),
        (evidence("new", {"b": values(0.5)}), "the result new has no 'a' on d"),
    ],
    ids=["judgments", "candidates", "raters", "failed queries", "no metric", "fewer queries", "no reranker"],
)  # fmt: skip
def test_what_is_missing_or_different_is_invalid(new: Evidence, why: str) -> None:
    """And never a regression: no estimate, no bounds."""
    found = only(rule(max_drop=0.01), new, OLD)
    assert found.sentence == f"{why}; no statistics computed"
    assert (found.status, found.estimate, found.lower, found.upper, found.n) == (
        "INVALID",
        None,
        None,
        None,
        0,
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "refused"),
    [
        ("kept", "dropped", True), ("kept", None, True), ("dropped", "kept", True), ("kept", "kept", False),
        ("dropped", None, False), ("none below", None, False), ("none below", "dropped", False),
    ],
)  # fmt: skip
def test_kept_and_dropped_candidates_are_not_compared(mine: str, theirs: str | None, refused: bool) -> None:
    """Both are named; a baseline of an earlier version dropped them. Without candidates below, both are the same."""
    sides = [
        evidence(
            name, {"a": values(0.5)}, prints={"d": OLD.prints["d"] | ({"below_depth": one} if one else {})}
        )
        for name, one in (("new", mine), ("old", theirs))
    ]
    found = only(rule(max_drop=0.01), *sides)
    assert (found.status == "INVALID") == refused
    if refused:
        assert found.sentence == (
            f"candidates below the depth are {mine} in new and {theirs or 'dropped'} in old (below_depth); no"
            " statistics computed"
        )


def test_a_rule_without_a_name_judges_what_both_sides_have() -> None:
    """Where they share nothing, what the baseline has is missing; a named reranker is judged alone."""
    new = evidence("new", {"a": values(0.5), "b": values(0.5)})
    old = evidence("old", {"b": values(0.5), "c": values(0.5), "a": values(0.5)})
    assert [found.reranker for found in verdicts(rule(max_drop=0.01), new, old)] == ["b", "a"]
    assert [found.reranker for found in verdicts(rule(max_drop=0.01, reranker="a"), new, old)] == ["a"]
    other = evidence("new", {"x": values(0.5)})
    assert [(one.reranker, one.status) for one in verdicts(rule(max_drop=0.01), other, OLD)] == [
        ("a", "INVALID")
    ]


def test_drops_are_judged_on_the_datasets_of_the_baseline() -> None:
    """Minima on those of the result: a dataset that only one side has cannot have got worse, or must be missing."""
    more = {("d", "a"): values(0.5), ("e", "a"): values(0.5)}
    both = evidence(
        "new", {}, values=more, unscored=dict.fromkeys(more, 0), prints={"d": OLD.prints["d"], "e": {}}
    )
    assert [one.dataset for one in verdicts(rule(max_drop=0.01), both, OLD)] == ["d"]
    assert [one.dataset for one in verdicts(rule(min=0.1, reranker="a"), both, OLD)] == ["d", "e"]
    found = verdicts(rule(max_drop=0.01, reranker="a"), OLD, both)
    assert [(one.dataset, one.status) for one in found] == [("d", "PASS"), ("e", "INVALID")]
    assert [one.dataset for one in verdicts(rule(max_drop=0.01, dataset="e", reranker="a"), OLD, both)] == [
        "e"
    ]


@pytest.mark.parametrize(
    ("calls", "unscored", "status"),
    [
        ({("d", "a"): (100, 1)}, 0, "PASS"),
        ({("d", "a"): (100, 2)}, 0, "FAIL"),
        ({}, 0, "PASS"),
        ({}, 2, "INVALID"),
    ],
    ids=["few", "too many", "all known", "none made"],
)
def test_failed_calls_are_judged_by_their_share(
    calls: dict[tuple[str, str], tuple[int, int]], unscored: int, status: str
) -> None:
    """No call at all passes only if every score was known."""
    new = evidence("new", {"a": values(0.5)}, calls=calls, unscored={("d", "a"): unscored})
    assert only(rule(max_failed=0.01), new, OLD).status == status


def rounds(**seconds: Sequence[float]) -> dict[tuple[str, str, int, int], dict[int, float]]:
    """Return the logarithm of the median of every round, for batches of 5 sent one at a time."""
    return {("d", tag, 5, 1): dict(enumerate(np.log(own).tolist())) for tag, own in seconds.items()}


def timed(name: str, **seconds: Sequence[float]) -> Evidence:
    """Return one side with rounds."""
    return evidence(name, {"a": values(0.5), "b": values(0.5)}, rounds=rounds(**seconds))


RATIO = {"latency_to": "b", "batch_size": 5}
STEADY = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95]


@pytest.mark.parametrize(("most", "status"), [(1.5, "FAIL"), (2.5, "PASS")])
def test_latency_is_judged_as_a_ratio_within_one_run(most: float, status: str) -> None:
    """Twice that of the other, round by round; a reranker is not judged by itself."""
    new = timed("new", a=[2 * one for one in STEADY], b=STEADY)
    found = only(rule(max_ratio=most, **RATIO), new, timed("old"))
    assert (found.reranker, found.status, found.n) == ("a", status, 6)
    assert found.estimate == pytest.approx(2)


@given(speed=st.floats(0.1, 10))
def test_a_slowdown_does_not_depend_on_the_machine(speed: float) -> None:
    """Both rerankers are slower or faster by the same factor: the ratio of ratios is 1."""
    old = timed("old", a=[2 * one for one in STEADY], b=STEADY)
    new = timed("new", a=[2 * speed * one for one in STEADY], b=[speed * one for one in STEADY[::-1]])
    found = only(rule(max_slowdown=1.5, reranker="a", **RATIO), new, old)
    assert found.estimate == pytest.approx(1)
    assert found.status == "PASS"


def test_runs_may_have_different_numbers_of_rounds() -> None:
    """A baseline of six rounds and a result of ten are compared over six."""
    old = timed("old", a=[2 * one for one in STEADY], b=STEADY)
    new = timed("new", a=[2 * one for one in STEADY] + [3.0] * 4, b=STEADY + [1.0] * 4)
    for one, other in ((new, old), (old, new)):
        found = only(rule(max_slowdown=1.5, reranker="a", **RATIO), one, other)
        assert (found.status, found.n) == ("PASS", 6)
        assert found.estimate == pytest.approx(1)


@pytest.mark.parametrize(
    ("new", "old", "why"),
    [
        (timed("new", a=STEADY), timed("old", a=STEADY, b=STEADY),
         "new has no round with both a and b on d at batch size 5"),
        (timed("new", a=STEADY, b=STEADY), timed("old"), "old has no round with both"),
    ],
    ids=["result", "baseline"],
)  # fmt: skip
def test_latencies_that_are_missing_are_invalid(new: Evidence, old: Evidence, why: str) -> None:
    """On either side."""
    found = only(rule(max_slowdown=1.1, reranker="a", **RATIO), new, old)
    assert found.status == "INVALID"
    assert found.sentence.startswith(why)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> dict[str, Path]:  # noqa: ARG001 - for what it does
    """Return a result, a better one, and one of another reranker, on one collection."""
    folder = tmp_path_factory.mktemp("gate")
    small = write_collection(folder / "small", 40)
    made = {
        "old": {"a": Backend(lifted(0.5)), "b": Backend(lifted(0.2))},
        "new": {"a": Backend(lifted(2.0))},
        "other": {"x": Backend(lifted(0.5))},
    }
    return {name: finished(small, folder / name, backends) for name, backends in made.items()}


def test_without_rules_the_primary_metric_may_lose_a_little(results: dict[str, Path]) -> None:
    """`DEFAULT_DROP`; the verdicts are kept in the folder, and rerankers that the result lacks are listed."""
    found = gate(results["new"], results["old"])
    (verdict,) = found.verdicts
    assert (verdict.rule, verdict.reranker, verdict.status) == (
        f"{METRIC} max_drop {DEFAULT_DROP}",
        "a",
        "PASS",
    )
    assert found.missing == ("b",)
    assert found.exit_code == 0
    assert (results["new"] / "gates.json").is_file()


def test_a_saved_baseline_gives_the_verdicts_of_its_result(results: dict[str, Path], tmp_path: Path) -> None:
    """Sentence by sentence; only the name of the other side differs."""
    saved = save_baseline(results["old"], "release", tmp_path)
    rules = GateSettings(
        rules=(rule(max_drop=0.02), rule(retain=0.5), rule(min=0.1), rule(max_failed=0.0)),
        on_cannot_tell="warn",
    )
    by_result, by_baseline = (gate(results["new"], side, rules) for side in (results["old"], saved))
    assert by_baseline.verdicts == by_result.verdicts
    assert len(by_result.verdicts) == 4
    assert (by_baseline.against, by_baseline.open_passes) == (str(saved), True)


def test_what_failed_in_a_result_is_invalid(results: dict[str, Path], tmp_path: Path) -> None:
    """An incomplete result is judged, and its exit code is not that of a regression; a baseline must be complete."""
    copy = shutil.copytree(results["new"], tmp_path / "copy")
    edit_json(copy / "manifest.json", lambda data: data.update(status="incomplete"))
    assert gate(copy, results["old"]).verdicts[0].status == "PASS", "no query lacks a score"
    with pytest.raises(IncompleteError):
        gate(results["new"], copy)


def test_rerankers_that_are_not_shared_are_invalid(results: dict[str, Path]) -> None:
    """Those of the baseline are missing in the result: exit code 3."""
    found = gate(results["other"], results["old"])
    assert {(one.reranker, one.status) for one in found.verdicts} == {("a", "INVALID"), ("b", "INVALID")}
    assert (found.exit_code, found.missing) == (3, ())


def test_rules_that_match_nothing_are_an_error(results: dict[str, Path]) -> None:
    """A ratio to the only shared reranker itself; the message lists what both sides have."""
    settings = GateSettings(rules=(rule(max_ratio=2.0, latency_to="a", batch_size=1),))
    with pytest.raises(InputError, match="no rule applies to a reranker") as raised:
        gate(results["new"], results["old"], settings)
    assert raised.value.hint == "use a tag of both; the result has: a; the baseline has: a, b"


SAME = {("d", "a"): {f"q{n}": "x" for n in range(N)}}
OTHER = {("d", "a"): {f"q{n}": "y" if n < 12 else "x" for n in range(N)}}


@pytest.mark.parametrize(
    ("mine", "theirs", "status", "words"),
    [
        (
            SAME,
            SAME,
            "IDENTICAL",
            "(n=60 queries), and all rankings are equal. No query decreased; up to 4.87%",
        ),
        (OTHER, SAME, "PASS", "(n=60 queries); 12 rankings differ. No query decreased; up to 4.87%"),
        (SAME, {}, "PASS", "(n=60 queries); old has no rankings to compare. No query decreased"),
    ],
    ids=["equal", "other rankings", "an older baseline"],
)
def test_identical_takes_equal_rankings(
    mine: dict[Any, Any], theirs: dict[Any, Any], status: str, words: str
) -> None:
    """Equal values alone are a pass: another ranking may have them, and older baselines keep no rankings."""
    new, old = (
        evidence(name, {"a": values(0.5)}, rankings=kept) for name, kept in (("new", mine), ("old", theirs))
    )
    found = only(rule(max_drop=0.01), new, old)
    assert found.status == status
    assert words in found.sentence
    few = [evidence(name, {"a": values(0.5, queries=29)}, rankings=SAME) for name in ("new", "old")]
    assert only(rule(max_drop=0.01), few[0], few[1]).status == "CANNOT TELL"


@pytest.mark.parametrize(
    ("look", "end"),
    [("only", "To gate again with more queries, set `looks: 2` before the first gate"),
     ("first", "Test all queries, old and new, with `look: 2`"),
     ("last", "This was the last planned look")],
)  # fmt: skip
def test_an_open_question_says_what_may_follow(look: Any, end: str) -> None:
    """A chance of passing where a second look is or can be planned; none after the last one."""
    new = evidence("new", {"a": values(0.5, 5 * NOISE[::-1])})
    (found,) = judge_rule(rule(max_drop=0.01), new, OLD, Terms(ALPHA, look))
    assert found.status == "CANNOT TELL"
    assert found.sentence.endswith(end)
    assert ("probability of a PASS" in found.sentence) == (look != "last")


def test_falls_are_counted_by_query() -> None:
    """Six of sixty queries lose a tenth: more than the limit allows, whatever the mean does."""
    lifted_values = np.where(np.arange(N) < 6, NOISE - 0.1, NOISE + 0.05)
    found = only(
        rule(max_fallen=0.02, fallen_by=0.1), evidence("new", {"a": values(0.5, lifted_values)}), OLD
    )
    assert (found.status, found.estimate, found.rule) == (
        "FAIL",
        0.1,
        "nDCG@10 max_fallen 0.02 fallen_by 0.1",
    )
    assert only(rule(max_drop=0.01), evidence("new", {"a": values(0.5, lifted_values)}), OLD).status == "PASS"


def test_a_gate_says_how_often_an_unchanged_system_passes() -> None:
    """By the power of its test at the spread of the differences; not where nothing differs."""
    found = only(rule(max_drop=0.01), evidence("new", {"a": values(0.5, NOISE[::-1])}), OLD)
    deviation = float((NOISE[::-1] - NOISE).std(ddof=1))
    assert found.unchanged_passes == pytest.approx(chance_of_detecting(0.01, deviation, N, ALPHA, sides=1))
    assert only(rule(max_drop=0.01), evidence("new", {"a": values(0.5)}), OLD).unchanged_passes is None


@pytest.mark.parametrize(("unknown", "status"), [(0, "PASS"), (1, "PASS"), (20, "CANNOT TELL")])
def test_a_minimum_does_not_rest_on_which_queries_have_a_value(unknown: int, status: str) -> None:
    """Unknown values may be the worst: the rule passes only if it passes with them, too."""
    of_queries = values(0.5)
    column = of_queries.values.copy()
    column[:unknown] = np.nan
    new = evidence("new", {"a": replace(of_queries, values=column)})
    found = only(rule(min=0.45), new, OLD)
    assert (found.status, found.n) == (status, 60 - unknown)
    assert ("20 queries is unknown" in found.sentence) == (status != "PASS")
