"""Whether latency keeps its promises if rounds differ: intervals, A/A runs, limits, ratios, throughput and cost.

Calls are drawn, not timed: the latency of a call is a factor of its round by its own noise. "Before" is the method that
takes calls as independent. ``EVALKIT_RESAMPLES=5000 python -m pytest -s tests/calibration/test_latency_rounds.py``
draws more; see evalkit/MEASUREMENTS.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise

from evalkit.comparison.dominance import dominated_by
from evalkit.comparison.gate_verdicts import judge_ratio
from evalkit.config import LatencySettings
from evalkit.latency import (
    Blocks,
    Limit,
    Sample,
    Spans,
    consecutive_parts,
    fit_cost,
    judge_limit,
    latency_ratio,
    passed_in_order,
    summarise_calls,
    without_pass_near_capacity,
)
from evalkit.latency.throughput import throughput
from evalkit.stats import Interval, quantile_interval, share_interval

pytestmark = pytest.mark.long

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "400"))
CALLS, ROUNDS = LatencySettings().calls, LatencySettings().rounds
IDS = np.array([f"q{i}" for i in range(CALLS)], dtype=object)
ALL_OK = np.ones(CALLS, dtype=bool)
Report = Callable[[Promise], None]
SLOWER = 1.001
"""A limit just missed: the true quantile by the limit."""


@dataclass(frozen=True)
class World:
    """Rounds and calls of one cell.

    Attributes
    ----------
    name
        What the calls of a round are like.
    round_sd, call_sd
        Standard deviation of log latency between rounds, and of the calls of a round.
    stalls
        Share of calls that take five times as long.
    """

    name: str
    round_sd: float
    call_sd: float = 0.15
    stalls: float = 0.0
    rounds: int = ROUNDS
    calls: int = CALLS

    @property
    def title(self) -> str:
        """Name for the table."""
        return f"{self.name}, round sd {self.round_sd:.0%}, {self.calls} calls in {self.rounds} rounds"

    @property
    def blocks(self) -> Blocks:
        """The round of each call."""
        return Blocks(np.repeat(np.arange(self.rounds), self.calls // self.rounds))

    def draw(self, rng: np.random.Generator, times: int) -> NDArray[np.float64]:
        """Return ``(times, calls)`` seconds of independent passes, the calls of a round next to each other."""
        each = self.calls // self.rounds
        rounds = np.repeat(rng.normal(0, self.round_sd, (times, self.rounds)), each, axis=1)
        slow = np.where(rng.random((times, self.calls)) < self.stalls, 5.0, 1.0)
        return np.asarray(0.1 * np.exp(rounds + rng.normal(0, self.call_sd, rounds.shape)) * slow)


@cache
def true_quantile(world: World, p: float) -> float:
    """Return the true quantile of all calls, from two million of them."""
    return float(np.quantile(world.draw(np.random.default_rng(77), 2_000_000 // world.calls), p))


NOISY = World("calls vary by 15 %", 0.10)
WORLDS = [
    World("calls vary by 15 %", 0.0),
    World("calls vary by 15 %", 0.05),
    NOISY,
    World("calls vary by 15 %", 0.15),
    World("calls vary by 5 %", 0.10, 0.05),
    World("calls vary by 30 %", 0.10, 0.30),
    World("one call in twelve stalls", 0.10, 0.05, 1 / 12),
    World("calls vary by 15 %", 0.10, rounds=6),
    World("calls vary by 15 %", 0.10, rounds=6, calls=72),
]


def holds(interval: Interval, truth: float) -> bool:
    """Return whether an interval has bounds, and the truth lies within."""
    assert interval.lower is not None
    assert interval.upper is not None
    return interval.lower <= truth <= interval.upper


def printed_intervals(world: World, drawn: NDArray[np.float64]) -> dict[float, list[Interval]]:
    """Return quantile -> its printed interval in each pass."""
    n = world.calls
    found = [summarise_calls(row, ALL_OK[:n], IDS[:n], world.blocks, 0.95).quantiles for row in drawn]
    return {p: [one[p].interval for one in found] for p in (0.5, 0.95)}


@pytest.mark.parametrize("world", WORLDS, ids=lambda one: one.title)
def test_intervals_hold_the_quantile_of_future_rounds(world: World, report_promise: Report) -> None:
    """A 95 % interval of p50 or p95 holds the quantile of all rounds in at least .93 of the passes."""
    drawn = world.draw(np.random.default_rng(1), DRAWS)
    printed = printed_intervals(world, drawn)
    for p in (0.5, 0.95):
        truth = true_quantile(world, p)
        before = np.mean([holds(quantile_interval(row, p, 0.95), truth) for row in drawn])
        now = np.mean([holds(one, truth) for one in printed[p]])
        claim = f"interval of p{p * 100:.0f} holds it: at least .93"
        report_promise(Promise(world.title, claim, float(before), float(now), DRAWS))
        assert now >= 0.93
        assert now >= before


@pytest.mark.parametrize("world", [NOISY, WORLDS[4]], ids=lambda one: one.title)
def test_two_runs_of_the_same_cell_agree(world: World, report_promise: Report) -> None:
    """The 95 % intervals of two runs that measure the same are disjoint in less than .05 of the pairs."""
    drawn = world.draw(np.random.default_rng(2), 2 * DRAWS)

    def disjoint(found: list[Interval]) -> float:
        pairs = zip(found[::2], found[1::2], strict=True)
        return float(
            np.mean([max(a.lower or 0, b.lower or 0) > min(a.upper or 0, b.upper or 0) for a, b in pairs])
        )

    printed = printed_intervals(world, drawn)
    for p in (0.5, 0.95):
        before = disjoint([quantile_interval(row, p, 0.95) for row in drawn])
        now = disjoint(printed[p])
        claim = f"A/A: disjoint intervals of p{p * 100:.0f}: less than .05"
        report_promise(Promise(world.title, claim, before, now, DRAWS))
        assert now < 0.05


@cache
def before_verdict(late: int, n: int, allowed: float) -> str:
    """Return the verdict of exact binomial bounds, which take calls as independent."""
    found = share_interval(late, n, 0.9)
    assert found.upper is not None
    assert found.lower is not None
    return "PASS" if found.upper <= allowed else "FAIL" if found.lower > allowed else "CANNOT TELL"


@pytest.mark.parametrize(
    ("world", "quantile"),
    [(NOISY, 0.9), *((WORLDS[place], 0.95) for place in (0, 2, 3, 4, 6, 7))],
    ids=lambda one: one.title if isinstance(one, World) else f"p{100 * one:.0f}",
)
def test_a_limit_just_missed_seldom_passes(world: World, quantile: float, report_promise: Report) -> None:
    """PASS where the true quantile is just above the limit: at most .05; FAIL where it is just below: at most .05."""
    drawn = world.draw(np.random.default_rng(3), DRAWS)
    for verdict, factor in (("PASS", 1 / SLOWER), ("FAIL", SLOWER)):
        limit = Limit(true_quantile(world, quantile) * factor, quantile)
        n = world.calls
        late = (drawn > limit.limit_s).sum(axis=1)
        before = np.mean([before_verdict(int(count), n, 1 - quantile) == verdict for count in late])
        now = np.mean(
            [
                judge_limit(row, ALL_OK[:n], IDS[:n], world.blocks, limit, 0.95).verdict == verdict
                for row in drawn
            ]
        )
        claim = f"false {verdict} of p{quantile * 100:.0f} at its limit: at most .05"
        report_promise(Promise(world.title, claim, float(before), float(now), DRAWS))
        assert now <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / DRAWS)


def test_of_five_sizes_just_too_slow_seldom_any_passes(report_promise: Report) -> None:
    """Sizes are tested in order: any PASS among five that all just miss the limit occurs in at most .05."""
    world, sizes = NOISY, 5
    limit = Limit(true_quantile(world, 0.95) / SLOWER, 0.95)
    drawn = world.draw(np.random.default_rng(4), DRAWS * sizes).reshape(DRAWS, sizes, -1)
    late = (drawn > limit.limit_s).sum(axis=2)
    before = np.mean([any(before_verdict(int(k), CALLS, 0.05) == "PASS" for k in row) for row in late])
    passed = 0
    for family in drawn:
        results = [judge_limit(row, ALL_OK, IDS, world.blocks, limit, 0.95) for row in family]
        passed += any(one.verdict == "PASS" for one in passed_in_order(results))
    claim = "largest size within the limit, five just too slow: at most .05"
    report_promise(Promise(world.title, claim, float(before), passed / DRAWS, DRAWS))
    assert passed / DRAWS <= 0.05


def test_a_limit_well_above_the_quantile_passes(report_promise: Report) -> None:
    """The price of the promise is known: a limit half above p95 passes in most runs."""
    world = NOISY
    limit = Limit(true_quantile(world, 0.95) * 1.5, 0.95)
    drawn = world.draw(np.random.default_rng(5), DRAWS)
    late = (drawn > limit.limit_s).sum(axis=1)
    before = np.mean([before_verdict(int(k), CALLS, 0.05) == "PASS" for k in late])
    now = np.mean(
        [judge_limit(row, ALL_OK, IDS, world.blocks, limit, 0.95).verdict == "PASS" for row in drawn]
    )
    claim = "PASS of p95 half below the limit: at least .90"
    report_promise(Promise(world.title, claim, float(before), float(now), DRAWS))
    assert now >= 0.9


def test_repeated_queries_and_rounds_are_both_allowed_for(report_promise: Report) -> None:
    """Forty queries, each in three rounds: the interval of the median holds it in at least .93 of the passes."""
    rng, queries = np.random.default_rng(6), 40
    blocks = Blocks(np.repeat(np.arange(ROUNDS), CALLS // ROUNDS))
    ids = IDS[np.arange(CALLS) % queries]
    draws = min(DRAWS, 200)
    held = np.zeros(2)
    for _ in range(draws):
        of_query = rng.normal(0, 0.3, queries)[np.arange(CALLS) % queries]
        noise = rng.normal(0, 0.05, CALLS) + of_query
        seconds = np.exp(noise + np.repeat(rng.normal(0, 0.12, ROUNDS), CALLS // ROUNDS))
        found = summarise_calls(seconds, ALL_OK, ids, blocks, 0.95).quantiles[0.5].interval
        held += holds(found, 1.0), holds(quantile_interval(seconds, 0.5, 0.95), 1.0)
    claim = "interval of p50 holds it: at least .93"
    world = "40 queries three times each, query sd 30 %, round sd 12 %"
    report_promise(Promise(world, claim, held[1] / draws, held[0] / draws, draws))
    assert held[0] / draws >= 0.93


def test_throughput_holds_under_round_effects(report_promise: Report) -> None:
    """Student's t over rounds holds the mean rate of rounds in at least .93 of the passes, as it did before."""
    rng, each = np.random.default_rng(7), CALLS // ROUNDS
    drawn = NOISY.draw(rng, DRAWS)
    many = NOISY.draw(rng, 20_000).reshape(-1, each)
    truth = float(np.mean((each - 1) / many[:, 1:].sum(axis=1)))
    held = 0
    for row in drawn:
        ends = np.cumsum(row)
        spans = Spans(ends - row, ends, ALL_OK, NOISY.blocks.number)
        held += holds(throughput(spans, np.ones(CALLS), 0.95), truth)
    claim = "interval of the throughput holds it: at least .93"
    report_promise(Promise(NOISY.title, claim, held / DRAWS, held / DRAWS, DRAWS))
    assert held / DRAWS >= 0.93


