"""Whether gate rules on corrected values pass a version at the limit no more often than they state.

Queries of TREC DL 2019 are drawn with replacement; people judge the first ones. A rule on the mean has the true mean as
its limit, and one on the retained gain versions that keep exactly the share.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from support.judged_worlds import Sample, dl19_systems, drawn
from support.promises import Promise

from evalkit.comparison.gate_verdicts import judge_minimum
from evalkit.stats import corrected_means

pytestmark = pytest.mark.long

ALPHA, SHARE = 0.05, 0.5
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "120"))
JUDGES = ["umbrela-gpt-4", "umbrela-gpt-4o", "binary-gpt-4o", "binary-llama3.2"]


def contrasts(world: Sample) -> Sample:
    """Return the differences of each system from the values that keep half of another one's gain over a third."""
    triples = list(permutations(range(world[0].shape[1]), 3))[::6]
    human, judged = (
        np.column_stack(
            [
                values[:, new] - SHARE * values[:, old] - (1 - SHARE) * values[:, first]
                for new, old, first in triples
            ]
        )
        for values in world
    )
    return human, judged


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("human", "others"), [(30, 300), (50, 1000)])
@pytest.mark.parametrize("kind", ["min", "retain"])
def test_a_version_at_the_limit_passes_rarely(
    test_data: Path,
    report_promise: Callable[[Promise], None],
    judge: str,
    human: int,
    others: int,
    kind: str,
) -> None:
    """On average over systems in at most .055, and in no more than .015 over people alone in the worst one."""
    world = dl19_systems(test_data, judge)
    world = contrasts(world) if kind == "retain" else world
    truth = world[0].mean(axis=0)
    rng = np.random.default_rng(11)
    passed, alone = np.zeros(len(truth)), np.zeros(len(truth))
    for _ in range(DRAWS):
        sample = drawn(world, rng, human, others)
        for found, counts in (
            (corrected_means(*sample), passed),
            (corrected_means(sample[0], sample[1][:human]), alone),
        ):
            counts += [
                found.skewed(column).bounds(0.0, ALPHA).lower > truth[column] for column in range(len(truth))
            ]
    where = f"dl19 {judge}, rule {kind}, {human} human, {others} others; people alone"
    report_promise(
        Promise(
            where,
            "passes at the limit (before: of people alone): at most .055",
            float(alone.mean()) / DRAWS,
            float(passed.mean()) / DRAWS,
            DRAWS,
        )
    )
    slack = 2 * np.sqrt(ALPHA / DRAWS)
    assert passed.mean() / DRAWS <= 0.055 + slack / 2
    assert passed.max() / DRAWS <= alone.max() / DRAWS + 0.015 + slack


def test_the_rule_takes_the_bound_that_is_counted(test_data: Path) -> None:
    """A verdict on the minimum is that of the lower bound of column 1."""
    human, judged = drawn(dl19_systems(test_data, JUDGES[0]), np.random.default_rng(1), 50, 300)
    found = corrected_means(human[:, :2], judged[:, :2])
    lower = found.skewed(1).bounds(0.0, ALPHA).lower
    for least, status in ((lower - 1e-6, "PASS"), (lower + 1e-6, "CANNOT TELL")):
        one = judge_minimum(human[:, 1], "nDCG@10", least, ALPHA, corrected=found)
        assert one.status == status
