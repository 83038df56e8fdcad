"""Sentences on the number of candidates."""

from __future__ import annotations

from dataclasses import replace

from support.documents import sweep

from evalkit.report.depth import without_depth
from evalkit.tuning import Limits


def test_a_limit_of_latency_needs_latencies() -> None:
    """Without a limit, or where one depth has a latency, more queries may help."""
    limited = replace(sweep("x", costs=(None, None)), limits=Limits(p95_s=0.2))
    assert without_depth([limited]).startswith("Add a `latency:` block")
    timed = replace(limited, rows=(limited.rows[0], replace(limited.rows[1], p95_s=0.5)))
    for known in (timed, sweep("x")):
        assert without_depth([known]).startswith("Use the first stage alone")


def test_a_system_without_latencies_is_named() -> None:
    """It is why no depth is within the limits, though another system was timed."""
    limited = [replace(sweep(name, costs=(None, None)), limits=Limits(p95_s=0.2)) for name in ("x", "y")]
    timed = replace(limited[1], rows=tuple(replace(row, p95_s=0.5) for row in limited[1].rows))
    assert without_depth([limited[0], timed]).startswith("Measure the latency of x:")