@pytest.mark.parametrize("shared", [True, False], ids=["of all sizes", "of each size"])
def test_the_cost_of_a_document_holds_under_round_effects(
    shared: bool, monkeypatch: pytest.MonkeyPatch, report_promise: Report
) -> None:
    """Fixed time and time per document hold in at least .93, whether sizes slow down together or each alone."""
    monkeypatch.setattr("evalkit.latency.cost_fit.RESAMPLES", 200)
    rng, draws = np.random.default_rng(8), DRAWS // 2
    sizes, each = (1, 10, 20, 50, 100), CALLS // ROUNDS
    truth = np.array([0.010, 0.001])
    held = np.zeros((2, 2))
    for _ in range(draws):
        effects = rng.normal(0, 0.10, (ROUNDS, 1 if shared else len(sizes))) * np.ones(len(sizes))
        samples = []
        for place, size in enumerate(sizes):
            noise = np.repeat(effects[:, place], each) + rng.normal(0, 0.15, CALLS)
            seconds = (truth[0] + truth[1] * size) * np.exp(noise)
            samples.append(Sample(seconds, IDS, NOISY.blocks.number, {"documents": np.full(CALLS, size)}))
        fit = fit_cost(samples, ["documents"], 0.95, 1)
        alone = [Sample(one.latency_s, IDS, np.arange(CALLS) % ROUNDS, one.causes) for one in samples]
        before = fit_cost(alone, ["documents"], 0.95, 1)
        assert fit is not None
        assert before is not None
        for row, one in enumerate((fit, before)):
            parts = zip((one.fixed_s, *one.per_unit_s), truth, strict=True)
            held[row] += [part[1] <= true <= part[2] for part, true in parts]
    now, before_share = held / draws
    world = f"round sd 10 % {'of all sizes' if shared else 'of each size'}, {ROUNDS} rounds"
    for name, one, earlier in zip(("fixed time", "time per document"), now, before_share, strict=True):
        claim = f"interval of the {name} holds it: at least .93"
        report_promise(Promise(world, claim, float(earlier), float(one), draws))
        assert one >= 0.93


