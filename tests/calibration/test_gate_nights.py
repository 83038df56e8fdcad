"""Whether the monitor over nights raises as few false alarms as it says, and finds what falls.

The queries are the same every night: what varies is the noise between reruns. ``EVALKIT_RESAMPLES`` draws more series.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise

from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.stats import fall_evidence, minimum_detectable_effect

SERIES = int(os.environ.get("EVALKIT_RESAMPLES", "300"))
ALPHA, NIGHTS, QUERIES = 0.05, 100, 100
Report = Callable[[Promise], None]


def errors(rate: float) -> float:
    """Return two standard errors of a share of the series."""
    return 2 * float(np.sqrt(rate * (1 - rate) / SERIES))


def first_alarm(means: NDArray[np.float64], margin: float) -> int | None:
    """Return the number of nights until the first alarm; None if there is none."""
    for night in range(1, len(means) + 1):
        if fall_evidence(means[:night], margin).e_value >= 1 / ALPHA:
            return night
    return None


def rerun_noise(world: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ``(nights,)`` means of the noise of all queries."""
    if world == "normal noise":
        return rng.normal(0, 0.02, (NIGHTS, QUERIES)).mean(axis=1)
    if world == "rare jumps":  # one query in fifty has another list
        jumps = (rng.random((NIGHTS, QUERIES)) < 0.02) * rng.choice([-1.0, 1.0], (NIGHTS, QUERIES))
        return jumps.mean(axis=1)
    if world == "one good night in ten":  # the same system otherwise, without noise
        return 0.01 * ((rng.random(NIGHTS) < 0.1) - 0.1)
    # All queries of a night are off together, as with another replica of a service.
    return rng.normal(0, 0.004, NIGHTS) + rng.normal(0, 0.02, (NIGHTS, QUERIES)).mean(axis=1)


@pytest.mark.long
@pytest.mark.parametrize("world", ["normal noise", "rare jumps", "whole nights off", "one good night in ten"])
def test_a_mean_at_the_margin_raises_few_alarms_in_a_hundred_nights(
    world: str, report_promise: Report
) -> None:
    """At most one series in twenty. *Before*: the t test of all nights so far, every night."""
    rng = np.random.default_rng(1)
    margin, alarms, naive = 0.01, 0, 0
    for _ in range(SERIES):
        means = -margin + rerun_noise(world, rng)
        alarms += first_alarm(means, margin) is not None
        naive += any(
            decide_drop(means[:night], margin, ALPHA)[0] == "FAIL" for night in range(30, NIGHTS + 1)
        )
    claim = "false alarm in 100 nights at a loss of the margin: at most .05"
    report_promise(Promise(world, claim, naive / SERIES, alarms / SERIES, SERIES))
    assert alarms / SERIES <= ALPHA + errors(ALPHA)
    assert naive / SERIES > ALPHA + errors(ALPHA)


@pytest.mark.long
@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_an_unchanged_system_passes_a_hundred_nights(factor: float, report_promise: Report) -> None:
    """The baseline and every night are reruns; the margin is what passes with 80 % power, or more.

    *Before*: a night is red if its gate does not pass. With ``--nights``: if its gate fails, or there is an alarm.
    """
    rng = np.random.default_rng(2)
    certified = minimum_detectable_effect(0.02 * np.sqrt(2), QUERIES, ALPHA, sides=1)
    assert certified is not None
    margin, before, now = factor * certified, 0, 0
    for _ in range(SERIES):
        baseline = rng.normal(0, 0.02, QUERIES)
        nights = rng.normal(0, 0.02, (NIGHTS, QUERIES)) - baseline
        statuses = [decide_drop(night, margin, ALPHA)[0] for night in nights]
        before += any(status != "PASS" for status in statuses)
        now += "FAIL" in statuses or first_alarm(nights.mean(axis=1), margin) is not None
    claim = "an unchanged system has a red night in 100: at most .05"
    report_promise(Promise(f"margin {factor:g} x certified", claim, before / SERIES, now / SERIES, SERIES))
    assert now / SERIES <= ALPHA + errors(ALPHA)
    assert before / SERIES > now / SERIES


@pytest.mark.long
def test_a_fall_is_found_within_nights(report_promise: Report) -> None:
    """Good for fifty nights, then lower by the margin and one, two or four nights' standard deviations."""
    rng = np.random.default_rng(3)
    margin, deviation = 0.01, 0.002
    for beyond in (1, 2, 4):
        delays = []
        for _ in range(SERIES // 3):
            means = rng.normal(0, deviation, NIGHTS)
            means[50:] -= margin + beyond * deviation
            delays.append((first_alarm(means, margin) or NIGHTS + 1) - 50)
        found = float(np.mean(np.array(delays) <= 50))
        sys.stdout.write(f"\nbeyond the margin by {beyond} sd: median {np.median(delays):.0f} nights")
        claim = "a lasting fall is found within 50 nights"
        world = f"beyond the margin by {beyond} nightly sd, after 50 good nights"
        report_promise(Promise(world, claim, None, found, SERIES // 3))
        assert min(delays) > 0
        assert found >= (0.95 if beyond == 4 else 0)
