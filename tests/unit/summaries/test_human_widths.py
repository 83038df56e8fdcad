"""Half-widths by human-judged queries: those of the plan, from the queries that people have judged so far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evalkit.comparison import ComparisonSet, Plan, System
from evalkit.comparison.correction import Correction
from evalkit.metrics import evaluate
from evalkit.records import Qrels, Query, Run
from evalkit.stats import CorrectionPlan
from evalkit.summaries.human_widths import human_widths

PLAN = Plan(baseline="base", primary="nDCG@3", margin=0.1)
IDS = [f"q{n}" for n in range(120)]
Grades = dict[str, dict[str, float]]


def grades(seed: int, noise: int) -> Grades:
    """Return grades of three documents of every query; noise makes a judge of a person."""
    rng, errors = np.random.default_rng(seed), np.random.default_rng(7)
    people = {q: {doc: float(rng.integers(0, 4)) for doc in "abc"} for q in IDS}
    return {
        q: {doc: max(0.0, grade + float(errors.integers(-noise, noise + 1))) for doc, grade in docs.items()}
        for q, docs in people.items()
    }


def world(drawn: int = 40, rated: int = 40, cluster: int = 1) -> ComparisonSet:
    """Return two systems; of the drawn queries people judged the first ones completely."""
    human, machine = grades(0, 0), grades(0, 1)
    known = {
        q: docs if n < rated else {"a": docs["a"]} for n, (q, docs) in enumerate(human.items()) if n < drawn
    }
    systems = {}
    for name, docs in (("base", "abc"), ("new", "cba")):
        rows = [(q, doc, -float(rank)) for q in IDS for rank, doc in enumerate(docs)]
        run = Run.from_rows(name, *map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]
        systems[name] = System(name, run, evaluate(run, Qrels(machine), ["nDCG@3"]))
    correction = Correction("luna", tuple(IDS[:drawn]), tuple(IDS[drawn:]), Qrels(known), Qrels(machine))
    queries = {q: Query(q, f"text {n // cluster}") for n, q in enumerate(IDS)}
    return ComparisonSet("d", Qrels(machine), systems, queries, judged_by="corrected", correction=correction)


def test_widths_are_those_of_the_plan() -> None:
    """By the observed correlation and deviation; with the bounds of the correlation, and without a judge."""
    (found,) = human_widths(world(), PLAN)
    assert (found.contender, found.judge, found.human, found.queries) == ("new", "luna", 40, 120)
    plan = CorrectionPlan(120, found.deviation, found.correlation)
    assert [row.human for row in found.rows] == [30, 40, 50, 75, 100, 120]
    for row in found.rows:
        assert row.half_width == pytest.approx(plan.half_width(row.human))
        assert row.lower <= row.half_width <= row.upper
        assert row.half_width <= row.alone
    assert 0.3 < found.correlation_lower < found.correlation < found.correlation_upper < 1
    assert found.for_margin == plan.human_for_width(0.1)
    assert found.now.human == 40
    assert found.rows[-1].half_width == pytest.approx(found.rows[-1].alone)


def test_a_draw_that_is_judged_in_part_is_a_pilot() -> None:
    """Queries of which a document is missing do not count; fewer than ten suggest nothing."""
    (found,) = human_widths(world(rated=22), PLAN)
    assert found.human == 22
    assert found.rows[0].human == 22
    assert not list(human_widths(world(rated=9), PLAN))


def test_without_a_correction_there_are_no_widths() -> None:
    """No draw or no judge; and a baseline that the dataset lacks."""
    assert not list(human_widths(replace(world(), correction=None), PLAN))
    assert not list(human_widths(world(), replace(PLAN, baseline="other")))


def test_clusters_count_once() -> None:
    """Of queries with one text only the mean counts, and a cluster is left out if one of its queries is."""
    (found,) = human_widths(world(rated=39, cluster=2), PLAN)
    assert (found.human, found.queries) == (19, 60)
