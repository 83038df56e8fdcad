"""Charts as PNG files: scenes drawn by the Agg renderer of matplotlib. The same scene gives the same bytes.

The renderer is driven directly: figures, axes and artists cost four times as much and draw the same pixels.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.charts.palette import SHADES
from evalkit.charts.pictures import as_png
from evalkit.charts.scene import BOLD_KINDS, SIZES, Area, Item, Marker, Path, Scene, Text
from evalkit.charts.svg import MARKER_RADIUS, corners

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font
    from matplotlib.path import Path as Outline
    from matplotlib.transforms import Affine2D
    from numpy.typing import NDArray

_PAD = 12.0
_DPI = 144
_SCALE = _DPI / 72
"""Pixels of the file for one of the scene: a size in points, as matplotlib takes it, is one in pixels of the scene."""
_DASHES: dict[str, tuple[float, ...]] = {"dashed": (5, 3), "dotted": (0.8, 2.5)}
"""Lengths of dashes and gaps, in widths of the line."""
_STROKES = {
    "grid": (1.0, 1.0), "axis": (1.0, 0.7), "rule": (1.25, 1.0), "line": (2.0, 1.0), "bar": (1.0, 1.0),
    "whisker": (1.5, 0.75), "cloud": (3.0, 0.55),
}  # fmt: skip
"""Width and opacity of each kind of path; as in ``charts.css``."""
_TEXT_SIZE = 0.92
"""Size of a text divided by that in SVG: the letters of DejaVu Sans are wide."""
_SETTINGS = ("agg.path.chunksize", "path.simplify", "path.simplify_threshold", "path.snap", "path.sketch")
"""Settings that the renderer reads. Those of the user change no picture."""


def as_png_file(scene: Scene) -> bytes:
    """Return a laid out chart as PNG, in light colours."""
    import matplotlib as mpl

    defaults: Any = mpl.rcParamsDefault
    usual: Any = {name: defaults[name] for name in _SETTINGS}
    with mpl.rc_context(usual), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas = _Canvas.of(scene)
        for item in scene.items:
            canvas.draw(item)
    return as_png(canvas.renderer.buffer_rgba(), canvas.width, canvas.height)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """The pixels of one picture.

    Attributes
    ----------
    renderer
        The ``RendererAgg`` that draws.
    width, height
        In pixels of the file.
    from_scene
        Moves places of the scene to pixels, whose y points up.
    """

    renderer: Any
    width: int
    height: int
    from_scene: Affine2D

    @classmethod
    def of(cls, scene: Scene) -> _Canvas:
        """Return an empty canvas for a scene, in the colour of paper."""
        from matplotlib.backends import backend_agg
        from matplotlib.transforms import Affine2D

        width, height = (int((side + 2 * _PAD) * _SCALE) for side in (scene.width, scene.height))
        from_scene = Affine2D().translate(_PAD, _PAD).scale(_SCALE, -_SCALE).translate(0.0, height)
        agg: Any = backend_agg
        canvas = cls(agg.RendererAgg(width, height, _DPI), width, height, from_scene)
        edges = ((-_PAD, -_PAD), (scene.width + _PAD, -_PAD), (scene.width + _PAD, scene.height + _PAD),
                 (-_PAD, scene.height + _PAD))  # fmt: skip
        canvas._area(Area("paper", edges, 1.0))
        return canvas

    def draw(self, item: Item) -> None:
        """Draw an item over those before it."""
        if isinstance(item, Path):
            self._path(item)
        elif isinstance(item, Area):
            self._area(item)
        elif isinstance(item, Marker):
            self._marker(item)
        else:
            self._write(item)

    def _path(self, path: Path) -> None:
        from matplotlib.path import Path as Outline

        width, opacity = _STROKES[path.kind]
        pen = self._pen(path.role, width, opacity)
        if path.kind == "cloud":
            pen.set_linewidth(0)
            pen.set_snap(False)
            radius = _of_size(width / 2 * _SCALE)
            places = Outline(path.places)
            self.renderer.draw_markers(
                pen, Outline.unit_circle(), radius, places, self.from_scene, _colour(path.role)
            )
            return
        if path.dash != "solid":
            pen.set_dashes(0, [width * part for part in _DASHES[path.dash]])
        pen.set_capstyle("butt" if path.dash != "solid" else "projecting")
        pen.set_joinstyle("round")
        self.renderer.draw_path(pen, Outline(path.places), self.from_scene)

    def _area(self, area: Area) -> None:
        pen = self._pen(area.role, 0.0, area.strength)
        self.renderer.draw_path(pen, _closed(area.places), self.from_scene, _colour(area.role))

    def _marker(self, marker: Marker) -> None:
        edge, width = ("paper", 1.0) if marker.filled else (marker.role, 1.75)
        pen = self._pen(edge, width, 1.0)
        pen.set_joinstyle("miter")
        fill = _colour(marker.role if marker.filled else "paper")
        if marker.shape != "circle":
            self.renderer.draw_path(pen, _closed(corners(marker)), self.from_scene, fill)
            return
        from matplotlib.path import Path as Outline

        place = _of_size(MARKER_RADIUS).translate(marker.x, marker.y) + self.from_scene
        self.renderer.draw_path(pen, Outline.unit_circle(), place, fill)

    def _write(self, text: Text) -> None:
        letters = _letters(text.text, SIZES[text.kind] * _TEXT_SIZE, bold=text.kind in BOLD_KINDS)
        x, y = ((at + _PAD) * _SCALE for at in (text.x, text.y))
        shift = {"start": 0.0, "middle": letters.width / 2, "end": letters.width}[text.anchor]
        height = len(letters.opacity)
        # The y of an image is that of its lower edge, from below.
        left, lower = round(x - shift + letters.left), self.height - round(y) - letters.below - 1
        if height:
            self.renderer.draw_image(
                self._pen(text.role, 0.0, 1.0), left, lower, letters.in_colour(text.role)
            )

    def _pen(self, role: str, width: float, opacity: float) -> Any:
        """Return a graphics context of matplotlib; `width` is in pixels of the scene."""
        pen = self.renderer.new_gc()
        pen.set_foreground(_colour(role), isRGBA=True)
        pen.set_alpha(opacity)
        pen.set_linewidth(width)
        return pen


@cache
def _colour(role: str) -> tuple[float, float, float, float]:
    """Return the light colour of a role as red, green, blue and opacity."""
    red, green, blue = bytes.fromhex(SHADES[role].light.removeprefix("#"))
    return red / 255, green / 255, blue / 255, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Letters:
    """One line of text as pixels.

    Attributes
    ----------
    opacity
        ``(height, width)`` 0 to 255.
    width
        Where the text ends, in pixels from its beginning.
    left, below
        Pixels from the beginning of the text to the left edge, and from the lower edge up to the baseline.
    """

    opacity: NDArray[np.uint8]
    width: float
    left: float
    below: int

    def in_colour(self, role: str) -> NDArray[np.uint8]:
        """Return ``(height, width, 4)`` the text in the colour of a role, its lowest row first."""
        image = np.empty((*self.opacity.shape, 4), np.uint8)
        image[:, :, :3] = [round(255 * part) for part in _colour(role)[:3]]
        image[:, :, 3] = self.opacity[::-1]
        return image


@lru_cache(maxsize=4096)
def _letters(text: str, size: float, *, bold: bool) -> _Letters:
    """Return a line of text; most texts of a report, such as those of ticks, are in many of its charts."""
    from matplotlib.ft2font import LoadFlags

    font = _font(bold=bold)
    font.set_size(size, _DPI)
    font.set_text(text, 0.0, flags=LoadFlags.DEFAULT)
    font.draw_glyphs_to_bitmap(antialiased=True)
    width, _ = font.get_width_height()
    left, _ = font.get_bitmap_offset()
    return _Letters(font.get_image().copy(), width / 64, left / 64, math.ceil(font.get_descent() / 64))


@cache
def _font(*, bold: bool) -> FT2Font:
    """Return a font of matplotlib's own files: one of the system may have other letters."""
    import matplotlib as mpl
    from matplotlib.ft2font import FT2Font

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return FT2Font(f"{mpl.get_data_path()}/fonts/ttf/{name}")


def _closed(places: Sequence[tuple[float, float]]) -> Outline:
    from matplotlib.path import Path as Outline

    return Outline([*places, places[0]], closed=True)


def _of_size(size: float) -> Affine2D:
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(size)
