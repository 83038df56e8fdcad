"""Laws of kappa and alpha, for any grades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.judging.combined_grades import combine_grades
from evalkit.stats import Weighting, alpha_sums, interval_alpha, kappa

Floats = NDArray[np.float64]
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)
WEIGHTINGS: tuple[Weighting, ...] = ("unweighted", "linear", "quadratic")


def matrix_of(pairs: list[tuple[int, int]]) -> Floats:
    """Return the confusion matrix of four levels."""
    found = np.zeros((4, 4))
    for first, second in pairs:
        found[first, second] += 1
    return found


def grades_of(pairs: list[tuple[int, int]]) -> tuple[Floats, Floats]:
    """Return the grades of both raters."""
    columns = np.array(pairs, dtype=np.float64)
    return columns[:, 0], columns[:, 1]


@given(PAIRS, st.sampled_from(WEIGHTINGS))
def test_kappa_is_symmetric(pairs: list[tuple[int, int]], weighting: Weighting) -> None:
    """Neither rater is the first one."""
    matrix, levels = matrix_of(pairs), np.arange(4.0)
    first, second = kappa(matrix, levels, weighting), kappa(matrix.T, levels, weighting)
    assert first == (None if second is None else pytest.approx(second))


@given(PAIRS, st.permutations(range(4)))
def test_unweighted_kappa_does_not_depend_on_the_order_of_levels(
    pairs: list[tuple[int, int]], order: list[int]
) -> None:
    """Levels are names to it."""
    matrix, levels = matrix_of(pairs), np.arange(4.0)
    moved = kappa(matrix[np.ix_(order, order)], levels)
    assert kappa(matrix, levels) == (None if moved is None else pytest.approx(moved))


@given(PAIRS, st.sampled_from(WEIGHTINGS))
def test_weighted_kappa_does_not_depend_on_the_direction_of_levels(
    pairs: list[tuple[int, int]], weighting: Weighting
) -> None:
    """Grades counted from the other end have the same distances."""
    matrix, levels = matrix_of(pairs), np.arange(4.0)
    turned = kappa(matrix[::-1, ::-1], levels, weighting)
    assert kappa(matrix, levels, weighting) == (None if turned is None else pytest.approx(turned))


@given(PAIRS, st.sampled_from(WEIGHTINGS), st.integers(2, 5))
def test_copies_change_no_kappa(pairs: list[tuple[int, int]], weighting: Weighting, copies: int) -> None:
    """It is of shares, not of counts; it is at most 1, and 1 only where all pairs agree."""
    matrix, levels = matrix_of(pairs), np.arange(4.0)
    found, more = kappa(matrix, levels, weighting), kappa(matrix * copies, levels, weighting)
    assert found == (None if more is None else pytest.approx(more))
    if found is not None:
        assert found <= 1
        assert (found == 1) == all(first == second for first, second in pairs)


@given(PAIRS, st.floats(0.1, 10), st.floats(-5, 5))
def test_alpha_does_not_depend_on_unit_and_origin(
    pairs: list[tuple[int, int]], scale: float, shift: float
) -> None:
    """It is for an interval scale, and symmetric."""
    first, second = grades_of(pairs)
    found = interval_alpha(alpha_sums(first, second).sum(0))
    moved = interval_alpha(alpha_sums(scale * second + shift, scale * first + shift).sum(0))
    assert found == (None if moved is None else pytest.approx(moved, abs=1e-6))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.sampled_from(["mean", "median", "vote"]))
def test_combined_grade_is_within_the_grades_whatever_their_order(grades: list[int], rule: str) -> None:
    """No ensemble grades beyond its members; unanimous members are followed."""
    found = combine_grades(grades, rule)  # type: ignore[arg-type]
    assert min(grades) <= found <= max(grades)
    assert found == combine_grades(grades[::-1], rule)  # type: ignore[arg-type]
