"""Pixels as PNG files with a palette."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from evalkit.charts.pictures import as_png


def read(content: bytes) -> NDArray[np.int64]:
    """Return ``(height, width, 3)`` the colours of a PNG file."""
    image = Image.open(io.BytesIO(content))
    assert image.mode == "P"
    return np.asarray(image.convert("RGB")).astype(np.int64)


def pixels(colours: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return ``(height, width, 4)`` opaque pixels of colours."""
    return np.dstack((colours, np.full(colours.shape[:2], 255))).astype(np.uint8)


@given(st.integers(1, 20), st.integers(1, 12), st.integers(1, 256), st.integers(0, 2**32 - 1))
def test_few_colours_are_exact(width: int, height: int, most: int, seed: int) -> None:
    """Up to 256 of them, whatever they are."""
    draw = np.random.default_rng(seed)
    colours = draw.integers(0, 256, (most, 3))[draw.integers(0, most, (height, width))]
    assert (read(as_png(pixels(colours), width, height)) == colours).all()


@pytest.mark.parametrize("more", [300, 5_000])
def test_of_many_colours_the_most_frequent_are_exact(more: int) -> None:
    """Also those that are nearly equal, such as light bands of two systems; others change by little."""
    draw = np.random.default_rng(0)
    bands = np.array([(255, 255, 255), (212, 229, 239), (212, 234, 228), (0, 103, 165)])
    grey = draw.integers(0, 256, (more, 1)) + draw.integers(-6, 7, (more, 3))
    colours = np.concatenate((np.repeat(bands, 2_000, axis=0), np.clip(grey, 0, 255)))[None]
    found = read(as_png(pixels(colours), colours.shape[1], 1))
    assert (found[0, :8_000] == colours[0, :8_000]).all()
    assert np.abs(found - colours).max() <= 24
