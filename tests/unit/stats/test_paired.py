"""The random signs of the paired test."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.paired import _random_signs


@given(queries=st.integers(1, 40), resamples=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_random_signs_are_those_of_numpys_generator(queries: int, resamples: int, seed: int) -> None:
    """The sequence of `default_rng(seed).integers(0, 2)` in bytes; blocks of 64 rows drop what is left of 4 bytes."""
    found = list(_random_signs(queries, resamples, seed))
    rng = np.random.default_rng(seed)
    for block in found:
        drawn = rng.integers(0, 2, block.shape, dtype=np.int8)
        assert np.array_equal(block, 1.0 - 2.0 * drawn)
    assert sum(map(len, found)) == resamples
