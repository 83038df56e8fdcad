"""Queries that a file lacks decide nothing: neither better nor worse, in either role, on one dataset or on several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.systems import run_of

from evalkit.comparison import (
    MISSING,
    ComparisonSet,
    Plan,
    System,
    across_datasets,
    compare,
    compare_all,
    explore,
    order_systems,
    pool,
)
from evalkit.comparison.missing_queries import MOST_MISSING, lacks_too_many, missing
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Coverage, Qrels, Run

PLAN = Plan("a", "nDCG@10", resamples=999)
N = 100
QRELS = Qrels({f"q{i:03}": {"r": 1, "n": 0} for i in range(N)})


def ranking(tag: str, right: int, queries: int = N) -> Run:
    """Return a run of the first queries that ranks the relevant document first in `right` of them, else second."""
    return run_of(
        tag,
        {q: {"r": 2.0 if i < right else 0.0, "n": 1.0} for i, q in enumerate(QRELS.grades) if i < queries},
    )


def files(*runs: Run, as_zero: bool = False, dataset: str = "d") -> ComparisonSet:
    """Return the comparison set of some files."""
    metrics = parse_metrics(["nDCG@10", "P@1"])
    systems = {
        run.tag: System(
            run.tag,
            run,
            evaluate(run, QRELS, metrics),
            coverage=Coverage.of(run, QRELS),
            missing_as_zero=as_zero,
        )
        for run in runs
    }
    return ComparisonSet(dataset, QRELS, systems)


GOOD, BAD = ranking("a", 90), ranking("b", 10)


def cut(run: Run, queries: int) -> Run:
    """Return the first queries of a run."""
    return run.restricted_to(list(QRELS.grades)[:queries])


@pytest.mark.parametrize("queries", [1, 12, 50, 94])
def test_a_cut_off_file_is_never_worse_or_better(queries: int) -> None:
    """Neither as contender nor as baseline, even where the queries that are left say the same."""
    for runs in (
        (GOOD, cut(BAD, queries)),
        (cut(GOOD, queries), BAD),
        (cut(GOOD, queries), cut(BAD, queries)),
    ):
        (one,) = compare(files(*runs), PLAN)
        assert one.verdict == MISSING
        assert {one.p, one.p_adjusted, one.p_t, one.lower, one.upper, one.joint_lower, one.detectable} == {
            None
        }
        assert not one.has_evidence
        lacking = [N - len(run.query_ids) for run in runs]
        assert [one.baseline_missing, one.contender_missing] == lacking
        assert list(explore(files(*runs), PLAN)) == []


def test_two_cut_off_files_add_up() -> None:
    """A pair rests on all queries that one of its files lacks."""
    first = GOOD.restricted_to(list(QRELS.grades)[4:])
    assert compare(files(first, BAD), PLAN)[0].verdict == "worse"
    assert compare(files(first, cut(BAD, N - 4)), PLAN)[0].verdict == MISSING


def test_few_missing_queries_keep_a_large_difference() -> None:
    """Up to the largest share, a claim holds that also holds with these queries counted against it."""
    few = round(MOST_MISSING * N)
    assert compare(files(GOOD, cut(BAD, N - few)), PLAN)[0].verdict == "worse"
    close = ranking("b", 80)
    assert compare(files(GOOD, close), PLAN)[0].verdict == "worse"
    (one,) = compare(files(GOOD, cut(close, N - few)), PLAN)
    assert (one.verdict, one.has_evidence) == (MISSING, True)


def test_what_the_engine_did_not_find_is_a_value() -> None:
    """Where it is stated that the engine returned nothing, each missing query counts as 0, and the test decides."""
    (one,) = compare(files(GOOD, cut(BAD, 50), as_zero=True), PLAN)
    assert (one.verdict, one.contender_missing, one.unranked) == ("worse", 50, 50)
    (same,) = compare(files(GOOD, replace(GOOD, tag="b"), as_zero=True), PLAN)
    assert same.verdict == "identical"


def test_empty_queries_of_a_reranker_are_not_missing() -> None:
    """Rankings that evalkit made have no file: a first stage that finds nothing is another thing."""
    systems = {
        name: replace(entry, coverage=None) for name, entry in files(GOOD, cut(BAD, 60)).systems.items()
    }
    one = ComparisonSet("d", QRELS, systems)
    assert missing(systems["b"]) == frozenset()
    assert not lacks_too_many(one, "a", "b")
    assert compare(one, PLAN)[0].verdict == "worse"


@settings(max_examples=30)
@given(st.integers(0, 300))
def test_a_cut_off_file_takes_no_verdict_from_the_others(seed: int) -> None:
    """The others are tested as if it were not there: same p-values, same verdicts."""
    rng = np.random.default_rng(seed)
    right = rng.integers(0, N + 1, 3).tolist()
    whole = [ranking(tag, count) for tag, count in zip("abc", right, strict=True)]
    alone = compare(files(*whole), PLAN)
    joined = compare(files(*whole, cut(ranking("z", 50), 30)), PLAN)
    assert joined[:2] == alone
    assert joined[2].verdict == MISSING


def test_several_datasets_together_say_nothing_either() -> None:
    """The mean over datasets is withheld with the dataset; how the difference varies over datasets is not known."""
    sets = [files(GOOD, BAD), files(GOOD, cut(BAD, 60), dataset="e")]
    compared = compare_all(sets, PLAN)
    (one,) = pool(sets, PLAN, compared)
    assert (one.verdict, one.p_adjusted, one.lower, one.contender_missing) == (MISSING, None, None, 40)
    assert across_datasets(compared, PLAN) == []


def test_a_cut_off_file_has_no_place_in_an_order() -> None:
    """It comes last, is tied with nothing, better than nothing, and worse than nothing."""
    ordered = order_systems(files(BAD, cut(GOOD, 70), ranking("c", 50)), PLAN)
    assert list(ordered.tied) == ["c", "b", "a"]
    assert ordered.unknown == {"a"}
    assert ordered.better == {"c": (), "b": ("c",), "a": ()}
    assert ordered.tied["a"] == ()


def with_candidates(cut_at: int, *, as_zero: bool = False) -> ComparisonSet:
    """Return a first stage from a file of some queries, a reranker of its candidates, and a whole run of an engine."""
    first, reranked = cut(ranking("a", 40), cut_at), cut(ranking("r", 90), cut_at)
    found = files(first, reranked, ranking("e", 60), as_zero=as_zero)
    engine = replace(found.systems["e"], own_candidates=True)
    return replace(found, first_stage=first, systems={**found.systems, "e": engine})


@pytest.mark.parametrize("queries", [12, 50, 94])
def test_a_cut_off_file_of_candidates_decides_nothing_against_a_run(queries: int) -> None:
    """The first stage and its rerankers lack the same queries: they are compared among themselves alone."""
    found = with_candidates(queries)
    verdicts = {one.contender: one.verdict for one in compare(found, PLAN)}
    assert verdicts["e"] == MISSING
    assert verdicts["r"] in {"better", "identical", "too few queries"}
    ordered = order_systems(found, PLAN)
    assert ordered.unknown == {"a", "r"}
    assert next(iter(ordered.tied)) == "e"
    assert not any("e" in (name, *others) and others for name, others in ordered.better.items())


def test_it_may_be_stated_that_there_were_no_candidates() -> None:
    """Then each missing query is a value of 0."""
    assert [one.verdict for one in compare(with_candidates(30, as_zero=True), PLAN)] != [MISSING] * 2
