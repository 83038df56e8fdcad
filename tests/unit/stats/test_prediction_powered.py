"""Means under human grades from few human-judged queries and a judge of all queries."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.judged_worlds import gates_pass

from evalkit.records import ValueRange
from evalkit.stats import (
    FEWEST_ERRORS,
    allow_for_skewness,
    corrected_means,
    fill_failed,
    mean_error,
    mean_interval,
    one_sided_bounds,
    student_interval,
)
from evalkit.stats.unseen_errors import FEWEST_DIFFERING, LEAST_VARIANCE, UNSEEN, UNSEEN_BY_GATES

Values = NDArray[np.float64]
N, OTHERS = 40, 300


def made(seed: int = 0, correlation: float = 0.8, bias: float = 0.3) -> tuple[Values, Values]:
    """Return human values of 40 queries in two columns, and a biased judge's values of 340."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.05, 0.2, (N + OTHERS, 2))
    noise = rng.normal(0, 0.2, truth.shape)
    judged = bias + correlation * truth + np.sqrt(1 - correlation**2) * noise
    return truth[:N], judged


def near(unit: float) -> tuple[Values, Values]:
    """Return the human values in another unit, with a judge that is near them at every query."""
    human, judged = made(correlation=1, bias=0)
    return unit * human, unit * (judged + np.random.default_rng(1).normal(0, 0.06, judged.shape))


def test_without_other_queries_it_is_the_plain_interval() -> None:
    """With N = 0 means, errors, degrees and bounds are those of the human values, with clusters and without."""
    human, judged = made()
    for clusters in (None, np.repeat(np.arange(20), 2), np.minimum(np.arange(N), 33)):
        found = corrected_means(human, judged[:N], clusters)
        assert not found.weights.any()
        for column in range(2):
            plain, one = mean_error(human[:, column], clusters), found.of(column)
            assert (one.mean, one.error, one.degrees) == pytest.approx(
                (plain.mean, plain.error, plain.degrees), rel=1e-12
            )
            assert (one.n, one.clusters) == (plain.n, plain.clusters)
            usual, mine = mean_interval(human[:, column], 0.9, clusters), student_interval(one, 0.9)
            assert (mine.lower, mine.upper) == pytest.approx((usual.lower, usual.upper), rel=1e-12)
            bounds = one_sided_bounds(human[:, column], 0.02, 0.05, clusters)
            bounds = allow_for_skewness(bounds, human[:, column], 0.05, clusters)
            mine_too = found.skewed(column).bounds(0.02)
            assert (mine_too.lower, mine_too.upper) == pytest.approx((bounds.lower, bounds.upper), rel=1e-12)
            assert mine_too.p_not_worse == pytest.approx(bounds.p_not_worse, rel=1e-9)


def test_a_judge_that_says_nothing_leaves_the_plain_interval() -> None:
    """Constant values have the weight 0, whatever they are, and also where the drawn queries alone are constant."""
    human, judged = made()
    same_at_drawn = np.vstack([np.full((N, 2), 0.1), judged[N:]])
    for worthless in (np.full_like(judged, 0.1), np.zeros_like(judged), same_at_drawn, -judged):
        found = corrected_means(human, worthless)
        assert not found.weights.any()
        assert found.means == pytest.approx(human.mean(axis=0), rel=1e-12)
        assert found.errors == pytest.approx(human.std(axis=0, ddof=1) / np.sqrt(N), rel=1e-12)


def test_the_estimate_is_that_of_its_definition() -> None:
    """The weights are slopes without one query; mean, variance and covariance are computed as written."""
    human, judged = made()
    found = corrected_means(human, judged)
    quartiles = np.quantile(judged, (0.25, 0.75), axis=0, method="averaged_inverted_cdf")
    width = quartiles[1] - quartiles[0]
    judged = np.clip(judged, quartiles[0] - width, quartiles[1] + width)
    weights = np.zeros((N, 2))
    for left_out in range(N):
        rest = np.arange(N) != left_out
        for column in range(2):
            slope = stats.linregress(judged[:N][rest, column], human[rest, column]).slope
            weights[left_out, column] = np.clip(slope / (1 + N / OTHERS), 0, 1)
    assert found.weights == pytest.approx(weights.mean(axis=0), rel=1e-9)
    means = found.weights * judged[N:].mean(axis=0) + (human - weights * judged[:N]).mean(axis=0)
    assert found.means == pytest.approx(means, rel=1e-9)
    residuals = human - weights * (judged[:N] - judged.mean(axis=0))
    of_judged = np.cov(judged.T) * np.outer(found.weights, found.weights)
    missing = np.diag(of_judged) - found.weights**2 * judged[:N].var(axis=0, ddof=1)
    wider = np.sqrt(1 + np.maximum(missing, 0) / residuals.var(axis=0, ddof=1))
    covariance = np.cov(residuals.T) * np.outer(wider, wider) / N + of_judged / OTHERS
    alone = human.var(axis=0, ddof=1) / N
    unseen = (1 - np.abs(human - human.mean(axis=0)).max(axis=0)) ** 2 / N**2
    least = np.maximum(LEAST_VARIANCE * alone, np.minimum(alone, UNSEEN * unseen))
    assert found.guarded == pytest.approx(np.minimum(alone, UNSEEN_BY_GATES * unseen), rel=1e-9)
    grown = np.sqrt(np.maximum(least / np.diag(covariance), 1))
    assert found.covariance == pytest.approx(covariance * np.outer(grown, grown), rel=1e-9)
    third = stats.moment(residuals * wider, 3) / N**2 + found.weights**3 * stats.moment(judged, 3) / OTHERS**2
    assert found.third_cumulants == pytest.approx(third, rel=1e-9)
    assert found.degrees == N - 1


