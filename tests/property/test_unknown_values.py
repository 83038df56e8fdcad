"""A metric with unknown values is compared as one computed on the known queries alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.systems import run_of, system_of
from support.worlds import set_of_values

from evalkit.comparison import ComparisonSet, Plan, compare, order_systems, pool, tied_with
from evalkit.comparison.slices import slices
from evalkit.records import MetricValues, Qrels
from evalkit.summaries.comparisons import compare_sets

N = 45
PLAN = Plan("a", "nDCG@10", resamples=999)
UNKNOWN = st.sets(st.integers(0, N - 1), max_size=N)


def columns(seed: int) -> dict[str, np.ndarray]:
    """Return the values of three systems."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.2, 0.6, N)
    return {
        name: base + shift + rng.normal(0, 0.1, N) for name, shift in (("a", 0.0), ("b", 0.05), ("c", -0.02))
    }


def both(seed: int, unknown: set[int]) -> tuple[ComparisonSet, ComparisonSet]:
    """Return a set with unknown values, and one of the other queries alone."""
    values = columns(seed)
    rows = [row for row in range(N) if row not in unknown]
    whole = set_of_values(
        {name: np.where(np.isin(np.arange(N), rows), one, np.nan) for name, one in values.items()}
    )
    known = set_of_values(values)
    systems = {}
    for name, entry in known.systems.items():
        ids = tuple(entry.values.query_ids[row] for row in rows)
        systems[name] = type(entry)(
            name, entry.run, MetricValues(name, entry.values.metrics, ids, entry.values.values[rows])
        )
    return whole, ComparisonSet("d", known.qrels, systems)


def numbers(value: Any) -> Iterator[float]:
    """Yield all numbers of a nested value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


@settings(max_examples=40)
@given(st.integers(0, 300), UNKNOWN)
def test_unknown_values_are_left_out(seed: int, unknown: set[int]) -> None:
    """Comparisons, ties, order and the mean over datasets are those of the known queries."""
    whole, known = both(seed, unknown)
    assert compare(whole, PLAN) == compare(known, PLAN)
    assert order_systems(whole, PLAN) == order_systems(known, PLAN)
    assert tied_with(whole, PLAN) == tied_with(known, PLAN)
    assert pool([whole, whole], PLAN) == pool([known, known], PLAN)
    assert list(slices(whole, PLAN, "b")) == list(slices(known, PLAN, "b"))


@settings(max_examples=40)
@given(st.integers(0, 50), UNKNOWN)
def test_no_document_holds_a_nan(seed: int, unknown: set[int]) -> None:
    """Unknown is null or left out in the whole document of a comparison, and never 0 by default."""
    rng = np.random.default_rng(seed)
    grades = {f"q{i}": {"r": 1, "n": 0, "m": 0} for i in range(N)}
    qrels = Qrels(grades)
    systems = {}
    for name in "ab":
        run = run_of(name, {q: {"r": float(rng.normal()), "n": 0.0, "u": 0.1} for q in grades})
        system = system_of(run, qrels, ["nDCG@10", "P@1"])
        values = system.values.values.copy()
        values[sorted(unknown), 0] = np.nan
        systems[name] = type(system)(
            name, run, MetricValues(name, system.values.metrics, system.values.query_ids, values)
        )
    document = compare_sets([ComparisonSet("d", qrels, systems)], PLAN)
    (entry,) = document.datasets
    assert not any(np.isnan(number) for number in numbers(asdict(document)))
    assert entry.comparisons[0].n == N - len(unknown)
    shown = {row.query_id for found in entry.extremes.values() for row in (*found.worst, *found.best)}
    assert shown.isdisjoint({f"q{row}" for row in unknown})
