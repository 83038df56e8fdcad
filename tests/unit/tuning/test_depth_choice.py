"""How many candidates: the choice, its check on other queries, and the limits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.stats import mean_interval
from evalkit.tuning import Choice, Limits, Split, choose_depth, split_queries
from evalkit.tuning.depth_check import queries_for_margin
from evalkit.tuning.depth_choice import Costs, interpolated

DEPTHS = 20
FREE = Costs(*[np.full(DEPTHS, np.nan)] * 3)
TIMED = Costs(np.linspace(0.01, 0.2, DEPTHS), np.linspace(0.1, 2.0, DEPTHS), np.linspace(0.012, 0.24, DEPTHS))


def curve(*bends: tuple[int, float], queries: int = 200, noise: float = 0.01) -> NDArray[np.float64]:
    """Return values whose mean goes through some points, straight in between."""
    means = np.interp(np.arange(1, DEPTHS + 1), [d for d, _ in bends], [m for _, m in bends])
    rng = np.random.default_rng(11)
    own = rng.normal(0, 0.1, (queries, 1))
    return np.asarray(means + own + rng.normal(0, noise, (queries, DEPTHS)))


def chosen_from(values: NDArray[np.float64], margin: float = 0.01, limits: Limits | None = None) -> Choice:
    """Return the choice against a first stage that is the first depth."""
    split = split_queries(len(values), 1)
    return choose_depth(values, values[:, 0], split, TIMED, limits or Limits(), margin)


def test_the_smallest_depth_that_is_as_good_is_found_and_confirmed() -> None:
    """A curve that rises to depth 8 and stays: depth 8 or just below, confirmed against the deepest."""
    choice = chosen_from(curve((1, 0.2), (8, 0.5), (20, 0.5), queries=400))
    assert choice.recommended in {7, 8}
    assert choice.recommended == choice.chosen
    assert choice.is_confirmed
    assert choice.deepest == DEPTHS
    assert choice.against_first_stage is not None
    assert (choice.against_first_stage.lower or 0) > 0.2


def test_a_check_is_against_the_deepest_allowed_depth() -> None:
    """Its estimate is the held-out difference of the chosen to the deepest allowed depth, wherever the best is."""
    values = curve((1, 0.2), (8, 0.5), (20, 0.45), queries=400)
    split = split_queries(400, 1)
    for limits, deepest in ((Limits(), DEPTHS), (Limits(p95_s=0.121), 10)):
        choice = chosen_from(values, limits=limits)
        assert (choice.deepest, choice.chosen != choice.deepest) == (deepest, True)
        held_out = values[split.held_out]
        loss = held_out[:, choice.chosen - 1] - held_out[:, deepest - 1]
        assert choice.checked.estimate == pytest.approx(loss.mean())
        assert choice.checked.lower == pytest.approx(mean_interval(loss, 0.9).lower)


def test_too_few_queries_to_see_a_rare_loss_confirm_nothing() -> None:
    """298 queries carry no margin of 0.01, whatever they show; the deepest depth is the safe choice."""
    assert (queries_for_margin(0.01, 0.05), queries_for_margin(0.05, 0.05)) == (299, 59)
    for queries, margin, confirmed in ((298, 0.01, False), (299, 0.01, True), (100, 0.05, True)):
        choice = chosen_from(curve((1, 0.2), (8, 0.5), (20, 0.5), queries=queries), margin)
        assert choice.is_confirmed is confirmed
        assert (choice.recommended == DEPTHS) is not confirmed
        assert ("too few" in choice.checked.sentence) is not confirmed


def test_a_depth_that_loses_is_not_recommended() -> None:
    """The tuning half says depth 1, the held-out half says a loss: the deepest depth is recommended."""
    values, split = curve((1, 0.2), (20, 0.5), queries=400), split_queries(400, 1)
    values[split.tuning] = values[split.tuning, -1:]
    choice = choose_depth(values, values[:, 0] - 0.2, split, FREE, Limits(), 0.01)
    assert (choice.chosen, choice.recommended, choice.checked.status) == (1, DEPTHS, "FAIL")
    assert not choice.is_confirmed


def test_the_deepest_depth_is_not_confirmed_as_enough() -> None:
    """Where every smaller depth loses, nothing is confirmed and the deepest is recommended."""
    choice = chosen_from(curve((1, 0.2), (20, 0.9), queries=400))
    assert (choice.chosen, choice.recommended, choice.is_confirmed) == (DEPTHS, DEPTHS, False)


def test_no_depth_is_recommended_that_is_not_better_than_no_reranking() -> None:
    """The first stage is as good as every depth: no recommendation, with the held-out difference."""
    values = curve((1, 0.5), (20, 0.5), queries=400)
    rng = np.random.default_rng(2)
    first = values[:, -1] + rng.normal(0, 0.01, 400)
    choice = choose_depth(values, first, split_queries(400, 1), FREE, Limits(), 0.01)
    assert choice.recommended is None
    assert "not significantly better than no reranking" in (choice.why_not or "")
    assert choice.against_first_stage is not None


def test_queries_of_one_cluster_are_in_one_half_and_count_once() -> None:
    """Sixty texts five times over: the choice and its bounds are about those of sixty queries."""
    clusters = np.repeat(np.arange(60), 5)
    split = split_queries(300, 1, clusters)
    assert not set(clusters[split.tuning]) & set(clusters[split.held_out])
    assert sorted([*split.tuning, *split.held_out]) == list(range(300))
    assert len(split.tuning) == 150
    single = curve((1, 0.2), (8, 0.5), (20, 0.5), queries=60)
    choice = choose_depth(
        single[clusters], single[clusters][:, 0], split, FREE, Limits(), 0.01, clusters=clusters
    )
    assert "too few queries (60) to exclude" in choice.checked.sentence
    alone = Split(np.unique(clusters[split.tuning]), np.unique(clusters[split.held_out]))
    expected = choose_depth(single, single[:, 0], alone, FREE, Limits(), 0.01)
    assert choice.chosen == expected.chosen
    assert choice.checked.lower == pytest.approx(expected.checked.lower)


def test_clusters_of_one_query_split_as_without_clusters() -> None:
    """Each query in a cluster of its own, in any numbering: halves of the same sizes."""
    split = split_queries(31, 4, np.arange(31))
    plain = split_queries(31, 4)
    assert split.tuning.tolist() == plain.tuning.tolist()


def test_more_candidates_that_hurt_are_seen() -> None:
    """A curve that falls after depth 5: the best is near 5, and the deepest is worse on the held-out queries."""
    choice = chosen_from(curve((1, 0.3), (5, 0.5), (20, 0.4)))
    assert choice.best == 5
    assert choice.beyond is not None
    assert (choice.beyond.upper or 0) < 0


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [(Limits(p95_s=0.0601), 5), (Limits(usd_per_thousand_queries=0.3), 3), (Limits(quality=0.45), 14),
     (Limits(p95_s=0.0601, quality=0.6), 0), (Limits(p95_s=0.001), 0)],
)  # fmt: skip
def test_limits_are_kept(limits: Limits, allowed: int) -> None:
    """Only depths that keep to all of them are looked at, the bounds of latencies included; none, no recommendation."""
    split = split_queries(200, 1)
    means = np.interp(np.arange(1, DEPTHS + 1), [1, 8, 20], [0.2, 0.5, 0.5])
    values = np.tile(means, (200, 1)) + np.tile([[-0.1], [0.1]], (100, 1))
    values[split.tuning] += means - values[split.tuning].mean(axis=0)
    choice = choose_depth(values, values[:, 0], split, TIMED, limits, 0.05)
    assert choice.allowed == allowed
    assert (choice.recommended is None) == (allowed == 0)
    if limits.p95_s is not None and choice.recommended is not None:
        assert TIMED.p95_upper_s[choice.recommended - 1] <= limits.p95_s


def test_what_is_unknown_keeps_to_no_limit() -> None:
    """Where nobody measured latency, no depth is known to be fast enough."""
    values = curve((1, 0.2), (20, 0.5))
    choice = choose_depth(values, values[:, 0], split_queries(200, 1), FREE, Limits(p95_s=1.0), 0.01)
    assert (choice.recommended, choice.allowed) == (None, 0)


def test_few_queries_carry_no_choice() -> None:
    """Both halves need thirty."""
    values = curve((1, 0.2), (20, 0.5), queries=59)
    choice = choose_depth(values, values[:, 0], split_queries(59, 1), FREE, Limits(), 0.01)
    assert choice.recommended is None
    assert "too few queries (59)" in (choice.why_not or "")


@pytest.mark.parametrize("queries", [0, 1, 2, 59, 300])
def test_no_query_is_in_both_halves(queries: int) -> None:
    """Together they are all of them, and the seed alone decides."""
    split = split_queries(queries, 3)
    assert sorted([*split.tuning, *split.held_out]) == list(range(queries))
    assert (split_queries(queries, 3).tuning == split.tuning).all()


def test_what_was_not_measured_is_interpolated_and_nothing_is_made_up_beyond() -> None:
    """Straight lines between measured sizes, nothing outside them."""
    found = interpolated({2: 0.2, 4: 0.4}, 5)
    assert found[1:4] == pytest.approx([0.2, 0.3, 0.4])
    assert np.isnan(found[[0, 4]]).all()
    assert np.isnan(interpolated({}, 3)).all()


def test_a_depth_that_is_not_confirmed_leaves_no_optimistic_figure() -> None:
    """With pure noise the deepest depth is recommended: it was not chosen, so neither half's mean is biased."""
    rng = np.random.default_rng(5)
    gains = []
    for seed in range(40):
        values = rng.normal(0.5, 0.2, (120, DEPTHS))
        choice = choose_depth(values, np.zeros(120), split_queries(120, seed), FREE, Limits(), 1e-6)
        assert choice.recommended == DEPTHS
        assert choice.tuned is not None
        assert choice.held_out is not None
        gains.append(((choice.tuned.estimate or 0) - 0.5, (choice.held_out.estimate or 0) - 0.5))
    assert np.abs(np.mean(gains, axis=0)).max() < 0.01
