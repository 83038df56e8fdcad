"""``latency.json``: whether timed calls keep the limit that is asked for."""

from __future__ import annotations

import pytest
from scipy import stats
from support.call_tables import timed_call
from support.latency_answers import answers_of, calls_of, served

from evalkit.config.latency import SloSettings

SLO = SloSettings(max_ms=500, quantile=0.9)


@pytest.mark.parametrize(
    ("late", "verdict"), [(0, "PASS"), (5, "CANNOT TELL"), (40, "FAIL")]
)  # of 60 calls, of which 10 % may be late
def test_a_limit_is_judged_by_exact_bounds(late: int, verdict: str) -> None:
    """The bounds of the late share are those of Clopper and Pearson, each at 95 %, where rounds are alike."""
    calls = calls_of("a", 0.1)
    calls = [
        timed_call(i, 0.9, reranker="a", round=i % 6) if i < late else one for i, one in enumerate(calls)
    ]
    (row,) = answers_of(calls, slo=SLO).limits
    assert (row.verdict, row.limit_s, row.quantile, row.batch_size) == (verdict, 0.5, 0.9, 10)
    assert row.late.estimate == pytest.approx(late / 60)
    expected = stats.binomtest(late, 60).proportion_ci(0.9, "exact")
    assert (row.late.lower, row.late.upper) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("late", "verdict"), [(0, "PASS"), (60, "FAIL")])
def test_a_limit_takes_several_rounds(late: int, verdict: str) -> None:
    """The same calls in three rounds have no verdict and no bounds: it is unknown how much rounds differ."""
    calls = [timed_call(i, 0.9 if i < late else 0.1, reranker="a", round=i % 6) for i in range(60)]
    (row,) = answers_of(calls, slo=SLO).limits
    assert (row.verdict, row.decided_by) == (verdict, "calls")
    (row,) = answers_of([one | {"round": one["round"] % 3} for one in calls], slo=SLO).limits
    assert (row.verdict, row.decided_by, row.upper_by_rounds_s) == ("CANNOT TELL", "rounds", None)
    assert (row.late.lower, row.late.upper) == (None, None)


def test_rounds_that_differ_leave_a_limit_open() -> None:
    """Every call is in time, but rounds differ by so much that the next rounds may not be."""
    calls = [timed_call(i, 0.02 * 1.9 ** (i % 6), reranker="a", round=i % 6) for i in range(60)]
    (row,) = answers_of(calls, slo=SLO).limits
    assert (row.verdict, row.decided_by, row.late.estimate) == ("CANNOT TELL", "rounds", 0.0)
    assert (row.upper_by_rounds_s or 0.0) > row.limit_s


def test_batch_sizes_pass_up_to_the_first_that_does_not() -> None:
    """Sizes are tested in ascending order: a larger one has no verdict after one that does not pass."""
    sizes = {5: 0.1, 10: 0.1, 20: 0.9, 50: 0.1, 100: 0.9}
    calls = [one for size, seconds in sizes.items() for one in calls_of("a", seconds, batch_size=size)]
    found = [(row.batch_size, row.verdict, row.decided_by) for row in answers_of(calls, slo=SLO).limits]
    assert found == [
        (5, "PASS", "calls"), (10, "PASS", "calls"), (20, "FAIL", "calls"), (50, "CANNOT TELL", "order"),
        (100, "FAIL", "calls"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "count", "basis"), [(0.5, 120, "calls"), (1.5, 120, "capacity"), (1.5, 500, "calls")]
)
def test_a_rate_near_the_capacity_passes_with_many_calls_only(rate: float, count: int, basis: str) -> None:
    """Two calls a second are served one after the other: a rate of 1.5 takes 500 calls to pass."""
    closed = served(1, 0.5)
    opened = [
        timed_call(i, 0.1, reranker="a", concurrency=None, rate_per_s=rate, scheduled_s=i / rate) for i in range(count)
    ]  # fmt: skip
    (row,) = (row for row in answers_of([*closed, *opened], slo=SLO).limits if row.rate_per_s)
    assert (row.verdict, row.decided_by) == ("PASS" if basis == "calls" else "CANNOT TELL", basis)
    (alone,) = answers_of(opened, slo=SLO).limits
    assert alone.decided_by == ("calls" if count == 500 else "capacity")


def test_a_failed_call_is_late() -> None:
    """It never answered in time."""
    (row,) = answers_of(calls_of("a", 0.1, status="failed"), slo=SLO).limits
    assert (row.verdict, row.late.estimate) == ("FAIL", 1.0)


def test_limits_are_for_single_calls_and_for_rates() -> None:
    """Cells with several calls in flight, or with a part of the collection, are not judged; all others are."""
    calls = [
        *calls_of("a", 0.1), *calls_of("a", 0.1, batch_size=20), *calls_of("a", 0.1, concurrency=4),
        *calls_of("a", 0.1, length_bucket=1), *calls_of("a", 0.1, concurrency=None, rate_per_s=2.0),
    ]  # fmt: skip
    found = [(row.batch_size, row.rate_per_s) for row in answers_of(calls, slo=SLO).limits]
    assert sorted(found, key=str) == [(10, 2.0), (10, None), (20, None)]
    assert answers_of(calls).limits == ()
