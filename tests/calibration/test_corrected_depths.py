"""How often a depth that loses too much is shown as enough, where few judgments of people correct those of a judge.

The world is a reranker of BM25's candidates on TREC DL 2019 at seven depths, under NIST's grades and those of real
judges; queries are drawn with replacement, each copy as a query of its own. A constant makes every smaller depth lose
exactly the margin, so that each confirmed one is wrong. *before* is people's queries alone. ``EVALKIT_RESAMPLES`` sets
the draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.judged_worlds import JUDGES, Sample, Values, blind_judge, dl19_depths, drawn
from support.promises import Promise

from evalkit.tuning import Choice, Limits, choose_depth, split_queries
from evalkit.tuning.depth_check import ALPHA
from evalkit.tuning.depth_choice import Costs
from evalkit.tuning.depth_values import DepthValues, JudgedDepths

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "120"))
FEW = ("umbrela-gpt-4o", "binary-gpt-4")
"""The judge that knows differences of depths best, and the one whose check errs most: whole choices take long."""
MARGIN = 0.05
UNANSWERABLE = 0.3
SIZES = ((70, 300), (120, 1000))
WRONG = "corrected depth that loses the margin is confirmed (before: people alone): at most .05"
PASSES = (
    "check of one depth that loses the margin passes (before: people alone): at most .055, or as people alone"
)
NO_GAIN = (
    "corrected depth recommended that is no better than no reranking (before: people alone): at most .05"
)
RIGHT = "corrected depth that loses less than the margin is confirmed (before: people alone)"


def chosen(
    human: Values,
    first: Values,
    judged: Sample | None,
    seed: int,
    others: int,
    answerable: Sample | None = None,
) -> Choice:
    """Return the choice of people alone, or with a judge's values of depths and of the first stage."""
    nothing = np.full(human.shape[1], np.nan)
    costs, split = Costs(nothing, nothing, nothing), split_queries(len(human), seed)
    of_judge = None
    if judged is not None:
        values, unranked = judged
        rest = split_queries(others, seed)
        of_judge = JudgedDepths("judge", np.column_stack([unranked, values]), rest, None, answerable)
    return choose_depth(human, first, split, costs, Limits(), MARGIN, judged=of_judge)


def with_unanswerable(
    world: Sample, chances: Values, rng: np.random.Generator, n: int, others: int
) -> tuple[Sample, tuple[Values, Values]]:
    """Return values of drawn queries, 0 without a relevant document, and which have one for people and for the judge.

    `chances` are those of having none; the judge is wrong about a tenth of the queries.
    """
    rows = rng.integers(0, len(chances), n + others)
    has = rng.random(len(rows)) >= chances[rows]
    says = has ^ (rng.random(len(rows)) < 0.1)
    seen = np.where(
        has, rows, rng.integers(0, len(chances), len(rows))
    )  # what it finds where there is nothing
    human, judged = world[0][rows[:n]] * has[:n, None], world[1][seen] * says[:, None]
    return (human, judged), (has[:n].astype(np.float64), says.astype(np.float64))


def at_most(limit: float) -> float:
    """Return the largest share that the draws may show if the true one is `limit`."""
    return float(stats.binom.ppf(0.999, DRAWS, limit)) / DRAWS


def confirmed(world: Sample, n: int, others: int) -> tuple[float, float]:
    """Return how often a smaller depth is confirmed: by people alone, and corrected."""
    rng, counts = np.random.default_rng(n), np.zeros(2)
    for seed in range(DRAWS):
        human, judged = drawn(world, rng, n, others)
        first = np.zeros(n), np.zeros(n + others)
        alone = chosen(human, first[0], None, seed, others)
        both = chosen(human, first[0], (judged, first[1]), seed, others)
        counts += [alone.is_confirmed, both.is_confirmed]
    alone_rate, corrected_rate = (counts / DRAWS).tolist()
    return alone_rate, corrected_rate


@pytest.mark.parametrize("judge", FEW)
@pytest.mark.parametrize(("n", "others"), SIZES)
def test_a_loss_of_the_margin_is_confirmed_as_rarely_as_by_people(
    test_data: Path, report_promise: Report, judge: str, n: int, others: int
) -> None:
    """Selection and check have queries of their own, of people and of the judge: at most .05, or as people alone."""
    human, judged = dl19_depths(test_data, judge)
    loss = human.mean(axis=0) - human[:, -1].mean() + MARGIN
    loss[-1] = 0
    before, now = confirmed((human - loss, judged - loss), n, others)
    where = f"dl19, {judge}, {n} human, {others:,} others, margin {MARGIN:g}"
    report_promise(Promise(where, WRONG, before, now, DRAWS))
    assert now <= max(at_most(0.05), before + 0.01)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("n", "others"), [(35, 150), (60, 500)])
def test_the_check_alone_passes_a_loss_of_the_margin_as_rarely_as_by_people(
    test_data: Path, report_promise: Report, judge: str, n: int, others: int
) -> None:
    """Whatever the tuning half chose, on one half as large as it is: the mean over all smaller depths."""
    human, judged = dl19_depths(test_data, judge)
    loss = human.mean(axis=0) - human[:, -1].mean() + MARGIN
    loss[-1] = 0
    world, rng, counts = (human - loss, judged - loss), np.random.default_rng(n), np.zeros(2)
    smaller = range(human.shape[1] - 1)
    for _ in range(DRAWS):
        sample, by_judge = drawn(world, rng, n, others)
        for place, values in enumerate((DepthValues(sample), DepthValues(sample, None, by_judge))):
            passed = [values.loss(k, human.shape[1] - 1, MARGIN, ALPHA).status == "PASS" for k in smaller]
            counts[place] += np.mean(passed)
    before, now = (counts / DRAWS).tolist()
    report_promise(Promise(f"dl19, {judge}, {n} human, {others} others", PASSES, before, now, DRAWS))
    assert now <= max(at_most(0.055), before + 0.01)


