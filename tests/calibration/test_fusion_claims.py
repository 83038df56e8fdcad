"""How often "beats its best fusion" or "is beaten by it" is said where there is no difference.

In each world all fusions have the same true mean as the reranker alone, so that every claim is wrong. Before: the best
fusion is tested on the queries that it was chosen on. ``EVALKIT_RESAMPLES`` sets the draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.promises import Promise
from support.worlds import centred_differences

from evalkit.tuning import Split, split_queries
from evalkit.tuning.fusion_choice import against_fusion

pytestmark = pytest.mark.long
DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "400"))
FUSIONS = ("rrf", "0.25 reranker", "0.5 reranker", "0.75 reranker")
LEVEL = 0.05
Values = NDArray[np.float64]
World = Callable[[np.random.Generator, int], tuple[Values, Values]]
"""Generator and number of queries -> values of the reranker alone, and a column of values for each fusion."""


@cache
def centred() -> Values:
    """Return the differences of two real systems, shifted to a mean of 0."""
    return centred_differences()


def real(rng: np.random.Generator, n: int) -> tuple[Values, Values]:
    """Return centred differences of two real systems; the fusions share part of them."""
    differences = centred()
    shared, own = (
        rng.integers(len(differences), size=n),
        rng.integers(len(differences), size=(n, len(FUSIONS))),
    )
    return np.zeros(n), 0.7 * differences[shared][:, None] + 0.3 * differences[own]


def skewed(rng: np.random.Generator, n: int) -> tuple[Values, Values]:
    """Return differences of which four in five are 0; a fall is three times as large as a gain, and as rare."""
    shape = (n, len(FUSIONS))
    changes = np.where(rng.random(shape) < 0.25, -0.6, 0.2)
    return np.zeros(n), np.where(rng.random(shape) < 0.2, changes, 0.0)


def binary(rng: np.random.Generator, n: int) -> tuple[Values, Values]:
    """Return values of 0 and 1; a fusion has the reranker's value for seven in ten queries."""
    alone = (rng.random(n) < 0.5).astype(float)
    shape = (n, len(FUSIONS))
    other = (rng.random(shape) < 0.5).astype(float)
    return alone, np.where(rng.random(shape) < 0.7, alone[:, None], other)


WORLDS: dict[str, World] = {
    "real differences": real,
    "few queries differ": skewed,
    "values of 0 and 1": binary,
}


def claims(alone: Values, fused: Values, split: Split, clusters: NDArray[np.int64] | None = None) -> bool:
    """Return whether the reranker is said to beat the best fusion, or to be beaten by it."""
    found = against_fusion(alone, dict(zip(FUSIONS, fused.T, strict=True)), split, clusters, resamples=999)
    return found.verdict != "no significant difference"


def most(draws: int) -> float:
    """Return the largest share of wrong claims that the draws may show at the level."""
    return float(stats.binom.ppf(0.999, draws, LEVEL)) / draws


@pytest.mark.parametrize("n", [40, 200])
@pytest.mark.parametrize("name", WORLDS)
def test_without_a_difference_a_claim_is_as_rare_as_its_level(
    name: str, n: int, report_promise: Callable[[Promise], None]
) -> None:
    """The fusion is the best of four on the tuning half, and has no part in the test."""
    rows = np.arange(n)
    wrong = same = 0
    for seed in range(DRAWS):
        alone, fused = WORLDS[name](np.random.default_rng([seed, n]), n)
        wrong += claims(alone, fused, split_queries(n, seed))
        same += claims(alone, fused, Split(rows, rows))
    limit = "claim against the best fusion without a difference: at most .05"
    report_promise(Promise(f"{name}, n = {n}", limit, same / DRAWS, wrong / DRAWS, DRAWS))
    assert wrong / DRAWS <= most(DRAWS)


def test_repeated_queries_do_not_make_a_claim(report_promise: Callable[[Promise], None]) -> None:
    """Each of 40 queries five times with the same values. Before: they count as independent."""
    clusters = np.repeat(np.arange(40), 5)
    wrong = ignored = 0
    for seed in range(DRAWS):
        alone, fused = (one[clusters] for one in real(np.random.default_rng(seed), 40))
        split = split_queries(len(clusters), seed, clusters)
        wrong += claims(alone, fused, split, clusters)
        ignored += claims(alone, fused, split)
    limit = "claim against the best fusion without a difference: at most .05"
    report_promise(
        Promise("real differences, 40 queries five times", limit, ignored / DRAWS, wrong / DRAWS, DRAWS)
    )
    assert wrong / DRAWS <= most(DRAWS)
    assert ignored / DRAWS > most(DRAWS)


def test_a_real_difference_is_found(report_promise: Callable[[Promise], None]) -> None:
    """Every fusion loses .1 of nDCG on 200 queries: the reranker is said to beat it, never to be beaten by it."""
    found = 0
    for seed in range(DRAWS):
        alone, fused = real(np.random.default_rng(seed), 200)
        one = against_fusion(
            alone + 0.1, dict(zip(FUSIONS, fused.T, strict=True)), split_queries(200, seed), resamples=999
        )
        assert one.verdict != "is beaten by"
        found += one.verdict == "beats"
    report_promise(
        Promise("real differences + .1, n = 200", "beats its best fusion: found", None, found / DRAWS, DRAWS)
    )
    assert found / DRAWS > 0.8
