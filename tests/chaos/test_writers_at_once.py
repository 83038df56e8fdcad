"""Commands that write the same files at the same time: each file and folder is that of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.killed import content, make_scene
from support.killer import Killer, killing

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Killer]]:
    """Return a folder with two results, and a process that runs commands."""
    folder = tmp_path_factory.mktemp("scene")
    with killing() as killer:
        make_scene(folder, killer)
        yield folder, killer


@pytest.mark.attack("concurrent", "two reports, two comparisons and two baselines of one name at once")
def test_each_output_is_whole(scene: tuple[Path, Killer]) -> None:
    """The report is that of the raw files; baseline and comparison are those of one of the two results."""
    folder, killer = scene
    wholes = []
    for result in ("a", "b"):
        for words in (
            ("baseline", "save", result, "n", "--into", "bl"),
            ("compare", result, "--into", "into"),
        ):
            assert killer.run(*words, below=folder, cwd=folder).code == 0
        wholes.append({output: content(folder, (output,)) for output in ("bl", "into")})
    assert killer.run("report", "a", below=folder, cwd=folder).code == 0
    report = content(folder, ("a",))
    codes = killer.run_at_once(
        ("report", "a"),
        ("report", "a"),
        *(("baseline", "save", result, "n", "--into", "bl") for result in ("a", "b")),
        *(("compare", result, "--into", "into") for result in ("a", "b")),
        cwd=folder,
    )
    # A command may have to say that its folder was replaced while it wrote; it then changes nothing.
    assert set(codes) <= {0, 3}
    assert codes[0] == codes[1] == 0
    assert content(folder, ("a",)) == report
    assert content(folder, ("bl",)) in [one["bl"] for one in wholes]
    assert content(folder, ("into",)) in [one["into"] for one in wholes]
    assert list(folder.rglob(".*.part")) == []


@pytest.mark.attack(
    "concurrent", "two imports into one folder, two exports to one file, two imports into one store"
)
def test_what_two_create_is_that_of_one(scene: tuple[Path, Killer]) -> None:
    """One of them may be refused; what there is, is whole."""
    folder, killer = scene
    codes = killer.run_at_once(
        *[("dataset", "import", "demo", "--into", "imp")] * 2,
        *[("store", "export", "scores.sqlite", "e.parquet")] * 2,
        cwd=folder,
    )
    assert set(codes) <= {0, 2, 3}
    assert min(codes[:2]) == min(codes[2:]) == 0
    assert killer.run_at_once(*[("store", "import", "new.sqlite", "e.parquet")] * 2, cwd=folder) == [0, 0]
    for words in (("dataset", "check", "imp"), ("store", "verify", "new.sqlite")):
        assert killer.run(*words, below=folder, cwd=folder).code == 0
    assert killer.run("dataset", "import", "demo", "--into", "alone", below=folder, cwd=folder).code == 0
    imported, alone = (content(folder / name, (".",)) for name in ("imp", "alone"))
    assert imported == alone
    assert list(folder.rglob(".*.part")) == []
