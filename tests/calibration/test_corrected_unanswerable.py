"""Whether corrected means hold where queries have no relevant document: means are over the others only.

Queries of TREC DL 2019 are drawn with replacement; a share of them has no relevant document under people's grades, by
chance or more often where systems differ little. The judge finds one, or none, at other queries than people do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit
from support.judged_worlds import Sample, Values, dl19_pairs, gates_pass
from support.promises import Promise

from evalkit.stats import MIN_QUERIES, CorrectedMeans, corrected_means

pytestmark = pytest.mark.long

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "80"))
N, OTHERS, MARGIN = 100, 1000, 0.02


@dataclass(frozen=True, slots=True)
class World:
    """Differences of all pairs under human grades and a judge's, and who is answerable.

    Attributes
    ----------
    chances
        ``(q,)`` probability that a query has no relevant document.
    wrong
        Probability that the judge says of a query what is not so.
    """

    sample: Sample
    chances: Values
    wrong: float

    @property
    def truth(self) -> Values:
        """Mean difference of the queries that have a relevant document."""
        return np.average(self.sample[0], axis=0, weights=1 - self.chances)

    def drawn(self, rng: np.random.Generator, shift: Values | float) -> tuple[Values, Values, Values, Values]:
        """Return values of people and the judge less a shift, and which queries have one under their grades."""
        human, judged = self.sample
        rows = rng.integers(0, len(human), N + OTHERS)
        has = rng.random(len(rows)) >= self.chances[rows]
        says = has ^ (rng.random(len(rows)) < self.wrong)
        # A judge that finds documents where there are none sees differences of its own there.
        seen = judged[np.where(has, rows, rng.integers(0, len(human), len(rows)))]
        own, of_judge = has[:N].astype(np.float64), says.astype(np.float64)
        return (human[rows[:N]] - shift) * own[:, None], (seen - shift) * of_judge[:, None], own, of_judge


def alone(human: Values, own: Values) -> tuple[Values, Values, int]:
    """Return the plain means of answerable queries, their errors, and how many they are."""
    kept = human[own > 0]
    return kept.mean(axis=0), kept.std(axis=0, ddof=1) / np.sqrt(len(kept)), len(kept)


def estimate(human: Values, judged: Values, own: Values, of_judge: Values) -> CorrectedMeans:
    """Return the corrected means of a draw."""
    return corrected_means(human, judged, None, (own, of_judge))


@pytest.mark.parametrize("wrong", [0.0, 0.2])
@pytest.mark.parametrize("cause", ["by chance", "where systems differ little"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_queries_without_a_relevant_document(
    test_data: Path, report_promise: Callable[[Promise], None], share: float, cause: str, wrong: float
) -> None:
    """Intervals hold, and a loss of the margin passes, as often as those of people's answerable queries alone."""
    sample = dl19_pairs(test_data, "umbrela-gpt-4o")
    ranks = np.argsort(np.argsort(-np.abs(sample[0]).mean(axis=1)))
    uneven = np.clip(2 * share * ranks / (len(ranks) - 1), 0, 0.95)
    world = World(sample, np.full(len(ranks), share) if cause == "by chance" else uneven, wrong)
    rng, pairs = np.random.default_rng(1), sample[0].shape[1]
    held, passed, widths, known = np.zeros((2, pairs)), np.zeros((2, pairs)), np.zeros((2, pairs)), 0
    for _ in range(DRAWS):
        draw = world.drawn(rng, world.truth + MARGIN)
        found, (mean, error, count) = estimate(*draw), alone(draw[0], draw[2])
        assert (found.averaged, found.degrees) == (count, count - 1)
        if count < MIN_QUERIES:
            continue  # no verdict
        known += 1
        half = float(stdtrit(count - 1, 0.975))
        held += [np.abs(one + MARGIN) <= half * e for one, e in ((found.means, found.errors), (mean, error))]
        passed += [gates_pass(found, MARGIN), mean - float(stdtrit(count - 1, 0.95)) * error > -MARGIN]
        widths += [found.errors, error]
    of_judge = "" if not wrong else f", the judge wrong about {wrong:.0%}"
    where = (
        f"dl19, umbrela-gpt-4o, {N} human, {OTHERS:,} others; {share:.0%} without relevant document {cause}"
    )
    where += of_judge
    (mine, plain), (gate, usual) = held.mean(axis=1) / known, passed.mean(axis=1) / known
    claim = "corrected mean of answerable queries lies in its interval (before: people alone): at least .94"
    report_promise(Promise(where, claim, float(plain), float(mine), known))
    claim = "gate on answerable queries passes a loss of the margin (before: people alone): at most .055"
    report_promise(Promise(where, claim, float(usual), float(gate), known))
    claim = (
        "width of a corrected mean of answerable queries by that of people alone, median of pairs: at most .9"
    )
    ratio = float(np.median(widths[0] / widths[1]))
    report_promise(Promise(where, claim, None, ratio, known))
    slack = float(np.sqrt(0.05 * 0.95 / known))
    assert mine >= 0.94 - slack
    assert gate <= 0.055 + slack
    assert ratio <= 0.9