@pytest.mark.parametrize(("judge", "cause"), [(FEW[0], "by chance"), (FEW[1], "where depths differ little")])
def test_queries_without_a_relevant_document_make_no_loss_smaller(
    test_data: Path, report_promise: Report, judge: str, cause: str
) -> None:
    """A depth that loses the margin on the others is confirmed, and passes the check, as rarely as by people alone."""
    human, judged = dl19_depths(test_data, judge)
    ranks = np.argsort(np.argsort(-np.abs(human - human[:, [-1]]).mean(axis=1))) / (len(human) - 1)
    chances = UNANSWERABLE * (np.ones(len(human)) if cause == "by chance" else 2 * ranks)
    means = np.average(human, axis=0, weights=1 - chances)
    loss = means - means[-1] + MARGIN
    loss[-1] = 0
    world, deepest, (n, others) = (human - loss, judged - loss), human.shape[1] - 1, SIZES[1]
    rng, shown, passed = np.random.default_rng(n), np.zeros(2), np.zeros(2)
    for seed in range(DRAWS):
        (sample, by_judge), found = with_unanswerable(world, chances, rng, n, others)
        own = sample[found[0] > 0]
        alone = chosen(own, np.zeros(len(own)), None, seed, others)
        both = chosen(sample, np.zeros(n), (by_judge, np.zeros(n + others)), seed, others, found)
        shown += [alone.is_confirmed, both.is_confirmed]
        corrected = DepthValues(sample, None, by_judge, None, found)
        for place, values in enumerate((DepthValues(own), corrected)):
            passes = [values.loss(k, deepest, MARGIN, ALPHA).status == "PASS" for k in range(deepest)]
            passed[place] += np.mean(passes)
    where = (
        f"dl19, {judge}, {n} human, {others:,} others, margin {MARGIN:g}; {UNANSWERABLE:.0%} without relevant document"
        f" {cause}"
    )
    for claim, (before, now), limit in ((WRONG, shown / DRAWS, 0.05), (PASSES, passed / DRAWS, 0.055)):
        report_promise(Promise(where, claim, float(before), float(now), DRAWS))
        assert now <= max(at_most(limit), before + 0.01)


@pytest.mark.parametrize("judge", FEW)
def test_a_depth_that_is_enough_is_confirmed_more_often(
    test_data: Path, report_promise: Report, judge: str
) -> None:
    """Depth 50 and 20 lose nothing against 100: a judge that knows the differences makes the check stronger."""
    human, judged = dl19_depths(test_data, judge)
    gain = human[:, -1].mean() - human.mean(axis=0)
    gain[:-3] = 0
    before, now = confirmed((human + gain, judged + gain), 60, 1000)
    report_promise(Promise(f"dl19, {judge}, 60 human, 1,000 others", RIGHT, before, now, DRAWS))
    assert now >= before - 0.01


def test_a_judge_that_sees_no_large_loss_confirms_no_more_than_people(report_promise: Report) -> None:
    """A share of the queries loses .6 at the smaller depth, which the judge never sees."""
    draw, counts = blind_judge(1.01 * MARGIN / 0.6, 0.02), np.zeros(2)
    rng = np.random.default_rng(5)
    n, others = 70, 300
    for seed in range(DRAWS):
        human, judged = (values[:, 0] for values in draw(rng, n + others))
        depths = [np.column_stack([0.5 + values, np.full(n + others, 0.5)]) for values in (human, judged)]
        first = np.zeros(n), np.zeros(n + others)
        alone = chosen(depths[0][:n], first[0], None, seed, others)
        both = chosen(depths[0][:n], first[0], (depths[1], first[1]), seed, others)
        counts += [alone.is_confirmed, both.is_confirmed]
    before, now = (counts / DRAWS).tolist()
    report_promise(Promise(f"judge blind to losses, {n} human", WRONG, before, now, DRAWS))
    assert now <= max(at_most(0.05), before + 0.01)


@pytest.mark.parametrize("judge", FEW)
def test_a_reranker_without_gain_is_recommended_as_rarely_as_by_people(
    test_data: Path, report_promise: Report, judge: str
) -> None:
    """The first stage is as good as the deepest depth on average under people's grades, but not under the judge's."""
    human, judged = dl19_depths(test_data, judge)
    rng, counts = np.random.default_rng(9), np.zeros(2)
    shift = human[:, -1].mean() - human[:, 0].mean()
    n, others = SIZES[0]
    for seed in range(DRAWS):
        sample, by_judge = drawn((human, judged), rng, n, others)
        alone = chosen(sample, sample[:, 0] + shift, None, seed, others)
        both = chosen(sample, sample[:, 0] + shift, (by_judge, by_judge[:, 0] + shift), seed, others)
        counts += [alone.recommended is not None, both.recommended is not None]
    before, now = (counts / DRAWS).tolist()
    report_promise(Promise(f"dl19, {judge}, {n} human, {others} others", NO_GAIN, before, now, DRAWS))
    assert now <= max(at_most(0.05), before + 0.01)