def test_ratios_and_gates_hold_under_round_effects(report_promise: Report) -> None:
    """Two rerankers with round effects of their own: the ratio holds, a gate at its limit errs in at most .05.

    So does "faster" of two that are equally fast.
    """
    rng, draws = np.random.default_rng(9), 5 * DRAWS
    one, other = NOISY.draw(rng, draws), NOISY.draw(rng, draws)
    number = NOISY.blocks.number
    held = passed = faster = 0
    for first, second in zip(one, other, strict=True):
        rounds = [
            {n: dict(zip(IDS[number == n], row[number == n], strict=True)) for n in range(ROUNDS)}
            for row in (first, second)
        ]
        held += holds(latency_ratio(rounds[0], rounds[1], 0.95), 1.0)
        medians = [np.log([np.median(row[number == n]) for n in range(ROUNDS)]) for row in (first, second)]
        passed += judge_ratio(medians[1] - medians[0], "ratio", 1.0, 0.05).status == "PASS"
        timed = {tag: dict(enumerate(row)) for tag, row in zip("ab", medians, strict=True)}
        faster += bool(dominated_by({"b": ["a"]}, timed, 0.95)["b"])
    for claim, count in (
        ("interval of a latency ratio holds it: at least .93", held),
        ("gate passes a ratio at its limit: at most .05", passed),
        ("equal latency called faster: at most .025", faster),
    ):
        report_promise(Promise(NOISY.title, claim, count / draws, count / draws, draws))
    assert held / draws >= 0.93
    assert passed / draws <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)
    assert faster / draws <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / draws)