def test_a_good_judge_narrows_the_interval_and_its_bias_does_not_matter() -> None:
    """A correlation of .8 makes the error about .65 of that of humans alone; a constant added changes nothing."""
    human, judged = made()
    found = corrected_means(human, judged)
    ratio = found.errors / (human.std(axis=0, ddof=1) / np.sqrt(N))
    assert (ratio < 0.8).all()
    assert (ratio > 0.5).all()
    shifted = corrected_means(human, judged + 5)
    assert shifted.means == pytest.approx(found.means, rel=1e-9)
    assert shifted.covariance == pytest.approx(found.covariance, rel=1e-9)


def test_copies_of_a_query_in_its_cluster_change_nothing() -> None:
    """Three copies of every query are no evidence: estimate, errors, weights and degrees stay."""
    human, judged = made()
    one = corrected_means(human, judged)
    clusters = np.repeat(np.arange(N + OTHERS), 3)
    three = corrected_means(np.repeat(human, 3, axis=0), np.repeat(judged, 3, axis=0), clusters)
    assert three.weights == pytest.approx(one.weights, rel=1e-9)
    assert three.means == pytest.approx(one.means, rel=1e-9)
    assert three.covariance == pytest.approx(one.covariance, rel=1e-9)
    assert three.third_cumulants == pytest.approx(one.third_cumulants, rel=1e-9)
    assert (three.n, three.judged_only, three.clusters) == (3 * N, 3 * OTHERS, N)
    assert three.degrees == pytest.approx(one.degrees)


def test_fewer_than_30_human_clusters_are_few() -> None:
    """Queries do not count where clusters are fewer; one cluster has no error."""
    human, judged = made()
    assert not corrected_means(human[:30], judged).has_few
    assert corrected_means(human[:29], judged).has_few
    pairs = np.arange(N + OTHERS) // 2
    assert corrected_means(human, judged, pairs).has_few
    single = corrected_means(human[:1], judged)
    assert np.isnan(single.of(0).error)
    assert student_interval(single.of(0)).lower is None


@pytest.mark.parametrize("errors", [0, 1, FEWEST_ERRORS - 1])
def test_a_judge_that_is_too_rarely_wrong_is_not_used(errors: int) -> None:
    """A judge with people's values at nearly all queries: the draw shows too little of how it errs."""
    human, judged = made(correlation=1, bias=0)
    judged = judged.copy()
    judged[:errors] -= 0.6
    found = corrected_means(human, judged)
    assert found.too_rarely_wrong.all()
    assert not found.weights.any()
    assert found.means == pytest.approx(human.mean(axis=0))


def test_a_judge_that_is_wrong_often_enough_is_used() -> None:
    """Ten noticeable errors in the draw, or as few of them as there are different human values."""
    human, judged = made(correlation=1, bias=0)
    judged = judged + np.where(np.arange(N + OTHERS) % 4 == 0, 0.3, 0.0)[:, None]
    assert not corrected_means(human, judged).too_rarely_wrong.any()
    sparse = np.arange(N + OTHERS)[:, None] % 4 == 0
    rng = np.random.default_rng(3)
    values = sparse * rng.normal(-0.4, 0.1, (N + OTHERS, 1))
    noisy = values + sparse * rng.normal(0, 0.3, values.shape)
    assert not corrected_means(values[:N], noisy).too_rarely_wrong.any()


