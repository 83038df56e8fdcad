"""What is said of timed calls: quantiles, flags, limits, costs, ratios."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.timed import Kept, Scripted, ScriptedClock, batches

from evalkit.config import LatencySettings, read_claim
from evalkit.experiment.latency_pass import find_loads
from evalkit.latency import (
    Blocks,
    LatencyCell,
    Limit,
    RoundState,
    Sample,
    Workload,
    fit_cost,
    judge_limit,
    latency_ratio,
    measure,
    measure_arrivals,
    summarise_calls,
)
from evalkit.latency.flags import (
    flag_cold,
    flag_drift,
    flag_machine,
    flag_noise,
    flag_outliers,
    flag_overload,
    flag_queueing,
    flag_unsettled,
)
from evalkit.reranking import OpenLoop, RerankerSession


def ids(count: int, of: int | None = None) -> NDArray[np.object_]:
    """Return query ids, repeating after `of`."""
    return np.array([f"q{i % (of or count)}" for i in range(count)], dtype=object)


def in_rounds(count: int) -> Blocks:
    """Return the rounds of calls: six, one call of each in turn."""
    return Blocks(np.arange(count) % 6)


def test_failed_calls_have_no_latency() -> None:
    """A failed call is counted and enters no quantile."""
    seconds = np.array([0.1] * 10 + [99.0])
    summary = summarise_calls(seconds, seconds < 1, ids(11), in_rounds(11), 0.95)
    assert (summary.calls, summary.failed, summary.max_s) == (11, 1, 0.1)
    assert summary.quantiles[0.5].interval.estimate == pytest.approx(0.1)
    assert summary.quantiles[0.95].interval.estimate is None


def test_repeats_are_not_samples() -> None:
    """Twenty repeats of ten queries carry what ten queries carry: a median at most, n = 10, and a wide one."""
    rng = np.random.default_rng(3)
    of_query = rng.lognormal(0, 1, 10)
    seconds = np.tile(of_query, 20) * rng.lognormal(0, 0.01, 200)
    repeated = summarise_calls(seconds, np.ones(200, dtype=bool), ids(200, 10), in_rounds(200), 0.95)
    taken_apart = summarise_calls(seconds, np.ones(200, dtype=bool), ids(200), in_rounds(200), 0.95)
    assert repeated.quantiles[0.5].interval.n == 10
    assert repeated.quantiles[0.9].interval.estimate is None
    median, naive = repeated.quantiles[0.5].interval, taken_apart.quantiles[0.5].interval
    assert median.upper is not None
    assert median.lower is not None
    assert naive.upper is not None
    assert naive.lower is not None
    assert median.upper - median.lower > 2 * (naive.upper - naive.lower)


def test_outliers_are_counted_and_kept() -> None:
    """A value beyond three quartile distances is an outlier, stays in the quantiles, and is the maximum."""
    seconds = np.append(np.linspace(1, 2, 99), 9.0)
    summary = summarise_calls(seconds, np.ones(100, dtype=bool), ids(100), in_rounds(100), 0.95)
    assert (summary.outliers, summary.max_s) == (1, 9.0)
    assert flag_outliers(1) == "1 outlier"
    assert flag_outliers(0) is None


def measured(takes, flight: int = 1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - arrays of a pass
    """Time a scripted service as a pass does; return warm-up and timed calls as columns."""
    made, clock, kept = batches(125), ScriptedClock(), Kept()
    rounds = tuple(made[5 + start :: 6] for start in range(6))
    cell = LatencyCell("r", Workload(1, flight), 5, made[:5], rounds)
    measure([cell], [RerankerSession("r", Scripted(clock, takes))], "d", 0, kept, clock)
    calls = [one.call for one in kept.outcomes]
    warm = np.array([c.latency_s for c in calls if c.pass_ == "warmup"])
    timed = [c for c in calls if c.pass_ == "latency"]
    return warm, np.array([c.latency_s for c in timed]), np.array([c.round for c in timed])


def test_a_cold_first_call_is_flagged_and_in_no_quantile() -> None:
    """The first call of a service that loads its model takes twenty times as long: reported, and outside the sample."""
    warm, latency, _ = measured(lambda number, _: 2.0 if number == 0 else 0.1)
    assert flag_cold(warm, latency) == "cold start: the first call took 20.0 times the median"
    assert latency.max() == pytest.approx(0.1)
    assert flag_cold(warm[1:], latency) is None


def test_drift_is_flagged_and_noise_is_not_called_drift() -> None:
    """A service that slows down by a fifth drifts; one that only varies does not."""
    rng = np.random.default_rng(1)
    noise = rng.lognormal(0, 0.1, 200)
    _, drifting, _ = measured(lambda number, _: 0.1 * noise[number] * (1 + number / 500))
    _, steady, rounds = measured(lambda number, _: 0.1 * noise[number])
    assert str(flag_drift(drifting)).startswith("drift: median latency of the second half +")
    assert flag_drift(steady) is None
    assert flag_noise(steady, rounds) is None


def test_rounds_that_differ_are_flagged() -> None:
    """A machine that is busy in every second round makes round medians vary."""
    _, latency, rounds = measured(lambda number, _: 0.1 * (1 + (number // 20) % 2))
    assert str(flag_noise(latency, rounds)).startswith("noisy: standard deviation of round medians ")


def test_a_warm_up_that_never_settles_is_flagged() -> None:
    """Latencies that keep falling for thirty calls were timed too early, and that is reported."""
    warm, *_ = measured(lambda number, _: 0.8**number)
    assert flag_unsettled(warm) == "latency not stable after 30 warm-up calls"
    warm, *_ = measured(lambda *_: 0.1)
    assert flag_unsettled(warm) is None


@pytest.mark.parametrize(("rate", "overloaded"), [(2.0, False), (6.0, True)])
def test_queueing_and_overload_are_flagged(rate: float, *, overloaded: bool) -> None:
    """A service of 0.25 s that takes one call at a time queues at any rate, and falls behind at 6 a second."""
    clock, made = ScriptedClock(), batches(305)
    session = RerankerSession("r", Scripted(clock, lambda *_: 0.25))
    cell = LatencyCell("r", Workload(1, None, None, rate), 5, made[:5], (made[5:],))
    with OpenLoop(session, most=1, clock=clock, sleep=clock.sleep) as open_loop:
        calls = [one.call for one in measure_arrivals(cell, open_loop, "d", 3, Kept())]
    waits = np.array([c.start_s - c.scheduled_s for c in calls])
    response = np.array([c.end_s - c.scheduled_s for c in calls])
    assert str(flag_queueing(waits, np.array([c.latency_s for c in calls]))).startswith("queueing: ")
    assert (flag_overload(response) is not None) == overloaded
    assert flag_queueing(waits * 0, response) is None


def test_the_machine_is_flagged() -> None:
    """Stolen time, throttling and an unsteady piece of work are reported; an unknown is no zero and no alarm."""
    calm = [RoundState("d", n, 0.01, None, None, 0.1) for n in range(6)]
    assert flag_machine(calm) == []
    busy = [RoundState("d", n, 0.01 * (1 + n % 2), 0.1, 0.5, 0.1) for n in range(6)]
    said = flag_machine(busy)
    assert len(said) == 3
    assert "reference workload: 10 ms to 20 ms" in said[0]
    assert "10%" in said[1]
    assert "3.0 s" in said[2]


@pytest.mark.parametrize(
    ("late", "n", "verdict"),
    [(0, 58, "CANNOT TELL"), (0, 59, "PASS"), (1, 92, "CANNOT TELL"), (1, 93, "PASS"), (9, 60, "FAIL")],
)
def test_limits_pass_from_the_known_sample_sizes(late: int, n: int, verdict: str) -> None:
    """95 % within a limit take 59 calls in time, or 93 with one late: exact binomial bounds at 95 %."""
    seconds = np.where(np.arange(n) < late, 2.0, 0.5)
    held = judge_limit(seconds, np.ones(n, dtype=bool), ids(n), in_rounds(n), Limit(1.0, 0.95), 0.95)
    assert held.verdict == verdict
    assert held.late.estimate == pytest.approx(late / n)


def test_a_failed_call_was_not_in_time() -> None:
    """A call that failed fast is late, and nothing measured is no verdict."""
    held = judge_limit(np.full(60, 0.1), np.arange(60) >= 20, ids(60), in_rounds(60), Limit(1.0, 0.95), 0.95)
    assert held.verdict == "FAIL"
    nothing = np.empty(0)
    assert (
        judge_limit(nothing, nothing > 0, ids(0), in_rounds(0), Limit(1.0, 0.95), 0.95).verdict
        == "NOT MEASURED"
    )


def test_repeats_do_not_buy_a_verdict() -> None:
    """Ten queries asked sixty times each are ten queries: too few for 95 %, whatever was measured."""
    held = judge_limit(
        np.full(600, 0.1), np.ones(600, dtype=bool), ids(600, 10), in_rounds(600), Limit(1.0, 0.95), 0.95
    )
    assert (held.verdict, held.late.n) == ("CANNOT TELL", 10)


def sample(size: int, seconds: NDArray[np.float64], tokens: float = 0.0) -> Sample:
    """Return the calls of one cell."""
    causes = {"documents": np.full(len(seconds), float(size)), "tokens": np.full(len(seconds), tokens)}
    return Sample(seconds, ids(len(seconds)), in_rounds(len(seconds)).number, causes)


def test_costs_of_a_line_are_found() -> None:
    """18 ms and 3.1 ms for each document come out as such, with bounds around them, stalls or not."""
    rng = np.random.default_rng(2)
    cells = []
    for size in (1, 10, 20, 50, 100):
        seconds = (0.018 + 0.0031 * size) * rng.lognormal(0, 0.05, 120)
        seconds[::50] += 1.0
        cells.append(sample(size, seconds))
    fit = fit_cost(cells, ("documents",), 0.95, 1)
    assert fit is not None
    assert fit.fixed_s[0] == pytest.approx(0.018, rel=0.05)
    assert fit.per_unit_s[0][0] == pytest.approx(0.0031, rel=0.03)
    assert fit.fixed_s[1] < fit.fixed_s[0] < fit.fixed_s[2]
    assert fit.is_straight
    assert (fit.cells, fit.calls) == (5, 600)


def test_documents_and_tokens_are_told_apart_where_they_can_be() -> None:
    """With documents of several lengths both costs come out; with one length nobody can say, and nothing is said."""
    rng = np.random.default_rng(2)

    def cost(size: int, tokens: float) -> NDArray[np.float64]:
        return (0.01 + 0.002 * size + 0.00001 * tokens) * rng.lognormal(0, 0.02, 100)

    both = [
        sample(size, cost(size, size * long), size * long)
        for size in (1, 10, 20, 50)
        for long in (50, 200, 800)
    ]
    fit = fit_cost(both, ("documents", "tokens"), 0.95, 1)
    assert fit is not None
    assert [part[0] for part in fit.per_unit_s] == pytest.approx([0.002, 0.00001], rel=0.1)
    alike = [sample(size, cost(size, size * 200), size * 200) for size in (1, 10, 20, 50)]
    assert fit_cost(alike, ("documents", "tokens"), 0.95, 1) is None
    assert fit_cost(both[:2], ("documents",), 0.95, 1) is None


def test_a_cost_that_grows_in_steps_is_no_line() -> None:
    """A server that pads every batch to 64 documents misses the line, and that is known."""
    steps = [sample(size, np.full(50, 0.1 * (1 + size // 64))) for size in (1, 10, 63, 64, 128)]
    fit = fit_cost(steps, ("documents",), 0.95, 1)
    assert fit is not None
    assert not fit.is_straight


def test_ratios_are_over_rounds_and_paired_by_query() -> None:
    """A contender 20 % slower on every query of every round is found so, however different queries are."""
    rng = np.random.default_rng(4)
    one = {r: {f"q{i}": float(rng.lognormal(0, 1)) for i in range(20)} for r in range(6)}
    other = {
        r: {q: 1.2 * s * float(rng.lognormal(0, 0.01)) for q, s in held.items()} for r, held in one.items()
    }
    found = latency_ratio(one, other, 0.95)
    assert found.n == 6
    assert found.estimate == pytest.approx(1.2, rel=0.01)
    assert found.lower is not None
    assert 1.15 < found.lower < 1.2
    assert latency_ratio({0: {"a": 1.0}}, {1: {"a": 1.0}}, 0.95).estimate is None


@pytest.mark.parametrize(
    ("documents", "limit", "fewest", "most", "seconds"),
    [
        ("10-20 documents", "100ms", 10, 20, 0.1),
        ("50-100", "0.3 s", 50, 100, 0.3),
        ("1", "<= 80 ms", 1, 1, 0.08),
    ],
)
def test_claims_are_read(documents: str, limit: str, fewest: int, most: int, seconds: float) -> None:
    """A vendor's promise is a range of documents and a time with its unit."""
    claim = read_claim(documents, limit)
    assert (claim.fewest, claim.most) == (fewest, most)
    assert claim.limit_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("documents", "limit"), [("20-10", "1s"), ("few", "1s"), ("10", "fast"), ("10", "100"), ("0", "1s")]
)
def test_other_claims_are_refused(documents: str, limit: str) -> None:
    """A time without a unit, an empty range or words are no promise that could be held against anything."""
    with pytest.raises(ValueError, match=r"needs positive numbers|not a number|not a time"):
        read_claim(documents, limit)


def test_rates_are_shares_of_the_measured_capacity() -> None:
    """A service of 0.1 s, one at a time, serves 10 a second; its loads are shares of that."""
    made, clock, kept = batches(65), ScriptedClock(), Kept()
    cell = LatencyCell("r", Workload(1, 1), 5, made[:5], tuple(made[5 + start :: 6] for start in range(6)))
    measure([cell], [RerankerSession("r", Scripted(clock, lambda *_: 0.1))], "d", 0, kept, clock)
    calls = [one.call for one in kept.outcomes if one.call.pass_ == "latency"]
    settings = LatencySettings.model_validate_json('{"batch_sizes": [1], "server": {"shares": [0.5, 0.9]}}')
    loads = find_loads(settings, "r", calls)
    assert loads.rates_per_s == pytest.approx((5.0, 9.0))
    assert loads.latency_s == pytest.approx(0.1)
    assert find_loads(settings, "r", []).rates_per_s == ()
    assert find_loads(LatencySettings(), "r", calls).rates_per_s == ()
