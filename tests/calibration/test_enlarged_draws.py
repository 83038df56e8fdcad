"""How often a verdict is false if the draw for people is enlarged until a difference is significant.

The worlds are pairs of the runs of TREC DL 2019 with NIST's grades and those of real judges; a constant is added to
every difference so that there is none. People judge 30 queries, look, and judge 20 more, up to four times.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.judged_worlds import dl19_pairs
from support.promises import Promise

from evalkit.comparison.families import p_of_t
from evalkit.comparison.looks import level
from evalkit.stats import corrected_means

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "2000"))
SIZES = (30, 50, 70, 90, 110)
OTHERS = 300
CLAIM = (
    "a draw is enlarged up to 4 times until significant, false better or worse (before: no rule): at most .10"
)


@pytest.mark.parametrize("judge", ["umbrela-gpt-4o", "binary-llama3.2"])
def test_looks_at_an_enlarged_draw(test_data: Path, report_promise: Report, judge: str) -> None:
    """All verdicts on one sample together are false in at most twice the level; without the rule in more."""
    human, judged = dl19_pairs(test_data, judge)
    human = human - human.mean(axis=0)
    rng, rounds = np.random.default_rng(11), max(DRAWS // 10, 20)
    naive = ruled = 0.0
    for _ in range(rounds):
        rows = rng.integers(0, len(human), OTHERS + SIZES[-1])
        p = np.array([_p_values(human[rows[:n]], judged[rows]) for n in SIZES])
        naive += (p <= 0.05).any(axis=0).mean()
        levels = np.array([level(0.05, look) for look in range(len(SIZES))])
        ruled += (p <= levels[:, None]).any(axis=0).mean()
    where = f"DL19, {judge}, 30 human + 20 at each of 4 looks, {OTHERS} others"
    report_promise(Promise(where, CLAIM, naive / rounds, ruled / rounds, rounds * human.shape[1]))
    # Draws of one round share their queries, so that the pairs count as few independent ones.
    slack = 2 * float(np.sqrt(0.1 * 0.9 / rounds))
    assert ruled / rounds <= 0.10 + slack
    assert ruled < naive
    assert naive > 1.3 * ruled, "why an enlargement after judging is a look"


def _p_values(human: np.ndarray, judged: np.ndarray) -> list[float]:
    found = corrected_means(human, judged)
    p = (p_of_t(found.of(column)) for column in range(human.shape[1]))
    return [1.0 if one is None else one for one in p]
