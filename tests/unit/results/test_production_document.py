"""production.json, and the program that applies it without evalkit, as results/README.md prints it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import ROOT
from support.production import production, rule_of

from evalkit.errors import InputError
from evalkit.results.production_document import ProbabilityFunction, read_production, write_production

PROBABILITIES = [
    ProbabilityFunction("platt", "platt", True, {"a": 5.4, "b": -4.7}),
    ProbabilityFunction("as it is", "platt", True, {"a": 1.0, "b": 0.0}),
    ProbabilityFunction("isotonic", "isotonic", True, {"x": [-20.0, -1.0, 3.0], "y": [0.01, 0.2, 0.9]}),
]
LOGITS = [
    ProbabilityFunction("platt", "platt", False, {"a": 12.16, "b": -7.116}),
    ProbabilityFunction(
        "isotonic", "isotonic", False, {"x": [-2.0, 0.5, 1.0, 7.0], "y": [0.0, 0.0, 0.4, 1.0]}
    ),
    ProbabilityFunction("isotonic", "isotonic", False, {"x": [0.5], "y": [0.25]}),
]
EXTREMES = [0.0, 1e-300, 1e-12, 0.3, 0.5, 1 - 1e-13, 1.0]


def snippet(folder: Path, monkeypatch: pytest.MonkeyPatch, *functions: ProbabilityFunction) -> dict[str, Any]:
    """Return the names that the printed program defines, run in a folder with the file."""
    page = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    (text,) = [one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "production.json" in one]
    rules = [replace(rule_of(), probability=one) for one in functions]
    write_production(production(*rules), folder / "production.json")
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the program of the page
    return names


@pytest.mark.parametrize("function", [*PROBABILITIES, *LOGITS])
def test_the_printed_program_gives_the_same_probabilities(
    function: ProbabilityFunction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To 1e-12, also for scores of exactly 0 and 1, and for logits so large that their exponential overflows."""
    names = snippet(tmp_path, monkeypatch, function)
    scores = EXTREMES if function.log_odds else [*EXTREMES, -1e4, 1e4, -3.0, 6.9]
    expected = function.calibration.apply(np.array(scores))
    assert [names["probability"](score) for score in scores] == pytest.approx(
        expected.tolist(), abs=1e-12, rel=0
    )
    assert np.isfinite(expected).all()


def test_the_printed_program_applies_depth_and_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Depth 2 and threshold 1: the third candidate is not scored, one below the threshold is dropped."""
    names = snippet(tmp_path, monkeypatch, LOGITS[0])
    scores = {"a": 1.0, "b": 0.5}
    assert [one for one, _ in names["results"](["a", "b", "c"], scores.__getitem__)] == ["a"]
    assert [one for one, _ in names["results"](["a", "c"], {"a": 1.0, "c": 2.0}.__getitem__)] == ["c", "a"]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With every figure; another schema version and a damaged file are errors."""
    file, content = tmp_path / "production.json", production(replace(rule_of(), probability=LOGITS[1]))
    write_production(content, file)
    assert read_production(file) == content
    file.write_text('{"schema_version": 2}', encoding="utf-8")
    with pytest.raises(InputError, match="schema version 2"):
        read_production(file)
