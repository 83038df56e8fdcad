"""Laws of cluster-robust means and sign flips, of bounded intervals, and of small p-values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.stats import bounded_interval, mean_error, mean_interval, paired_share_interval, sign_flip
from evalkit.stats.clusters import cluster_sums

VALUES = st.lists(st.floats(0, 1, width=32), min_size=3, max_size=40).map(np.array)


@given(VALUES)
def test_clusters_of_one_query_change_nothing(values: NDArray[np.float64]) -> None:
    """Error, degrees of freedom and interval are those of independent queries."""
    alone, robust = mean_error(values), mean_error(values, np.arange(len(values)))
    assert robust.error == pytest.approx(alone.error, rel=1e-9, abs=1e-12)
    assert robust.degrees == pytest.approx(alone.degrees, rel=1e-9)


@given(VALUES, st.integers(2, 4))
def test_copies_of_queries_add_nothing(values: NDArray[np.float64], copies: int) -> None:
    """Each query k times over, as one cluster, has the interval of the queries once."""
    index = np.tile(np.arange(len(values)), copies)
    once, repeated = mean_interval(values), mean_interval(np.tile(values, copies), 0.95, index)
    assert repeated.lower == pytest.approx(once.lower, rel=1e-6, abs=1e-9)
    assert repeated.n == copies * once.n


def test_one_cluster_has_no_interval() -> None:
    """One cluster says nothing about others."""
    found = mean_interval(np.array([0.2, 0.4, 0.9]), 0.95, np.zeros(3, dtype=np.int64))
    assert (found.estimate, found.lower, found.upper) == (pytest.approx(0.5), None, None)


@given(VALUES)
def test_a_bounded_interval_contains_its_mean_and_has_a_width(values: NDArray[np.float64]) -> None:
    """It is inside [0, 1], also where all values are equal to 0 or 1."""
    for column in (values, np.round(values), np.ones_like(values), np.zeros_like(values)):
        found = bounded_interval(column)
        assert found.lower is not None
        assert found.upper is not None
        assert 0 <= found.lower <= column.mean() + 1e-12
        assert column.mean() - 1e-12 <= found.upper <= 1
        if np.ptp(column) or column[0] in {0.0, 1.0}:
            assert found.lower < found.upper


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=60).map(np.array))
def test_the_interval_of_paired_shares_is_symmetric(differences: NDArray[np.float64]) -> None:
    """Exchanging the systems changes the sign of the bounds; they are inside [-1, 1] and apart."""
    found, other = paired_share_interval(differences), paired_share_interval(-differences)
    assert found.lower is not None
    assert found.upper is not None
    assert (found.lower, found.upper) == pytest.approx(
        (-(other.upper or 0.0), -(other.lower or 0.0)), abs=1e-6
    )
    assert -1 <= found.lower <= differences.mean() <= found.upper <= 1
    assert found.lower < found.upper


@given(VALUES)
def test_a_cluster_flips_as_one_query(values: NDArray[np.float64]) -> None:
    """Flipping clusters of queries is flipping their sums."""
    index = np.arange(len(values)) // 2
    centred = (values - 0.4)[:, None]
    clustered = sign_flip(centred, 499, seed=1, clusters=index)
    assert clustered.p == pytest.approx(sign_flip(cluster_sums(centred, index), 499, seed=1).p)


@given(VALUES, st.integers(2, 4))
def test_copies_of_queries_leave_bounded_intervals_as_they_are(
    values: NDArray[np.float64], copies: int
) -> None:
    """Also for values of 0 and 1, and for their differences."""
    index = np.tile(np.arange(len(values)), copies)
    for column in (values, np.round(values)):
        once, repeated = bounded_interval(column), bounded_interval(np.tile(column, copies), 0.95, index)
        assert (repeated.lower, repeated.upper) == pytest.approx((once.lower, once.upper), rel=1e-6, abs=1e-9)
    signs = np.round(values) - np.round(values[::-1])
    once, repeated = paired_share_interval(signs), paired_share_interval(np.tile(signs, copies), 0.95, index)
    assert (repeated.lower, repeated.upper) == pytest.approx((once.lower, once.upper), rel=1e-6, abs=1e-6)
