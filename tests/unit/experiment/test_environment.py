"""What an experiment ran on: what is known, and what is not."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from evalkit.experiment import environment
from evalkit.experiment.environment import PACKAGES, THREADS, git_state, machine, metadata_version, versions


def test_versions_are_those_that_are_installed() -> None:
    """Python's and evalkit's own, and one for each package that is there; absent ones are left out."""
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == metadata.version("numpy")
    assert found["evalkit"] == metadata.version("rerank-evalkit")
    assert set(found) <= {"evalkit", "python", *PACKAGES}
    assert all(found.values())


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """None for one, and no line in the table."""
    assert metadata_version("no-such-distribution") is None
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-distribution"))
    assert set(versions()) == {"evalkit", "python", "numpy"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one commit, as the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    (tmp_path / "file").write_text("one", encoding="utf-8")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], check=True, capture_output=True)
    return tmp_path


def test_the_commit_and_whether_files_differ_from_it(repository: Path) -> None:
    """The commit is git's own; a change, and a new file, each make another state of the same commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    clean = git_state()
    assert commit in repr(clean)
    (repository / "file").write_text("two", encoding="utf-8")
    changed = git_state()
    assert commit in repr(changed)
    assert changed != clean
    (repository / "file").write_text("one", encoding="utf-8")
    assert git_state() == clean
    (repository / "new").write_text("", encoding="utf-8")
    assert git_state() == changed


def test_outside_of_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, one without a commit, or no git at all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() is None
    subprocess.run(["git", "init", "-q"], check=True, capture_output=True)
    assert git_state() is None
    monkeypatch.setenv("PATH", "")
    assert git_state() is None


def test_the_machine_tells_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that are set are recorded as they are, others are not."""
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    assert not [name for name in THREADS if name in repr(machine())]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "'OMP_NUM_THREADS': '3'" in repr(machine())
    assert platform.platform() in repr(machine())
