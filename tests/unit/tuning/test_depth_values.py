"""Values at every depth: of all grades alike, and of people and a judge."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.stats import Interval, corrected_means
from evalkit.stats.weighted import UNBOUNDED
from evalkit.tuning import Choice, Limits, choose_depth, split_queries
from evalkit.tuning.depth_choice import Costs
from evalkit.tuning.depth_values import DepthValues, JudgedDepths

N, OTHERS, DEPTHS = 80, 300, 6
COSTS = Costs(*[np.full(DEPTHS, np.nan)] * 3)


def world(seed: int = 4, noise: float = 0.03) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return people's values of the draw and a biased judge's of all queries, at depth 0 and at six depths."""
    rng = np.random.default_rng(seed)
    rise = np.array([0.0, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3])
    spread = rng.normal(0, 0.15, (N + OTHERS, 1 + DEPTHS))
    human = 0.3 + rise + spread
    judged = human + 0.1 * np.arange(1 + DEPTHS) / DEPTHS + rng.normal(0, noise, human.shape)
    return human[:N], judged


def chosen(
    human: NDArray[np.float64], judged: NDArray[np.float64], margin: float = 0.05, seed: int = 1
) -> Choice:
    """Return the choice of people's values that correct the judge's."""
    side = JudgedDepths("judge", judged, split_queries(len(judged) - len(human), seed))
    split = split_queries(len(human), seed)
    return choose_depth(human[:, 1:], human[:, 0], split, COSTS, Limits(), margin, judged=side)


def width(found: Interval) -> float:
    """Return the width of an interval."""
    assert found.lower is not None
    assert found.upper is not None
    return found.upper - found.lower


def test_differences_are_corrected_as_those_of_systems() -> None:
    """The same estimate and error as of two systems, in place of the plain means."""
    human, judged = world()
    every = DepthValues(human, None, judged)
    expected = corrected_means(
        human[:, [3]] - human[:, [6]], judged[:, [3]] - judged[:, [6]], limits=UNBOUNDED
    ).of(0)
    found = every.gain(3, 6)
    assert (found.estimate, found.n) == (pytest.approx(expected.mean), N)
    alone = DepthValues(human).gain(3, 6)
    assert width(found) < 0.8 * width(alone)


def test_a_judge_that_knows_nothing_changes_little() -> None:
    """Its weight is 0 or nearly so: the interval is that of people."""
    human, judged = world()
    noise = np.random.default_rng(1).normal(size=judged.shape)
    found, alone = DepthValues(human, None, noise).gain(3, 6), DepthValues(human).gain(3, 6)
    assert found.estimate == pytest.approx(alone.estimate, abs=0.01)


def test_a_judge_confirms_what_people_alone_leave_open() -> None:
    """The check uses the judge's grades; its number of queries is that of people."""
    human, judged = world(seed=3)
    alone = DepthValues(human).loss(3, DEPTHS, 0.04, 0.05)
    both = DepthValues(human, None, judged).loss(3, DEPTHS, 0.04, 0.05)
    assert (alone.status, both.status) == ("CANNOT TELL", "PASS")
    assert alone.n == both.n == N
    found = chosen(human, judged).held_out
    assert found is not None
    assert found.n == N // 2


def test_the_check_has_seen_nothing_of_the_choice() -> None:
    """Values of the tuning half, of people or of the judge, do not change what the check finds of a depth."""
    human, judged = world()
    side = split_queries(OTHERS, 1)
    before = chosen(human, judged)
    moved_human, moved = human.copy(), judged.copy()
    tuning = split_queries(N, 1).tuning
    moved_human[tuning, 6], moved[np.concatenate([tuning, N + side.tuning]), 6] = 0.9, 0.9
    after = chosen(moved_human, moved)
    assert after.chosen != before.chosen
    held_out = DepthValues(human, None, judged).part(split_queries(N, 1).held_out, side.held_out)
    assert held_out.gain(6, 0) == after.against_first_stage


