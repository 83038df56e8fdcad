"""Weighted means and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.records import SHARES
from evalkit.stats import DrawnWeights, mean_interval, weighted_mean

RNG = np.random.default_rng(3)
VALUES = RNG.random(80)
ONES = np.ones(80)


def test_equal_weights_give_the_usual_interval() -> None:
    """Without a finite population it is Student's; with probability p everywhere it is narrower by sqrt(1 - p)."""
    usual = mean_interval(VALUES)
    assert usual.lower is not None
    assert usual.estimate is not None
    found = weighted_mean(VALUES, DrawnWeights(7 * ONES))
    assert (found.estimate, found.lower, found.upper) == pytest.approx(
        (usual.estimate, usual.lower, usual.upper)
    )
    finite = weighted_mean(VALUES, DrawnWeights(ONES, 0.36 * ONES))
    assert finite.lower is not None
    assert finite.estimate is not None
    assert finite.estimate == pytest.approx(usual.estimate)
    assert finite.estimate - finite.lower == pytest.approx(0.8 * (usual.estimate - usual.lower))


def test_equal_weights_in_clusters_give_the_clustered_interval() -> None:
    """The estimate of the variance is CR2, as for the plain mean, with slightly fewer degrees of freedom."""
    clusters = np.repeat(np.arange(40), 2)
    usual = mean_interval(VALUES, clusters=clusters)
    found = weighted_mean(VALUES, DrawnWeights(ONES, clusters=clusters))
    assert (found.lower, found.upper) == pytest.approx((usual.lower, usual.upper), rel=1e-3)


def test_a_copy_of_every_query_in_its_cluster_changes_nothing() -> None:
    """Copies are no evidence: estimate, bounds and effective size stay."""
    weights = RNG.uniform(1, 3, 80)
    once = DrawnWeights(weights)
    twice = DrawnWeights(np.repeat(weights, 2), clusters=np.repeat(np.arange(80), 2))
    assert twice.effective_size == pytest.approx(once.effective_size)
    one, two = weighted_mean(VALUES, once), weighted_mean(np.repeat(VALUES, 2), twice)
    assert (two.estimate, two.lower, two.upper) == pytest.approx((one.estimate, one.lower, one.upper))


def test_a_query_that_is_certain_adds_nothing_to_the_error() -> None:
    """Its value moves the mean, and not the width as long as others keep their residuals; all certain: no width."""
    everything = weighted_mean(VALUES, DrawnWeights(np.arange(1.0, 81), ONES), limits=SHARES)
    assert everything.lower == everything.estimate == everything.upper
    probabilities = np.where(np.arange(80) < 8, 1.0, 0.1)
    weights = np.where(np.arange(80) < 8, 2.0, 1.0)
    drawn = weighted_mean(VALUES, DrawnWeights(weights, probabilities))
    ignoring = weighted_mean(VALUES, DrawnWeights(weights))
    assert drawn.upper is not None
    assert drawn.lower is not None
    assert ignoring.upper is not None
    assert ignoring.lower is not None
    assert drawn.upper - drawn.lower < ignoring.upper - ignoring.lower


def test_strata_with_different_means_narrow_the_interval() -> None:
    """The spread between strata is no error of the draw."""
    strata = np.repeat([0, 1], 40)
    values = VALUES * 0.1 + strata * 0.5
    together, apart = (weighted_mean(values, DrawnWeights(ONES, 0.5 * ONES, one)) for one in (None, strata))
    assert together.upper is not None
    assert together.lower is not None
    assert apart.upper is not None
    assert apart.lower is not None
    assert apart.upper - apart.lower < 0.5 * (together.upper - together.lower)


def test_a_stratum_with_one_random_query_is_joined_with_the_others() -> None:
    """One query has no spread of its own, so that strata are ignored."""
    strata = np.array([0] * 79 + [1])
    found = weighted_mean(VALUES, DrawnWeights(ONES, 0.5 * ONES, strata))
    assert found == weighted_mean(VALUES, DrawnWeights(ONES, 0.5 * ONES))


def test_too_few_effective_queries_have_no_interval() -> None:
    """The limit of 30 is that of effective queries, and of clusters."""
    assert weighted_mean(VALUES[:30], DrawnWeights(ONES[:30])).lower is not None
    uneven = DrawnWeights(np.where(np.arange(80) < 5, 100.0, 1.0))
    assert uneven.effective_size < 30
    found = weighted_mean(VALUES, uneven)
    assert (found.lower, found.upper) == (None, None)
    assert found.estimate is not None
    clustered = DrawnWeights(ONES, clusters=np.arange(80) // 4)
    assert clustered.effective_size == pytest.approx(20)
    assert weighted_mean(VALUES, clustered).lower is None
    certain = DrawnWeights(uneven.weights, np.where(np.arange(80) < 5, 1.0, 0.5))
    assert certain.effective_size == uneven.effective_size
    assert certain.effective_by_chance == pytest.approx(75)
    assert weighted_mean(VALUES, certain).lower is not None, "the heavy queries are in every draw"
    assert weighted_mean(VALUES[:0], DrawnWeights(ONES[:0])).estimate is None


def test_equal_values_have_an_interval_with_a_width_inside_the_range() -> None:
    """100 queries with the value 0 do not show that all queries have it."""
    zeros = np.zeros(100)
    found = weighted_mean(zeros, DrawnWeights(np.linspace(1, 2, 100), 0.1 * np.ones(100)), limits=SHARES)
    assert found.lower == 0
    assert found.upper is not None
    assert 0.01 < found.upper < 0.06


def test_the_design_of_some_queries_has_strata_and_clusters_without_gaps() -> None:
    """Queries without a value are left out of a mean."""
    drawn = DrawnWeights(ONES, ONES / 2, np.repeat([0, 1], 40), np.arange(80) // 2)
    part = drawn.at(np.arange(60, 70))
    assert part.strata is not None
    assert part.clusters is not None
    assert part.inclusion is not None
    assert set(part.strata) == {0}
    assert part.clusters.max() == 4
    assert len(part.inclusion) == 10
