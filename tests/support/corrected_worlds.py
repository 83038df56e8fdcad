"""A world of two systems whose queries a judge graded, and of which people judged a random draw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evalkit.comparison import ComparisonSet, Plan, System
from evalkit.comparison.correction import Correction
from evalkit.metrics import evaluate
from evalkit.records import Coverage, Qrels, Query, Run

PLAN = Plan(baseline="base", primary="nDCG@3", resamples=200)
IDS = [f"q{n}" for n in range(120)]
DRAWN = IDS[:40]
Grades = dict[str, dict[str, float]]


def people(seed: int = 0, queries: list[str] = DRAWN) -> Grades:
    """Return grades of people that favour document b, with much spread; some queries have no relevant document."""
    rng = np.random.default_rng(seed)
    return {
        q: {"a": float(rng.integers(0, 3)), "b": float(rng.integers(0, 4)), "c": 0.0}
        if int(q[1:]) % 7
        else {"a": 0.0, "b": 0.0, "c": 0.0}
        for q in queries
    }


def judge(seed: int = 1) -> Grades:
    """Return the judge's grades of all queries: near those of people, with a bias for document a."""
    rng = np.random.default_rng(seed)
    truth = people(queries=IDS)
    return {
        q: {"a": docs["a"] + 1, "b": max(0.0, docs["b"] - float(rng.integers(0, 2))), "c": 0.0}
        for q, docs in truth.items()
    }


def world(by_people: Grades | None = None, by_judge: Grades | None = None, **fields: Any) -> ComparisonSet:
    """Return two systems, of which one ranks document a first and the other document b."""
    human, machine = by_people or people(), by_judge or judge()
    mixed = Qrels({q: machine.get(q, {}) | human.get(q, {}) for q in IDS})
    systems = {}
    for name, docs in (("base", "abc"), ("new", "bac")):
        rows = [(q, d, -float(rank)) for q in IDS for rank, d in enumerate(docs)]
        run = Run.from_rows(name, *map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]
        systems[name] = System(name, run, evaluate(run, mixed, ["nDCG@3"]))
    correction = Correction("luna", tuple(DRAWN), tuple(IDS[40:]), Qrels(human), Qrels(machine))
    queries = {q: Query(q, f"text {q}", {"half": str(int(q[1:]) % 2)}) for q in IDS}
    found = ComparisonSet("d", mixed, systems, queries, judged_by="corrected", correction=correction)
    return replace(found, **fields)


def certain() -> ComparisonSet:
    """Return two systems of which the new one is better at most of the drawn queries."""
    return world(people() | {q: {"a": 0.0, "b": 3.0, "c": 0.0} for q in DRAWN[:36]})


def lacking(found: ComparisonSet, query_id: str, *, stated: bool = False) -> ComparisonSet:
    """Return the systems without a list of the new one for a query, as its file lacks it."""
    new = found.systems["new"]
    run = new.run.restricted_to([q for q in new.run.query_ids if q != query_id])
    lost = replace(new, run=run, coverage=Coverage.of(run, found.qrels), missing_as_zero=stated)
    return replace(found, systems={**found.systems, "new": lost})
