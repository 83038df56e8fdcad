"""When a cell is warm: its latencies have settled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_WARMUP = 30
"""Calls after which a cell is timed, settled or not."""
NEAR = 0.10
"""Latencies that differ by less, relative to their median, are taken for equal."""
_SPAN = 5


def has_settled(latencies_s: Sequence[float]) -> bool:
    """Return whether the last calls say that warming up is over.

    Either three calls in a row lie within 10 % of their median; or, where documents differ too much in length
    for that, the last five calls were no faster than the five before them.
    """
    last = np.array(latencies_s[-3:])
    if len(last) == 3 and (np.abs(last - np.median(last)) <= NEAR * np.median(last)).all():
        return True
    if len(latencies_s) < 2 * _SPAN:
        return False
    before, now = latencies_s[-2 * _SPAN : -_SPAN], latencies_s[-_SPAN:]
    return float(np.median(now)) >= (1 - NEAR) * float(np.median(before))