def test_a_judge_is_not_used_where_few_human_values_differ() -> None:
    """Nine different values show too little of what a judge sees or misses, whatever its other values are."""
    human, judged = made()
    for differing in (FEWEST_DIFFERING - 1, FEWEST_DIFFERING):
        few = np.where(np.arange(N)[:, None] < differing, np.sign(human), 0.0)
        noisy = np.vstack([few + judged[:N], judged[N:]])
        assert corrected_means(few, noisy).too_rarely_wrong.all() == (differing < FEWEST_DIFFERING)


def test_no_judge_makes_the_interval_narrower_than_the_least_width() -> None:
    """Not one that is very near people's values, either; the same correlations of the estimates stay."""
    human, judged = near(2.0)
    found, alone = corrected_means(human, judged), np.var(human, axis=0, ddof=1) / N
    assert (found.weights > 0.7).all()
    assert np.diag(found.covariance) == pytest.approx(LEAST_VARIANCE * alone)


def test_losses_that_a_draw_has_none_of_widen_an_interval_up_to_that_of_people_alone() -> None:
    """The smaller the differences, the more would one of the whole range move their mean; gates allow for more."""
    ratios = []
    for unit in (3.0, 1.0, 0.5, 0.1):
        human, judged = near(unit)
        found = corrected_means(human, judged)
        errors = np.array(
            [[one(column).found.error for column in (0, 1)] for one in (found.skewed, found.for_gate)]
        )
        ratios.append(errors / (human.std(axis=0, ddof=1) / np.sqrt(N)))
    assert ratios[0] == pytest.approx(np.sqrt(LEAST_VARIANCE))
    assert ratios[-1] == pytest.approx(1)
    assert (np.diff(ratios, axis=0) >= -1e-12).all()
    assert (ratios[1][1] > ratios[1][0]).all()
    unbounded = corrected_means(human, judged, limits=ValueRange(0, np.inf))
    assert not unbounded.guarded.any()


@pytest.mark.parametrize("value", [0.5, 0.4, 0.1, 1 / 3])
def test_equal_human_values_have_no_error_and_give_a_judge_no_weight(value: float) -> None:
    """Rounding decides nothing: neither of the values nor of ratios, whatever the judge's values are."""
    _, judged = made()
    averaged = (np.arange(N) % 4 > 0).astype(np.float64)
    for answerable in (None, (averaged, np.ones(N + OTHERS))):
        human = np.full((N, 2), value) * (1 + 1e-15 * np.arange(N)[:, None])
        human = human if answerable is None else human * averaged[:, None]
        found = corrected_means(human, judged, None, answerable)
        assert not found.weights.any()
        assert not found.covariance.any()
        assert found.means == pytest.approx(value)
        assert found.skewed(0).p_value() is None


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_a_p_value_agrees_with_the_interval_and_is_never_below_that_of_student(alpha: float) -> None:
    """It is at most alpha just where the interval does not contain 0; both allow for skewness, on both sides."""
    outcomes = set()
    for seed in range(60):
        human, judged = made(seed)
        skewed = np.column_stack([np.exp(4 * human[:, 0]), -np.exp(6 * human[:, 1])]) / 20
        others = np.column_stack([np.exp(4 * judged[:, 0]), -np.exp(6 * judged[:, 1])]) / 20
        shift = np.array([0.084, -0.139]) + np.random.default_rng(seed).normal(0, (0.03, 0.1))
        found = corrected_means(skewed - shift, others)
        for column in range(2):
            p, shown, one = (
                found.skewed(column).p_value(),
                found.skewed(column).interval(1 - alpha),
                found.of(column),
            )
            assert p is not None
            assert None not in (shown.lower, shown.upper)
            contains = (shown.lower or 0) <= 0 <= (shown.upper or 0)
            assert contains == (p > alpha)
            usual = 2 * stats.t.sf(abs(one.mean) / one.error, one.degrees)
            assert usual * (1 - 1e-12) <= p <= 1
            outcomes.add((contains, p > usual * 1.001))
    assert len(outcomes) >= 3


def test_a_wild_value_of_the_judge_counts_no_more_than_one_at_the_fence() -> None:
    """Also at a drawn query; queries at which both systems have the same list do not narrow the fences."""
    human, judged = made()
    far, further = judged.copy(), judged.copy()
    far[[3, 50, 90]] = 9.0
    further[[3, 50, 90]] = 900.0
    one, other = corrected_means(human, far), corrected_means(human, further)
    assert (other.means, other.errors) == (pytest.approx(one.means), pytest.approx(one.errors))
    same = np.arange(N + OTHERS)[:, None] % 10 > 3
    human, judged = np.where(same[:N], 0.0, human), np.where(same, 0.0, judged)
    assert (corrected_means(human, judged).weights > 0.3).all()


