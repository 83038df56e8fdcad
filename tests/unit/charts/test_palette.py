"""Colours: contrast with the page, and one role for each system."""

from __future__ import annotations

from itertools import pairwise

import pytest

from evalkit.charts.palette import SHADES, SYSTEMS, shape_of, system_roles

INFORMATIVE = [role for role in SHADES if role not in {"grid", "paper"}]


def channels(colour: str) -> list[float]:
    """Return red, green and blue of a colour as linear light from 0 to 1."""
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    red, green, blue = channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def without_green_cones(colour: str) -> list[float]:
    """Return a colour as people without green cones see it: Viénot, Brettel and Mollon 1999, in linear RGB."""
    red, green, blue = channels(colour)
    yellow = 0.29275 * red + 0.70725 * green
    return [yellow, yellow, -0.02234 * red + 0.02234 * green + blue]


@pytest.mark.parametrize("role", INFORMATIVE)
def test_every_role_is_readable_on_both_pages(role: str) -> None:
    """The contrast of what carries information is at least 3 on the light and on the dark page (WCAG 2, 1.4.11)."""
    shade = SHADES[role]
    assert contrast(shade.light, SHADES["paper"].light) >= 3
    assert contrast(shade.dark, SHADES["paper"].dark) >= 3


@pytest.mark.parametrize("side", ["light", "dark"])
def test_the_first_systems_differ_without_green_cones(side: str) -> None:
    """The first four systems, and wins from losses, are told apart by people without green cones."""
    for roles in ([f"system-{place}" for place in range(4)], ["good", "bad"]):
        seen = [without_green_cones(getattr(SHADES[role], side)) for role in roles]
        for place, one in enumerate(seen):
            for other in seen[place + 1 :]:
                assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.08


def test_a_system_has_one_role_and_the_baseline_its_own() -> None:
    """Roles follow the order of the tags, begin again after the last, and the baseline takes none of them."""
    tags = [f"t{place}" for place in range(SYSTEMS + 1)]
    roles = system_roles(["t0", "base", *tags], "base")
    assert roles["base"] == "baseline"
    assert [roles[tag] for tag in tags] == [*(f"system-{place}" for place in range(SYSTEMS)), "system-0"]


def test_neighbours_have_other_shapes() -> None:
    """Systems that follow each other differ in their marker as well, so that no colour is needed."""
    shapes = [shape_of(f"system-{place}") for place in range(SYSTEMS)]
    assert all(before != after for before, after in pairwise(shapes))
    assert shape_of("limit") == shape_of("baseline") == "circle"
