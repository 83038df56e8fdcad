"""Draws whose inclusion probabilities are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import equal_allocation, proportional_probabilities, systematic_draw

SIZES = st.lists(st.integers(1, 10_000), min_size=1, max_size=60)


@given(SIZES, st.data())
def test_probabilities_sum_to_the_sample_and_are_proportional_below_1(
    sizes: list[int], data: st.DataObject
) -> None:
    """No probability is above 1; units below 1 share a factor, and one with 1 is at least as large as each of them."""
    n = data.draw(st.integers(1, len(sizes)))
    size = np.array(sizes, dtype=float)
    found = proportional_probabilities(size, n)
    assert found.sum() == pytest.approx(n)
    assert (found > 0).all()
    assert (found <= 1).all()
    below = found < 1
    if below.any():
        factors = found[below] / size[below]
        assert np.ptp(factors) <= 1e-9 * factors.max()
        assert (size[~below] * factors.max() >= 1 - 1e-9).all()


@given(SIZES, st.data(), st.integers(0, 2**32))
def test_a_draw_has_its_size_and_no_unit_twice(sizes: list[int], data: st.DataObject, seed: int) -> None:
    """Units that are certain are in every draw; the same seed gives the same draw."""
    n = data.draw(st.integers(1, len(sizes)))
    probabilities = proportional_probabilities(np.array(sizes, dtype=float), n)
    drawn = systematic_draw(probabilities, np.random.default_rng(seed))
    assert len(drawn) == n == len(set(drawn.tolist()))
    assert set(np.flatnonzero(probabilities == 1)) <= set(drawn.tolist())
    assert drawn.tolist() == systematic_draw(probabilities, np.random.default_rng(seed)).tolist()


def test_units_are_drawn_as_often_as_their_probabilities_say() -> None:
    """Over 20,000 draws every share is within five standard errors of the probability."""
    probabilities = proportional_probabilities(1000 / np.arange(1, 41), 12)
    rng = np.random.default_rng(0)
    draws = 20_000
    counts = np.zeros(40)
    for _ in range(draws):
        counts[systematic_draw(probabilities, rng)] += 1
    error = np.sqrt(probabilities * (1 - probabilities) / draws)
    assert (np.abs(counts / draws - probabilities) <= 5 * error).all()


def test_pairs_of_units_are_drawn_together() -> None:
    """A random order gives pairs a chance, without which no variance could be estimated."""
    probabilities = proportional_probabilities(1000 / np.arange(1, 41), 12)
    rng = np.random.default_rng(0)
    together = np.zeros((40, 40))
    for _ in range(5000):
        drawn = systematic_draw(probabilities, rng)
        together[np.ix_(drawn, drawn)] += 1
    assert (together > 0).all()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5).filter(any), st.data())
def test_strata_get_equal_parts_or_all_of_their_units(sizes: list[int], data: st.DataObject) -> None:
    """Parts differ by one at most, but for strata that are taken whole."""
    n = data.draw(st.integers(0, sum(sizes)))
    found = equal_allocation(np.array(sizes), n)
    assert found.sum() == n
    assert (found <= sizes).all()
    partial = found[found < sizes]
    assert partial.size == 0 or (np.ptp(partial) <= 1 and (found <= partial.min() + 1).all())
