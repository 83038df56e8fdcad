"""Many charts as PNG, in one process or in several."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.charts import HARD

from evalkit.charts import drawing, figures
from evalkit.charts.layout import file_scene

SCENES = [file_scene(chart) for chart in HARD.values()]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have several processes draw few scenes, as those of a machine with three processors."""
    monkeypatch.setattr(drawing, "_FEWEST", 3)
    monkeypatch.setattr(drawing.os, "sched_getaffinity", lambda _pid: {0, 1, 2}, raising=False)


@pytest.mark.usefixtures("few")
def test_several_processes_draw_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the scenes; this process draws its part only."""
    expected = [figures.as_png_file(scene) for scene in SCENES]
    drawn: list[object] = []
    draw = figures.as_png_file
    monkeypatch.setattr(figures, "as_png_file", lambda scene: drawn.append(scene) or draw(scene))
    assert drawing.as_png_files(SCENES) == expected
    assert drawn == SCENES[::3]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("program", ["/missing", "false", "echo"])
def test_what_a_process_does_not_draw_is_drawn_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    """It cannot start, ends at once, or writes something else."""
    script = tmp_path / program
    if program != "/missing":
        script.write_text(f"#!/bin/sh\nexec {program} x\n", encoding="utf-8")
        script.chmod(0o755)
    expected = [figures.as_png_file(scene) for scene in SCENES]
    monkeypatch.setattr(sys, "executable", str(script))
    assert drawing.as_png_files(SCENES) == expected


def test_few_charts_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process takes longer to start than they take to draw."""
    monkeypatch.setattr(drawing.subprocess, "Popen", None)
    assert len(drawing.as_png_files(SCENES[:2])) == 2
