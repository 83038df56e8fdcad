"""How much narrower an interval is with a judge: from the queries that it and people judged completely."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.judging.judge_worth import JudgeWorth, WorthPlan, complete_differences, judge_worth
from evalkit.records import Qrels, Run
from evalkit.stats import CorrectionPlan, correlation_range

BOTH = ("xyz", "zyx")


def system(name: str, docs: str, queries: tuple[str, ...] = ("q", "r")) -> Run:
    """Return a system that ranks the same documents for every query."""
    rows = [(query, doc, -float(rank)) for query in queries for rank, doc in enumerate(docs)]
    ids, found, scores = zip(*rows, strict=True)
    return Run.from_rows(name, list(ids), list(found), list(scores))


def test_only_wholly_judged_queries_have_a_difference() -> None:
    """Each document of both systems within the cutoff has a grade: one without is not taken to be 0."""
    both = system("a", "xyz"), system("b", "zyx")
    qrels = Qrels({"q": {"x": 1, "y": 0, "z": 0}, "r": {"x": 1, "y": 0}})
    assert complete_differences(both, qrels, "nDCG@3", 3) == pytest.approx({"q": -0.5})
    assert complete_differences(both, qrels, "RR@1", 1) == pytest.approx({"q": -1.0})


def test_a_query_without_a_relevant_document_has_no_difference() -> None:
    """It counts as 0, as it does in a corrected comparison: without it, plans would promise too much or too little."""
    qrels = Qrels({"q": {"x": 1, "y": 0, "z": 0}, "r": {"x": 0, "y": 0, "z": 0}})
    both = system("a", "xyz"), system("b", "zyx")
    found = complete_differences(both, qrels, "nDCG@3", 3)
    assert found == pytest.approx({"q": -0.5, "r": 0.0})


def world(agrees: float, rated: int = 40, queries: int = 200, drawn: bool = True) -> JudgeWorth:
    """Return the worth of a judge that gives people's grades with a probability, else random ones."""
    rng, ids = np.random.default_rng(4), tuple(f"q{number}" for number in range(queries))
    grades = {query: dict(zip("xyz", rng.integers(0, 4, 3).tolist(), strict=True)) for query in ids}
    judged = {
        query: docs
        if rng.random() < agrees
        else dict(zip("xyz", rng.integers(0, 4, 3).tolist(), strict=True))
        for query, docs in grades.items()
    }
    sample = ids[:rated]
    people = Qrels({query: grades[query] for query in sample})
    one, other = (system(name, docs, ids) for name, docs in zip(("a", "b"), BOTH, strict=True))
    plan = WorthPlan(one, other, 3, queries, sample if drawn else None)
    return judge_worth(Qrels(judged), people, "nDCG@3", plan)


def test_the_width_is_that_of_the_plan_at_the_correlation_and_its_bounds() -> None:
    """Fisher's interval of the correlation gives the interval of the width."""
    found = world(0.7)
    assert found.correlation is not None
    assert (found.queries, found.of_all, found.unused) == (40, 200, False)
    assert (found.lower, found.upper) == pytest.approx(correlation_range(found.correlation, 40))
    widths = [
        CorrectionPlan(200, 1.0, one or 0.0).width_ratio(40)
        for one in (found.upper, found.correlation, found.lower)
    ]
    assert [found.least_width, found.width, found.most_width] == pytest.approx(widths)
    assert widths == sorted(widths)


def test_a_judge_by_chance_gets_no_narrower_interval() -> None:
    """Its correlation is near 0: the width is that of people alone."""
    found = world(0.0)
    assert found.width == pytest.approx(1.0, abs=0.02)


def test_a_judge_that_is_never_wrong_on_the_sample_is_not_used() -> None:
    """As in a correction: where no errors are seen, their size is unknown."""
    assert world(1.0).unused


def test_few_queries_have_no_worth() -> None:
    """Below ten there is neither a correlation nor a width."""
    found = world(0.7, rated=9)
    assert (found.queries, found.correlation, found.width, found.unused) == (9, None, None, None)
