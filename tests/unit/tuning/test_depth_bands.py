"""Bands of depths that share a threshold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.tuning.depth_bands import band_of


@given(st.integers(1, 2000))
def test_bands_cover_every_depth_once(deepest: int) -> None:
    """Each depth is in its own band, neighbours meet, and the number of bands is that of the different ones."""
    found = list(dict.fromkeys(band_of(depth, deepest) for depth in range(1, deepest + 1)))
    assert [depth for band in found for depth in band.depths] == list(range(1, deepest + 1))
    assert {band.bands for band in found} == {len(found)}


@given(st.integers(1, 2000), st.floats(0.5, 0.999))
def test_the_levels_of_all_bands_add_up(deepest: int, confidence: float) -> None:
    """The probabilities of error of the bands together are that of the whole."""
    band = band_of(1, deepest)
    assert band.bands * (1 - band.confidence(confidence)) == pytest.approx(1 - confidence)
