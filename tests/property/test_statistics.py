"""Laws of comparisons: they hold for any differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import judge_drop
from evalkit.stats import holm, minimum_detectable_effect, one_sided_bounds, queries_needed, sign_flip

VALUES = st.lists(st.integers(-20, 20), min_size=2, max_size=60)


def column(values: list[int]) -> NDArray[np.float64]:
    """Return differences of a twentieth's steps."""
    return np.array(values, dtype=np.float64) / 20


@given(VALUES)
def test_who_is_called_baseline_does_not_matter(values: list[int]) -> None:
    """Swapping the two systems, or counting in other units, leaves p as it is."""
    d = column(values)
    p = sign_flip(d[:, None], 499).p[0]
    assert sign_flip(-d[:, None], 499).p[0] == p
    assert sign_flip(8 * d[:, None], 499).p[0] == p
    assert 0 < p <= 1


@given(VALUES)
def test_no_difference_is_never_significant(values: list[int]) -> None:
    """All zeros have p = 1."""
    assert sign_flip(np.zeros((len(values), 2)), 499).p.tolist() == [1.0, 1.0]


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_max_t_is_never_below_the_p_value_of_its_own(columns: list[list[int]]) -> None:
    """Correcting for more tests never makes one more significant."""
    n = min(map(len, columns))
    matrix = np.column_stack([column(values[:n]) for values in columns])
    found = sign_flip(matrix, 499)
    assert (found.p_max_t >= found.p - 1e-12).all()
    if matrix.shape[1] == 1:
        assert found.p_max_t[0] == found.p[0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_the_p_values_and_bonferroni(p: list[float]) -> None:
    """Adjusted values rise with the p-values, are at least those, and at most the number of tests times as much."""
    given_p = np.array(p)
    adjusted = holm(given_p)
    assert (adjusted >= given_p).all()
    assert (adjusted <= np.minimum(1, len(p) * given_p) + 1e-12).all()
    order = np.argsort(given_p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@given(st.floats(0.01, 0.5), st.integers(3, 5000), st.sampled_from([1, 2]))
def test_more_queries_find_smaller_differences(deviation: float, n: int, sides: int) -> None:
    """The detectable effect falls with n and grows with the spread, and the queries it needs are those."""
    one, more = (minimum_detectable_effect(deviation, m, sides=sides) for m in (n, 2 * n))
    assert one is not None
    assert more is not None
    assert more < one
    assert queries_needed(deviation, one, sides=sides) == pytest.approx(n, abs=1)


@given(st.lists(st.integers(-20, 20), min_size=30, max_size=80), st.floats(0.001, 0.2))
def test_verdicts_follow_from_the_bounds_alone(values: list[int], margin: float) -> None:
    """PASS, FAIL and CANNOT TELL divide what bounds can be; a wider margin never turns a pass into a failure."""
    d = column(values)
    verdict = judge_drop(d, "m", margin, 0.05)
    if not d.any():
        assert verdict.status == "IDENTICAL"
        return
    bounds = one_sided_bounds(d, margin)
    if bounds.lower == bounds.upper:
        assert verdict.status == "CANNOT TELL"
        return
    expected = "PASS" if bounds.lower > -margin else "FAIL" if bounds.upper < -margin else "CANNOT TELL"
    assert verdict.status == expected
    assert (bounds.p_not_worse < 0.05) == (verdict.status == "PASS") or bounds.lower == pytest.approx(-margin)
    if verdict.status == "PASS":
        assert judge_drop(d, "m", 2 * margin, 0.05).status == "PASS"


@given(n=st.integers(2, 10_000), sides=st.sampled_from([1, 2]))
def test_a_stricter_test_finds_only_larger_effects(n: int, sides: int) -> None:
    """Down to levels that a correction for a thousand comparisons makes, where tails can hardly be computed."""
    found = [
        minimum_detectable_effect(1.0, n, alpha, sides=sides) for alpha in (0.05, 0.01, 1e-3, 1e-4, 1e-6)
    ]
    assert None not in found
    assert found == sorted(found)  # type: ignore[type-var]
