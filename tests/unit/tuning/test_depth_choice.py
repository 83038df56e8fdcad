"""How many candidates: the choice, its check on other queries, and the limits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.tuning import Limits, choose_depth, split_queries
from evalkit.tuning.depth_choice import Costs, interpolated

DEPTHS = 20
FREE = Costs(np.full(DEPTHS, np.nan), np.full(DEPTHS, np.nan))
TIMED = Costs(np.linspace(0.01, 0.2, DEPTHS), np.linspace(0.1, 2.0, DEPTHS))


def curve(*bends: tuple[int, float], queries: int = 200, noise: float = 0.01) -> NDArray[np.float64]:
    """Return values whose mean goes through some points, straight in between."""
    means = np.interp(np.arange(1, DEPTHS + 1), [d for d, _ in bends], [m for _, m in bends])
    rng = np.random.default_rng(11)
    own = rng.normal(0, 0.1, (queries, 1))
    return np.asarray(means + own + rng.normal(0, noise, (queries, DEPTHS)))


def test_the_smallest_depth_that_is_as_good_is_found_and_confirmed() -> None:
    """A curve that rises to depth 8 and stays: depth 8 or just below, confirmed on queries it was not chosen on."""
    values = curve((1, 0.2), (8, 0.5), (20, 0.5))
    choice = choose_depth(values, values[:, 0], split_queries(200, 1), FREE, Limits(), 0.01)
    assert choice.recommended in {7, 8}
    assert choice.recommended <= (choice.best or 0)
    assert choice.checked is not None
    assert choice.checked.status == "PASS"
    assert choice.against_first_stage is not None
    assert (choice.against_first_stage.lower or 0) > 0.2


def test_more_candidates_that_hurt_are_seen() -> None:
    """A curve that falls after depth 5: the best is near 5, and the deepest is worse on the held-out queries."""
    values = curve((1, 0.3), (5, 0.5), (20, 0.4))
    choice = choose_depth(values, values[:, 0], split_queries(200, 1), FREE, Limits(), 0.01)
    assert choice.best == 5
    assert choice.beyond is not None
    assert (choice.beyond.upper or 0) < 0


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [(Limits(p95_s=0.0501), 5), (Limits(usd_per_thousand_queries=0.3), 3), (Limits(quality=0.45), 14),
     (Limits(p95_s=0.0501, quality=0.6), 0), (Limits(p95_s=0.001), 0)],
)  # fmt: skip
def test_limits_are_kept(limits: Limits, allowed: int) -> None:
    """Only depths that keep to all of them are looked at; without any there is no recommendation."""
    split = split_queries(200, 1)
    means = np.interp(np.arange(1, DEPTHS + 1), [1, 8, 20], [0.2, 0.5, 0.5])
    values = np.tile(means, (200, 1)) + np.tile([[-0.1], [0.1]], (100, 1))
    values[split.tuning] += means - values[split.tuning].mean(axis=0)
    choice = choose_depth(values, values[:, 0], split, TIMED, limits, 0.01)
    assert choice.allowed == allowed
    assert (choice.recommended is None) == (allowed == 0)
    if limits.p95_s is not None and choice.recommended is not None:
        assert TIMED.p95_s[choice.recommended - 1] <= limits.p95_s


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
    assert "59 queries are too few" in (choice.why_not or "")


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


def test_a_choice_flatters_itself_on_its_own_queries() -> None:
    """With pure noise the best depth looks good where it was chosen, and not on other queries."""
    rng = np.random.default_rng(5)
    gains = []
    for seed in range(40):
        values = rng.normal(0.5, 0.2, (120, DEPTHS))
        choice = choose_depth(values, values[:, 0], split_queries(120, seed), FREE, Limits(), 1e-6)
        assert choice.tuned is not None
        assert choice.held_out is not None
        gains.append(((choice.tuned.estimate or 0) - 0.5, (choice.held_out.estimate or 0) - 0.5))
    tuned, held_out = np.mean(gains, axis=0)
    assert tuned > 0.03
    assert abs(held_out) < 0.01
