"""Ensembles in a configuration: their members, and where a problem is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import EnsembleSettings, load_config
from evalkit.errors import ConfigError

BASE = """\
name: t
datasets: [demo]
rerankers: {a: {backend: lexical}}
judges:
  one: {backend: replay, path: one.qrels}
  two: {backend: replay, path: one.qrels}
"""


def write(folder: Path, panel: str) -> Path:
    """Write a configuration with an ensemble, and the file of its members."""
    (folder / "one.qrels").write_text("q 0 d 1\n", encoding="utf-8")
    file = folder / "c.yaml"
    file.write_text(f"{BASE}  panel: {{backend: ensemble, {panel}}}\n", encoding="utf-8")
    return file


def test_defaults(tmp_path: Path) -> None:
    """A mean, and all members must have graded; no calls are made."""
    panel = load_config(write(tmp_path, "judges: [one, two]")).judges["panel"]
    assert isinstance(panel, EnsembleSettings)
    assert (panel.combine, panel.needed, panel.derived) == ("mean", 2, True)


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        ("judges: [one, tow]", "c.yaml:7:44: unknown judge 'tow'"),
        ("judges: [one, panel]", "c.yaml:7:44: 'panel' is an ensemble itself"),
        ("judges: [one, one]", "'one' is in 'judges' twice"),
        ("judges: [one]", "judges"),
        ("judges: [one, two], at_least: 3", "'at_least' is 3, but there are 2 judges"),
        ("judges: [one, two], combine: max", "combine"),
    ],
)
def test_problems_are_reported_with_their_place(tmp_path: Path, panel: str, said: str) -> None:
    """Unknown members, ensembles of ensembles, and more grades than members are errors before anything is judged."""
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, panel))
    assert said in str(caught.value)
