"""Charts with data that is hard to draw, for tests of their layout and of their files."""

from __future__ import annotations

from math import inf, nan

from evalkit.charts.chart import (
    Axis,
    Bar,
    Bars,
    Chart,
    Line,
    Mark,
    Panel,
    Points,
    Rule,
    Spot,
    Tick,
    Zone,
)

NAMES = (
    "a-very-long-name-of-a-reranker-with-a-version-2026-11-28",
    "<b>&\"$x$'</svg><script>",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0646\u0645\u0648\u0630\u062c",
    "\u4e2d\u6587\u91cd\u6392\u6a21\u578b",
    "x\x00\x1b",
)
_DEPTH = Axis("candidates (depth)", "log")


def chart(name: str, *marks: Mark, x: Axis = _DEPTH, y: Axis | None = None) -> Chart:
    """Return a chart of one panel; its title is its name."""
    return Chart(name, name, f"caption of {name}", x, (Panel(y or Axis("mean nDCG@10"), marks),), ({"a": 1},))


def line(name: str, place: int, values: tuple[float | None, ...]) -> Line:
    """Return a line with a band."""
    spots = tuple(
        Spot(x, y, None if y is None else y - 0.1, None if y is None else y + 0.1)
        for x, y in enumerate(values, start=1)
    )
    return Line(name, f"system-{place}", spots, bounds="band", dots=True)


HARD = {
    "long-and-hostile-names": chart(
        "long-and-hostile-names", *(line(name, place, (0.5, 0.5, 0.5)) for place, name in enumerate(NAMES))
    ),
    "gaps": chart(
        "gaps", line("g", 0, (0.1, 0.2, None, 0.4, 0.5, nan, 0.6, inf)), line("none", 1, (None, None))
    ),
    "one-value": chart("one-value", Line("o", "system-0", (Spot(10, 0.3),), dots=True)),
    "huge-and-negative": chart("huge-and-negative", line("h", 0, (-3e12, 2e9, 7e13)), x=Axis("score")),
    "nothing": chart("nothing"),
    "crowded-ticks": chart(
        "crowded-ticks",
        line("c", 0, (0.1,) * 60),
        x=Axis("depth", ticks=tuple(Tick(x, f"depth {x}") for x in range(1, 61))),
    ),
    "rules": chart(
        "rules",
        Zone(1.5, 2.5, "x"),
        Rule(2.0, "x", "p95 limit 200 ms", "limit", "dashed"),
        Rule(2.01, "x", "p99 limit 201 ms", "limit"),
        Rule(0.3, "y", "bm25 alone", "baseline"),
        Points("p", "system-1", tuple(Spot(x, x / 10, filled=x > 2, label=f"label {x}") for x in (1, 2, 3))),
    ),
    "bars": chart(
        "bars",
        Bars(tuple(Bar(x - 0.5, x + 0.5, abs(x), "good", str(abs(x))) for x in range(-3, 4))),
        x=Axis("difference"),
    ),
    "forest": chart(
        "forest",
        *(
            Points(name, "ink", (Spot(0.1 * place, place, left=-0.5, right=1.0),), named=False)
            for place, name in enumerate(NAMES)
        ),
        x=Axis("difference", form="signed"),
        y=Axis("", "category", ticks=tuple(Tick(place, name) for place, name in enumerate(NAMES))),
    ),
}
"""Name -> chart."""
