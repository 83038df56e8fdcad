"""Whether a judge that is right, but for rare and large errors, makes corrected claims false more often.

It is near people's values, or is a real judge, and gives one system's documents the best or worst grade at few queries
of TREC DL 2019. A draw of people may hold none of these: values of the judge are cut at fences for that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit
from support.judged_worlds import blundering, dl19_pairs, gates_pass
from support.promises import Promise

from evalkit.stats import corrected_means

pytestmark = pytest.mark.long

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "200"))
MARGIN = 0.02


@pytest.mark.parametrize(("n", "others"), [(30, 300), (50, 1000)])
@pytest.mark.parametrize("noise", [0.3, None])
@pytest.mark.parametrize("sign", [1, 0])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_rare_large_errors_of_a_judge(
    test_data: Path,
    report_promise: Callable[[Promise], None],
    share: float,
    sign: int,
    noise: float | None,
    n: int,
    others: int,
) -> None:
    """Intervals hold, and a loss of the margin passes, nearly as often as with people alone, whatever is favoured."""
    sample, judge = dl19_pairs(test_data, "umbrela-gpt-4o"), blundering(share, sign, noise)
    loss, rng, pairs = sample[0].mean(axis=0) + MARGIN, np.random.default_rng(n), sample[0].shape[1]
    held, passed = np.zeros((2, pairs)), np.zeros((2, pairs))
    half, one_sided = float(stdtrit(n - 1, 0.975)), float(stdtrit(n - 1, 0.95))
    for _ in range(DRAWS):
        human, of_all = sample
        rows = rng.integers(0, len(human), n + others)
        drawn_values = human[rows], of_all[rows]
        judged, human = judge(rng, drawn_values), drawn_values[0][:n] - loss
        found = corrected_means(human, judged)
        mean, error = human.mean(axis=0), human.std(axis=0, ddof=1) / np.sqrt(n)
        held += [np.abs(one + MARGIN) <= half * e for one, e in ((found.means, found.errors), (mean, error))]
        passed += [gates_pass(found, MARGIN), mean - one_sided * error > -MARGIN]
    (mine, plain), (gate, usual) = held.mean(axis=1) / DRAWS, passed.mean(axis=1) / DRAWS
    name = "umbrela-gpt-4o" if noise is None else "a judge near people"
    favours = "one system" if sign else "either"
    where = f"dl19, {name}, grossly wrong at {share:.0%} for {favours}, {n} human, {others:,} others"
    claim = "interval with rare large errors of a judge (before: people alone): at most .015 less"
    report_promise(Promise(where, claim, float(plain), float(mine), DRAWS))
    claim = "gate passes a loss of the margin, rare large errors of a judge (before: people alone): at most {} more"
    most = 0.01
    report_promise(Promise(where, claim.format(most), float(usual), float(gate), DRAWS))
    slack = float(np.sqrt(0.05 * 0.95 / DRAWS))
    assert mine >= plain - 0.015 - slack
    assert gate <= usual + most + slack
