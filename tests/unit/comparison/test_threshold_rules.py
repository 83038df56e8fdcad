"""Rules on a threshold: what it keeps and which queries it leaves empty, with bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from evalkit.comparison.threshold_rules import Limit, judge_empty, judge_kept
from evalkit.stats import bounded_interval, skewness_shift

RNG = np.random.default_rng(3)
KEPT = RNG.beta(2, 6, 200)


@pytest.mark.parametrize(
    ("share", "at_most", "status"),
    [
        (0.40, True, "PASS"),
        (0.25, True, "CANNOT TELL"),
        (0.10, True, "FAIL"),
        (0.10, False, "PASS"),
        (0.25, False, "CANNOT TELL"),
        (0.40, False, "FAIL"),
    ],
)
def test_the_share_that_is_kept_is_judged_by_its_bound(share: float, at_most: bool, status: str) -> None:
    """The bound on the side of the limit decides, not the mean. Skewness widens one bound of the mean's interval."""
    found = judge_kept(KEPT, Limit(0.4, share, at_most=at_most), 0.05)
    interval = bounded_interval(KEPT, 0.9)
    shift = skewness_shift(KEPT, 0.05)
    assert shift > 0
    assert (found.status, found.estimate) == (status, interval.estimate)
    assert (found.lower, found.upper) == (interval.lower, pytest.approx((interval.upper or 0) + shift))


@pytest.mark.parametrize(("empty", "status"), [(0, "PASS"), (4, "PASS"), (9, "CANNOT TELL"), (40, "FAIL")])
def test_empty_results_are_judged_by_the_exact_bound(empty: int, status: str) -> None:
    """Of Clopper and Pearson: rare empty results count however rare they are."""
    values = (np.arange(200) < empty).astype(np.float64)
    found = judge_empty(values, 0.4, 0.05, 0.05)
    exact = binomtest(empty, 200).proportion_ci(0.9, method="exact")
    assert (found.status, found.estimate) == (status, empty / 200)
    assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))
    assert found.sentence.startswith(f"{empty} of 200 queries have no document")


def test_few_queries_have_no_verdict() -> None:
    """Whatever they show."""
    assert judge_kept(KEPT[:20], Limit(0.4, 0.9, at_most=True), 0.05).status == "CANNOT TELL"
    assert judge_empty(np.ones(20), 0.4, 0.05, 0.05).status == "CANNOT TELL"
    assert judge_empty(np.empty(0), 0.4, 0.05, 0.05).status == "INVALID"


def test_clusters_widen_the_bounds() -> None:
    """Ten copies of each query are not ten times as many queries."""
    copies, clusters = np.repeat(KEPT[:40], 10), np.repeat(np.arange(40), 10)
    alone = judge_kept(KEPT[:40], Limit(0.4, 0.3, at_most=True), 0.05)
    together = judge_kept(copies, Limit(0.4, 0.3, at_most=True), 0.05, clusters)
    assert (together.upper or 0) == pytest.approx(alone.upper or 1, abs=0.002)
