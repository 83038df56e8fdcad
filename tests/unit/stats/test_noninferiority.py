"""The level of two looks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evalkit.stats import level_of_two_looks


@pytest.mark.parametrize("alpha", [0.4, 0.05, 0.01, 1e-4])
def test_two_looks_have_alpha_at_the_worst_choice_of_queries(alpha: float) -> None:
    """Integrated over the first look: the second has the size that is most likely to pass, given the first."""
    level = level_of_two_looks(alpha)
    z = stats.norm.isf(level)
    first = np.linspace(-8, z, 400_001)
    # Queries added, as a multiple of the first; the most likely to pass are found by a grid.
    ratios = np.geomspace(1e-4, 1e6, 400)[:, None]
    coarse = first[::1000]
    chance = stats.norm.sf((z * np.sqrt(1 + ratios) - coarse) / np.sqrt(ratios)).max(axis=0)
    joint = level + float(np.trapezoid(stats.norm.pdf(first) * np.interp(first, coarse, chance), first))
    assert joint == pytest.approx(alpha, rel=0.03)
    assert level < alpha