def test_fewer_than_thirty_people_in_a_half_recommend_nothing() -> None:
    """However many queries a judge has graded."""
    human, judged = world()
    found = chosen(human[:58], np.vstack([judged[:58], judged[N:]]))
    assert found.recommended is None
    assert found.why_not == (
        "too few queries judged by people (58): 60 are required, 30 to tune and 30 held out"
    )


def test_a_rare_loss_needs_as_many_people_as_without_a_judge() -> None:
    """A margin of 0.01 takes 299 drawn queries: a judge may miss the few that lose all."""
    human, judged = world(noise=0.001)
    found = chosen(human, judged, margin=0.01)
    assert not found.is_confirmed
    assert found.recommended == DEPTHS


def answerable_world() -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], ...]]:
    """Return values of people and the judge, 0 where they found no relevant document, and where they found one."""
    human, judged = world()
    rng = np.random.default_rng(3)
    found = rng.random(N + OTHERS) > 0.3
    says = found ^ (rng.random(N + OTHERS) < 0.1)
    flags = (found[:N].astype(np.float64), says.astype(np.float64))
    return human * flags[0][:, None], judged * flags[1][:, None], flags


def test_queries_without_a_relevant_document_are_in_no_mean() -> None:
    """Estimates are those of a corrected ratio, and numbers of queries those of the others."""
    human, judged, (own, of_judge) = answerable_world()
    every = DepthValues(human, None, judged, None, (own, of_judge))
    differences = human[:, [3]] - human[:, [6]], judged[:, [3]] - judged[:, [6]]
    expected = corrected_means(*differences, None, (own, of_judge), UNBOUNDED).of(0)
    found, counted = every.gain(3, 6), int(own.sum())
    assert (found.estimate, found.n) == (expected.mean, counted)
    assert every.mean(3).n == every.loss(3, 6, 0.05, 0.05).n == every.queries == every.independent == counted
    alone = DepthValues(human[own > 0])
    assert every.means() == pytest.approx(alone.means(), abs=0.03)
    none_answerable = DepthValues(human, None, judged, None, (np.zeros(N), of_judge))
    assert (none_answerable.queries, none_answerable.means().shape, none_answerable.mean(3).n) == (0, (0,), 0)


def test_answerable_everywhere_is_as_without_saying_so() -> None:
    """The same figures, to the last digit."""
    human, judged = world()
    plain = DepthValues(human, None, judged)
    marked = DepthValues(human, None, judged, None, (np.ones(N), np.ones(N + OTHERS)))
    assert np.array_equal(plain.means(), marked.means())
    assert (plain.gain(2, 6), plain.mean(2)) == (marked.gain(2, 6), marked.mean(2))
    assert plain.loss(2, 6, 0.05, 0.05) == marked.loss(2, 6, 0.05, 0.05)


def test_each_half_has_thirty_queries_with_a_relevant_document() -> None:
    """However many queries people judged."""
    human, judged, flags = answerable_world()
    side = JudgedDepths("judge", judged, split_queries(OTHERS, 1), answerable=(flags[0], flags[1]))
    found = choose_depth(human[:, 1:], human[:, 0], split_queries(N, 1), COSTS, Limits(), 0.05, judged=side)
    assert found.recommended is None
    assert found.why_not == (
        f"too few answerable queries judged by people ({int(flags[0].sum())}): 60 are required, 30 to tune and 30"
        " held out"
    )


def test_an_enlarged_draw_needs_more_queries_to_exclude_a_rare_loss() -> None:
    """A margin of .08 takes 36 queries at the level of .05, 78 at 1/32 of it, and 86 at 1/64."""
    human, judged = (0.5 + 0.1 * (values - 0.5) for values in world())
    for enlarged, confirmed in ((0, True), (5, True), (6, False)):
        side = JudgedDepths("judge", judged, split_queries(OTHERS, 1), enlarged=enlarged)
        found = choose_depth(
            human[:, 1:], human[:, 0], split_queries(N, 1), COSTS, Limits(), 0.08, judged=side
        )
        assert found.is_confirmed is confirmed
        if not confirmed:
            assert found.checked is not None
            assert (
                "too few queries (80) to exclude a rare loss: a margin of 0.08 requires 86"
                in found.checked.sentence
            )
