"""Whether a judge that misses rare losses makes corrected claims false more often than people's grades alone.

Most of its values are right, or nearly so, and a draw may hold few of the losses that it misses, or none. Every true
mean is 0: a difference is a false claim, and a gate whose bound is above 0 passes a loss of exactly its margin.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from support.judged_worlds import COLUMNS, Draw, Values, few_changes, gates_pass, missed_losses
from support.promises import Promise

from evalkit.stats import CorrectedMeans, corrected_means, mean_interval, one_sided_bounds, sign_flip

pytestmark = pytest.mark.long

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "1600"))
ROUNDS = max(DRAWS // COLUMNS, 1)
WORLDS: dict[str, Draw] = {
    **{
        f"{share:.0%} of losses of {loss}, none seen; other errors {noise} of {spread}": missed_losses(
            share, loss, noise, spread
        )
        for share, loss, noise, spread in (
            (0.02, 1.0, 0.06, 0.2),
            (0.02, 1.0, 0.1, 0.2),
            (0.02, 1.0, 0.08, 0.3),
            (0.03, 0.6, 0.05, 0.2),
            (0.05, 0.5, 0.05, 0.2),
        )
    },
    **{
        f"{share:.0%} changes of -1 and {gain}; {sees:.0%} of losses seen": few_changes(share, gain, sees)
        for share in (0.1, 0.2, 0.5)
        for gain, sees in ((1.0, 0.5), (0.25, 0.5), (0.25, 1.0))
    },
}


SMALL: dict[str, Draw] = {
    f"{share:.0%} of losses of 1.0, none seen; other errors {noise} of {spread}": missed_losses(
        share, 1.0, noise, spread
    )
    for share in (0.02, 0.03, 0.04)
    for noise, spread in ((0.07, 0.11), (0.07, 0.13), (0.09, 0.15), (0.06, 0.17))
}
"""The losses are five to nine standard deviations of the other differences: a draw without one shows small errors."""
CLAIM = "{} with a judge that misses {} (before: people alone): at most {} {}"
FIGURES = ("interval", "gate", "false better", "false difference")


def claims(found: CorrectedMeans, human: Values, of_people: Values) -> Values:
    """Return whether each corrected difference is significant; people's p-values decide where the judge is not used."""
    corrected = np.array([found.skewed(column).p_value() for column in range(COLUMNS)], dtype=np.float64)
    significant: Values = np.where(found.weights > 0, corrected, of_people) <= 0.05
    return significant & (human.any(axis=0))


def measured(draw: Draw, n: int, others: int) -> tuple[Values, Values]:
    """Return how often intervals hold, gates pass, and *better* and any difference are false; the same by people."""
    rng = np.random.default_rng(n)
    mine, alone = np.zeros(4), np.zeros(4)
    for _ in range(ROUNDS):
        human, judged = draw(rng, n + others)
        human = human[:n]
        found, p = corrected_means(human, judged), sign_flip(human, 300).p
        false, usual = claims(found, human, p), p <= 0.05
        intervals = [found.skewed(column).interval() for column in range(COLUMNS)]
        plain = [mean_interval(column) for column in human.T]
        held, held_alone = (
            np.mean([(one.lower or 0) <= 0 <= (one.upper or 0) for one in both])
            for both in (intervals, plain)
        )
        passes = np.mean([one_sided_bounds(column, 0.0).lower > 0 for column in human.T])
        up, up_alone = false & (found.means > 0), usual & (human.mean(axis=0) > 0)
        mine += [held, gates_pass(found, 0.0).mean(), up.mean(), false.mean()]
        alone += [held_alone, passes, up_alone.mean(), usual.mean()]
    return mine / ROUNDS, alone / ROUNDS


def check(
    report: Callable[[Promise], None], where: str, what: str, found: tuple[Values, Values], most: list[float]
) -> None:
    """Report the figures, and assert that none is worse than that of people alone by more than is allowed."""
    draws, (mine, alone) = ROUNDS * COLUMNS, found
    for figure, before, now, allowed in zip(FIGURES, alone.tolist(), mine.tolist(), most, strict=True):
        claim = CLAIM.format(
            figure, what, f"{allowed:g}".lstrip("0"), "less" if figure == "interval" else "more"
        )
        report(Promise(where, claim, before, now, draws))
    slack = 2 * float(np.sqrt(0.05 * 0.95 / draws))
    worse = (mine - alone) * [-1, 1, 1, 1]
    assert (worse <= np.array(most) + slack).all()


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize(("n", "others"), [(30, 300), (50, 1000)])
def test_a_judge_that_misses_rare_losses(
    report_promise: Callable[[Promise], None], name: str, n: int, others: int
) -> None:
    """Intervals hold as often as those of people alone but for .015, and gates and verdicts err at most .01 more."""
    found, where = measured(WORLDS[name], n, others), f"{name}; {n} human, {others:,} others"
    check(report_promise, where, "rare losses", found, [0.015, 0.01, 0.01, 0.01])


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(("n", "others"), [(30, 300), (50, 1000)])
def test_a_judge_that_misses_losses_of_the_whole_range(
    report_promise: Callable[[Promise], None], name: str, n: int, others: int
) -> None:
    """Gates err at most .02 more often than people alone; verdicts at most .05, and intervals hold .04 less often."""
    found, where = measured(SMALL[name], n, others), f"{name}; {n} human, {others:,} others"
    check(report_promise, where, "losses of the whole range", found, [0.04, 0.02, 0.05, 0.05])