def queues(rng: np.random.Generator, times: int, calls: int, load: float) -> NDArray[np.float64]:
    """Return ``(times, calls)`` response times of one server with Poisson arrivals at a share of its capacity."""
    gaps = rng.exponential(1 / load, (calls, times))
    service = rng.lognormal(-(0.15**2) / 2, 0.15, (calls, times))
    waits = np.zeros((calls, times))
    for place in range(1, calls):
        waits[place] = np.maximum(0, waits[place - 1] + service[place - 1] - gaps[place])
    return np.asarray((waits + service).T)


@pytest.mark.parametrize(("load", "calls"), [(0.3, 120), (0.5, 120), (0.75, 120), (0.75, 500)])
def test_open_loops_hold_up_to_a_load(load: float, calls: int, report_promise: Report) -> None:
    """Queued calls are not independent: up to half of the capacity 120 calls are enough to pass, beyond that 500.

    Of the latter no interval is promised.
    """
    rng, draws = np.random.default_rng(10), DRAWS
    truth = float(np.quantile(queues(rng, 400, 3_000, load)[:, 1_000:], 0.95))
    parts = consecutive_parts(calls)
    ids, ok = np.array([f"q{i}" for i in range(calls)], dtype=object), np.ones(calls, dtype=bool)
    limit = Limit(truth / SLOWER, 0.95)
    held, passed = np.zeros(2), np.zeros(2)
    for row in queues(rng, draws, calls, load):
        found = summarise_calls(row, ok, ids, parts, 0.95).quantiles[0.95].interval
        held += holds(found, truth), holds(quantile_interval(row, 0.95, 0.95), truth)
        before = before_verdict(int((row > limit.limit_s).sum()), calls, 0.05) == "PASS"
        result = judge_limit(row, ok, ids, parts, limit, 0.95)
        passed += without_pass_near_capacity(result, calls, load).verdict == "PASS", before
    world = f"open loop at {load:.0%} of the capacity, {calls} calls"
    claims = ("interval of p95 holds it: at least .93", "false PASS of p95 at its limit: at most .05")
    for claim, (now, earlier) in zip(claims, (held / draws, passed / draws), strict=True):
        report_promise(Promise(world, claim, float(earlier), float(now), draws))
    assert held[0] / draws >= 0.93 or load > 0.5
    assert passed[0] / draws <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)
