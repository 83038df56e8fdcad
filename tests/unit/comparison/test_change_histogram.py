"""Histograms of per-query differences."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.change_histogram import ChangeHistogram, change_histogram

CHANGES = st.lists(
    st.floats(-1, 1, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-9), max_size=40
)


@given(changes=CHANGES)
def test_every_change_is_in_one_bin_of_its_side(changes: list[float]) -> None:
    """Wins and losses are counted once each, in at most ten bins, and the last bin reaches the largest change."""
    found = change_histogram(np.array(changes))
    wins, losses = (sum(sign * change > 0 for change in changes) for sign in (1, -1))
    if found is None:
        assert (wins, losses) == (0, 0)
        return
    assert (sum(found.wins), sum(found.losses)) == (wins, losses)
    assert max(len(found.wins), len(found.losses)) <= 10
    assert max(len(found.wins), len(found.losses)) * found.width >= max(map(abs, changes)) * (1 - 1e-6)


def test_a_change_on_an_edge_is_in_the_inner_bin() -> None:
    """Rounding in the last digit moves nothing: 0.3 as a difference of 0.1 and 0.4 is in the bin up to 0.3."""
    changes = np.array([0.4 - 0.1, -0.1, 1.0, 0.0, 0.05])
    assert change_histogram(changes) == ChangeHistogram(0.1, (1,), (1, 0, 1, 0, 0, 0, 0, 0, 0, 1))


def test_without_a_change_there_is_no_histogram() -> None:
    """Equal systems, and no queries at all, have none."""
    assert change_histogram(np.zeros(5)) is None
    assert change_histogram(np.array([])) is None