def test_with_all_queries_answerable_a_ratio_is_the_mean() -> None:
    """Exactly."""
    human, judged = made()
    for clusters in (None, np.arange(N + OTHERS) // 2):
        one = corrected_means(human, judged, clusters)
        other = corrected_means(human, judged, clusters, (np.ones(N), np.ones(N + OTHERS)))
        assert (one.means == other.means).all()
        assert (one.covariance == other.covariance).all()
        assert (one.third_cumulants == other.third_cumulants).all()
        assert (one.degrees, one.averaged, one.clusters) == (other.degrees, other.averaged, other.clusters)


def test_without_other_queries_a_ratio_is_the_plain_interval_of_answerable_queries() -> None:
    """Means, errors, degrees and bounds; with clusters whose queries are answerable together, too."""
    human, judged = made()
    judged = judged[:N]
    for clusters in (None, np.arange(N) // 2):
        averaged = (np.arange(N) // 2 % 4 > 0).astype(np.float64)
        kept = averaged > 0
        found = corrected_means(human * averaged[:, None], judged, clusters, (averaged, np.ones(N)))
        together = None if clusters is None else np.unique(clusters[kept], return_inverse=True)[1]
        for column in range(2):
            plain, one = mean_error(human[kept, column], together), found.of(column)
            assert (one.mean, one.error, one.degrees) == pytest.approx(
                (plain.mean, plain.error, plain.degrees), rel=1e-12
            )
            assert (one.n, one.clusters) == (plain.n, plain.clusters)
            bounds = one_sided_bounds(human[kept, column], 0.02, 0.05, together)
            bounds = allow_for_skewness(bounds, human[kept, column], 0.05, together)
            assert found.skewed(column).bounds(0.02).lower == pytest.approx(bounds.lower, rel=1e-12)


def test_few_answerable_queries_are_few_however_many_were_drawn() -> None:
    """Of 40 drawn queries 12 are in the mean; without any there is none, and with one no error."""
    human, judged = made()
    for known in (12, 1):
        averaged = (np.arange(N) < known).astype(np.float64)
        found = corrected_means(human * averaged[:, None], judged, None, (averaged, np.ones(N + OTHERS)))
        assert found.has_few
        assert (found.n, found.averaged) == (N, known)
        assert np.isnan(found.of(0).error) == (known == 1)
    with pytest.raises(ValueError, match="in the mean"):
        corrected_means(0 * human, judged, None, (np.zeros(N), np.ones(N + OTHERS)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("human", "no human value"),
        ("judged", "use fill_failed"),
        ("shape", "are needed"),
        ("few", "are needed"),
        ("none", "are needed"),
        ("length", "clusters of 3"),
        ("shared", "whole clusters"),
    ],
)
def test_what_the_estimate_cannot_rest_on_is_an_error(change: str, message: str) -> None:
    """A missing value is never left out, and a cluster is never cut."""
    human, judged = made()
    human, judged, clusters = human.copy(), judged.copy(), None
    if change == "human":
        human[3, 1] = np.nan
    elif change == "judged":
        judged[-1, 0] = np.nan
    elif change == "shape":
        judged = judged[:, :1]
    elif change == "few":
        judged = judged[: N - 1]
    elif change == "none":
        human = human[:0]
    elif change == "length":
        clusters = np.arange(3)
    else:
        clusters = np.minimum(np.arange(N + OTHERS), N - 1)
    with pytest.raises(ValueError, match=message):
        corrected_means(human, judged, clusters)


def test_failed_queries_get_the_mean_of_the_others() -> None:
    """They are filled in by column; a column without values is 0, and is worth nothing."""
    human, judged = made()
    judged = judged.copy()
    judged[::7, 0] = np.nan
    judged[:, 1] = np.nan
    filled = fill_failed(judged)
    assert filled[7, 0] == pytest.approx(np.nanmean(judged[:, 0]))
    assert filled[1, 0] == judged[1, 0]
    found = corrected_means(human, filled)
    assert found.weights[0] > 0
    assert found.weights[1] == 0


def test_gates_of_simulations_are_those_of_the_bounds() -> None:
    """The simulations compute all columns at once."""
    outcomes = set()
    for seed in range(40):
        human, judged = made(seed)
        found = corrected_means(human - 0.05, judged)
        passed = gates_pass(found, 0.04)
        bounds = [found.for_gate(column).bounds(0.04) for column in range(2)]
        assert passed.tolist() == [one.lower > -0.04 for one in bounds]
        outcomes |= set(passed.tolist())
    assert len(outcomes) == 2
