"""The worked configurations, the Python of the pages, and the gate as a test: each run as its reader would."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, evalkit, evalkit_process, only_folder
from support.pages import blocks


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with the shipped configurations."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


def ran(place: Path, *words: str | Path) -> str:
    """Run a command there that has to succeed, and return what it printed."""
    done = evalkit(*words, cwd=place)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_a_night_is_gated_against_a_baseline(place: Path) -> None:
    """Run, save, run again, gate: identical; and the same as a test of a suite."""
    ran(place, "run", "configs/nightly.yaml", "--into", "first")
    ran(place, "baseline", "save", only_folder(place / "first"), "release-1")
    ran(place, "run", "configs/nightly.yaml", "--into", "second")
    assert "IDENTICAL" in ran(place, "gate", only_folder(place / "second"), "--against", "release-1")
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "configs/ci/test_reranker.py"]
    done = subprocess.run(suite, cwd=place, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    shutil.copy(ROOT / "tests" / "sample_package" / "evalkit_shout" / "__init__.py", place / "shout.py")
    config = place / "configs" / "nightly.yaml"
    worse = config.read_text(encoding="utf-8").replace("backend: lexical", "backend: shout")
    config.write_text(f"{worse}plugins: [./shout.py]\n", encoding="utf-8")
    done = subprocess.run(suite, cwd=place, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "FAIL" in done.stdout


@pytest.mark.long
def test_depth_and_threshold_are_tuned_from_one_run(place: Path) -> None:
    """The variants of a matrix each have their depth and threshold."""
    ran(place, "run", "configs/tuning.yaml", "--into", "out")
    result = only_folder(place / "out")
    assert "titled-1" in ran(place, "tune", "depth", result, "--margin", "0.005", "--reranker", "titled-1")
    assert "titled-4" in ran(
        place, "tune", "threshold", result, "--goal", "recall>=0.9", "--reranker", "titled-4"
    )


@pytest.mark.long
def test_a_load_is_measured(place: Path) -> None:
    """Capacity and shares of it, on a service started for the occasion."""
    few = ["--set", "latency.server.calls=59", "--set", "latency.calls=59", "--into", "out"]
    done = evalkit_process("bench", "configs/load.yaml", *few, cwd=place)
    assert done.returncode == 0, done.stderr
    assert "service" in done.stdout
    assert "response time under load" in done.stdout


def test_ones_own_table_is_checked_and_run(place: Path) -> None:
    """The table of judgments is a collection, and what is thin about it is said."""
    assert "0 errors" in ran(place, "dataset", "check", "configs/own_data.yaml")
    assert "too few queries" in ran(place, "run", "configs/own_data.yaml", "--into", "out")


@pytest.mark.long
def test_the_python_of_the_page_runs(place: Path) -> None:
    """As printed there, from loading a configuration to evaluating a run."""
    code = "\n".join(blocks(ROOT / "evalkit" / "python.md", "python"))
    shown = (
        'print(len(values), depths["reranker"], cut["reranker"], probabilities["reranker"], len(verdicts))\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", code + shown], cwd=place, capture_output=True, text=True, check=False, timeout=300
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d+ (minilm-replay ){3}2$", done.stdout, flags=re.MULTILINE), done.stdout


def test_the_twenty_lines_of_the_page_are_a_reranker(place: Path) -> None:
    """Saved and named as it says, they are listed, checked, run, and compared with a first stage."""
    page = ROOT / "configs" / "rerankers.md"
    (code,) = blocks(page, "python")
    (naming,) = (block for block in blocks(page, "yaml") if "plugins:" in block)
    (place / "mine.py").write_text(code, encoding="utf-8")
    (place / "mine.yaml").write_text(f"name: mine\ndatasets: [demo]\n{naming}", encoding="utf-8")
    assert "The share of the query's words" in ran(place, "plugin", "list", "--file", "mine.py")
    assert "mine ranks worse than bm25" in ran(place, "run", "mine.yaml", "--into", "out")
