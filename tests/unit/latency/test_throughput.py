"""Calls per second of rounds."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.latency import Spans, rates_by_round


def test_throughput_knows_no_ramps() -> None:
    """Calls that take 2 s, three in flight, are 1.5 a second in every round, however few a round has."""
    starts = np.concatenate([np.arange(7) * 2 / 3 + 100 * number for number in range(3)])
    calls = Spans(starts, starts + 2, np.ones(21, dtype=bool), np.repeat(np.arange(3), 7))
    assert rates_by_round(calls, np.ones(21)) == pytest.approx([1.5] * 3)
    assert rates_by_round(calls, np.full(21, 10.0)) == pytest.approx([15.0] * 3)
    failed = Spans(starts, starts + 2, np.arange(21) < 1, calls.round)
    assert len(rates_by_round(failed, np.ones(21))) == 0
