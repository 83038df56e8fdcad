"""Laws of means that a judge's values help to estimate: they hold for any values."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.records import ValueRange
from evalkit.stats import CorrectedMeans, corrected_means, mean_error, simultaneous_quantile

Values = NDArray[np.float64]


@st.composite
def samples(draw: st.DrawFn) -> tuple[Values, Values]:
    """Return human and judged values in steps of a twentieth: with ties, constants and columns of zeros."""
    n, others, columns = draw(st.integers(3, 40)), draw(st.integers(0, 30)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([0, 1, 3, 20]))
    judged = rng.integers(-spread, spread + 1, (n + others, columns)) / 20
    follows = rng.random((n, columns)) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    human = np.where(follows, judged[:n], rng.integers(-20, 21, (n, columns)) / 20)
    return human, judged


def same(one: CorrectedMeans, other: CorrectedMeans, unit: float = 1.0) -> None:
    """Assert that estimates are the same, in another unit."""
    assert other.weights == pytest.approx(one.weights, abs=1e-9)
    assert other.means == pytest.approx(unit * one.means, abs=1e-9)
    assert other.covariance == pytest.approx(unit**2 * one.covariance, abs=1e-9)
    assert (other.too_rarely_wrong == one.too_rarely_wrong).all()


@given(samples())
def test_weights_are_between_0_and_1_and_variances_are_not_negative(sample: tuple[Values, Values]) -> None:
    """The covariance is one; without other queries, or with a judge that says nothing, the mean is the plain one."""
    human, judged = sample
    found = corrected_means(human, judged)
    assert ((found.weights >= 0) & (found.weights <= 1)).all()
    assert np.linalg.eigvalsh(found.covariance).min() >= -1e-12
    for column in np.flatnonzero(found.weights == 0):
        plain, one = mean_error(human[:, column]), found.of(int(column))
        assert (one.mean, one.error) == pytest.approx((plain.mean, plain.error), rel=1e-9, abs=1e-12)
    if len(judged) == len(human) or not judged.any():
        assert not found.weights.any()


@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_queries_and_of_columns_does_not_matter(
    sample: tuple[Values, Values], random: Random
) -> None:
    """There is no split by chance; every column is estimated as if it were alone."""
    human, judged = sample
    n = len(human)
    found = corrected_means(human, judged)
    first, rest = list(range(n)), list(range(n, len(judged)))
    random.shuffle(first)
    random.shuffle(rest)
    same(found, corrected_means(human[first], judged[first + rest]))
    alone = [corrected_means(human[:, [j]], judged[:, [j]]) for j in range(human.shape[1])]
    assert np.concatenate([one.means for one in alone]) == pytest.approx(found.means, abs=1e-9)
    assert np.concatenate([one.errors for one in alone]) == pytest.approx(found.errors, abs=1e-9)
    backwards = corrected_means(human[:, ::-1], judged[:, ::-1])
    assert backwards.means == pytest.approx(found.means[::-1], abs=1e-9)
    assert backwards.covariance == pytest.approx(found.covariance[::-1, ::-1], abs=1e-9)


@given(samples(), st.sampled_from([0.125, 0.5, 2.0, 16.0]), st.integers(-5, 5))
def test_units_direction_and_a_constant_of_the_judge_do_not_matter(
    sample: tuple[Values, Values], unit: float, constant: int
) -> None:
    """Another unit scales estimates; swapping the systems turns signs; what a judge always adds cancels."""
    human, judged = sample
    found = corrected_means(human, judged)
    same(found, corrected_means(unit * human, unit * judged, limits=ValueRange(0.0, unit)), unit)
    same(found, corrected_means(-human, -judged), -1.0)
    same(found, corrected_means(human, judged + constant))


@given(samples())
def test_clusters_of_one_query_are_queries(sample: tuple[Values, Values]) -> None:
    """Whatever their labels are."""
    human, judged = sample
    same(corrected_means(human, judged), corrected_means(human, judged, 7 + 3 * np.arange(len(judged))[::-1]))


@given(samples(), st.sampled_from([0.8, 0.95, 0.99]))
def test_simultaneous_intervals_are_wider_than_one_alone(
    sample: tuple[Values, Values], confidence: float
) -> None:
    """More confidence needs more width; so do more means."""
    found = corrected_means(*sample)
    quantile = simultaneous_quantile(found.covariance, found.degrees, confidence)
    first = simultaneous_quantile(found.covariance[:1, :1], found.degrees, confidence)
    assert quantile >= first
    assert simultaneous_quantile(found.covariance, found.degrees, 0.995) >= quantile
