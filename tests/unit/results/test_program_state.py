"""The hash of what computes: it changes with any file of the package, and is unknown where files changed late."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import evalkit
from evalkit.results import program_state
from evalkit.results.program_state import program_key

LATER = 10**18
"""A moment after every change of a file, in nanoseconds since the import."""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small package that is hashed in the place of evalkit's, with one installed package."""
    own, site = tmp_path / "evalkit", tmp_path / "site"
    (own / "templates").mkdir(parents=True)
    (own / "a.py").write_text("x = 1\n", encoding="utf-8")
    (own / "templates" / "page.html").write_text("<p>", encoding="utf-8")
    (site / "numpy-1.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(program_state, "_PACKAGE", own)
    monkeypatch.setattr("sys.path", [str(site)])
    monkeypatch.setattr(evalkit, "IMPORTED_NS", evalkit.IMPORTED_NS + LATER)
    return own


def test_the_same_files_have_the_same_key(package: Path) -> None:
    """Compiled files and times of modification do not matter."""
    before = program_key()
    assert before is not None
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    os.utime(package / "a.py", (1, 1))
    assert program_key() == before


@pytest.mark.parametrize(
    "name",
    ["a.py", "templates/page.html", "templates/new.css", "b.py"],
    ids=["code", "template", "style", "new"],
)
def test_another_content_has_another_key(package: Path, name: str) -> None:
    """Who edits the code must see what it computes; a template is code, too."""
    before = program_key()
    (package / name).write_text("x = 2\n", encoding="utf-8")
    assert program_key() not in {before, None}


def test_a_renamed_file_has_another_key(package: Path) -> None:
    """The content alone does not say what is imported."""
    before = program_key()
    (package / "a.py").rename(package / "c.py")
    assert program_key() not in {before, None}


@pytest.mark.parametrize("change", ["upgraded", "added", "removed"])
def test_another_installed_package_has_another_key(package: Path, change: str) -> None:
    """numpy, scipy and the others compute the figures."""
    before, site = program_key(), package.parent / "site"
    if change == "added":
        (site / "scipy-1.0.dist-info").mkdir()
    else:
        shutil.rmtree(site / "numpy-1.0.dist-info")
    if change == "upgraded":
        (site / "numpy-1.1.dist-info").mkdir()
    assert program_key() not in {before, None}


def test_what_changed_after_the_import_is_unknown(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook computes with the code that it imported, whatever the files hold now."""
    monkeypatch.setattr(evalkit, "IMPORTED_NS", (package / "a.py").stat().st_ctime_ns)
    assert program_key() is None
