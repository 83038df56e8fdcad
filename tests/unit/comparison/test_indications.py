"""Grades of models carry no claim, however large the difference that they show."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from evalkit.comparison import Comparison, ComparisonSet, Plan, System, compare, order_systems, pool
from evalkit.comparison.indications import as_indication
from evalkit.comparison.plan import Verdict
from evalkit.records import JudgedBy, MetricValues, Qrels, Run, fewest_people

PLAN = Plan(baseline="base", primary="nDCG@10", resamples=200)


def judged_set(judged_by: JudgedBy, gain: float = 0.4) -> ComparisonSet:
    """Return two systems on 60 queries, of which one is far better or far worse."""
    query_ids = tuple(f"q{n}" for n in range(60))
    spread = np.linspace(0, 0.1, 60)
    systems = {
        name: System(
            name,
            Run.from_rows(name, query_ids, ["d"] * 60, [1.0] * 60),
            MetricValues(name, ("nDCG@10",), query_ids, values[:, None]),
        )
        for name, values in (("base", 0.5 + 0 * spread), ("new", 0.5 + gain + spread))
    }
    return ComparisonSet("d", Qrels({q: {"d": 1} for q in query_ids}), systems, judged_by=judged_by)


@pytest.mark.parametrize("gain", [0.4, -0.5, -0.05, 0.0])
@pytest.mark.parametrize(
    ("judged_by", "expected"),
    [("judge only", "undecided: judge only"), ("mixed", "undecided: mixed judgments")],
)
def test_no_difference_is_a_claim(judged_by: JudgedBy, expected: str, gain: float) -> None:
    """The same values that carry a verdict with grades of people carry none, alone, in pairs and pooled."""
    by_people, by_models = judged_set("human", gain), judged_set(judged_by, gain)
    (claimed,), (withheld,) = compare(by_people, PLAN), compare(by_models, PLAN)
    assert not claimed.undecided
    assert withheld == replace(claimed, verdict=expected)  # type: ignore[arg-type]
    ordered = order_systems(by_models, PLAN)
    assert not any(ordered.tied.values())
    assert not any(ordered.better.values())
    sets = [by_people, replace(by_models, dataset="e")]
    (pooled,) = pool(sets, PLAN, [compare(one, PLAN) for one in sets])
    assert pooled.verdict == expected


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_what_is_no_claim_stays(verdict: Verdict) -> None:
    """A verdict that withholds a claim for another reason keeps its reason; every claim is withheld."""
    (one,) = compare(judged_set("human"), PLAN)
    found = as_indication(replace(one, verdict=verdict), "judge only")
    assert found.undecided or verdict == found.verdict == "too few queries"
    assert isinstance(found, Comparison)
    assert as_indication(replace(one, verdict=verdict), "human").verdict == verdict


def test_the_fewest_people_decide() -> None:
    """Of several sets of judgments, the one with the least of people says what a comparison rests on."""
    assert fewest_people("human", "mixed") == "mixed"
    assert fewest_people("judge only", "human") == "judge only"
    assert fewest_people("human", "human") == "human"
