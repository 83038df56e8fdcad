"""Roles and their colours; every system has one role in all charts of a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

SYSTEMS = 8
"""Number of roles for systems; further systems start again."""
Shape = Literal["circle", "square", "diamond", "up", "down"]
_SHAPES: tuple[Shape, ...] = ("circle", "square", "diamond", "up", "down")


@dataclass(frozen=True, slots=True)
class Shade:
    """The colour of a role on a light and on a dark page."""

    light: str
    dark: str


SHADES = {
    "system-0": Shade("#0067a5", "#56b4e9"),
    "system-1": Shade("#c65102", "#f28e4e"),
    "system-2": Shade("#00845f", "#2cc79a"),
    "system-3": Shade("#a6407f", "#e390c4"),
    "system-4": Shade("#94700a", "#e5c04a"),
    "system-5": Shade("#5b3fa0", "#b6a0f5"),
    "system-6": Shade("#3b8fa8", "#8fd9ea"),
    "system-7": Shade("#8c2d1c", "#ff9c8a"),
    "baseline": Shade("#5f6773", "#a7b0bc"),
    "ink": Shade("#1c2330", "#e6e9ee"),
    "muted": Shade("#626b78", "#9ba5b2"),
    "limit": Shade("#b3261e", "#ff8a80"),
    "good": Shade("#00725a", "#3fc9a2"),
    "bad": Shade("#b04a00", "#f59a5b"),
    "grid": Shade("#e3e7ec", "#2b323c"),
    "paper": Shade("#ffffff", "#0f151c"),
}
"""Role -> colour; ``grid`` and ``paper`` carry no information."""


def system_roles(tags: Iterable[str], baseline: str) -> dict[str, str]:
    """Return tag -> role of every system, in order; the baseline has a neutral one."""
    others = [tag for tag in dict.fromkeys(tags) if tag != baseline]
    return {tag: f"system-{place % SYSTEMS}" for place, tag in enumerate(others)} | {baseline: "baseline"}


def shape_of(role: str) -> Shape:
    """Return the marker of a role, so that systems differ without colour, too."""
    number = role.removeprefix("system-")
    return _SHAPES[int(number) % len(_SHAPES)] if number.isdigit() else "circle"


def css_colours(side: Literal["light", "dark"]) -> str:
    """Return the colours of all roles as CSS variables."""
    return " ".join(
        f"--{role}: {shade.light if side == 'light' else shade.dark};" for role, shade in SHADES.items()
    )
