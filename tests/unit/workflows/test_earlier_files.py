"""A report of what did not change: nothing is derived or drawn again, and no change goes unnoticed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.derived import (
    change_call,
    change_grade,
    change_manifest,
    change_option,
    change_query,
    change_score,
    contents,
    copy_of_raw,
    timed_result,
    without_record,
)
from support.finished import edit_json

from evalkit.results import derivation_keys, derived_record
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import to_plain
from evalkit.workflows import derivation
from evalkit.workflows.report import rebuild

pytestmark = pytest.mark.usefixtures("blank_plots", "settled_program")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a complete result with a quality pass and a latency pass."""
    return timed_result(tmp_path_factory.mktemp("again"))


@pytest.fixture
def copy(result: Path, tmp_path: Path) -> ResultFolder:
    """Return a copy of the result with its report."""
    folder = ResultFolder(shutil.copytree(result, tmp_path / "results" / "copy"))
    rebuild(folder)
    return folder


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the folders whose figures are computed from now on."""
    made: list[Path] = []
    compute = derivation.derive

    def counted(folder: ResultFolder, *rest: Any) -> Any:
        made.append(folder.path)
        return compute(folder, *rest)

    monkeypatch.setattr(derivation, "derive", counted)
    return made


def states(folder: ResultFolder) -> dict[str, tuple[int, int]]:
    """Return inode and time of change of all files: no file that is written again keeps both."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_ctime_ns)
        for path in folder.path.rglob("*")
        if path.is_file()
    }


def test_an_unchanged_result_is_only_read(copy: ResultFolder, derivations: list[Path]) -> None:
    """No file is written and no figure computed."""
    before = states(copy)
    rebuild(copy)
    assert states(copy) == before
    assert not derivations


def test_what_is_read_back_is_what_was_computed(
    result: Path, tmp_path: Path, derivations: list[Path]
) -> None:
    """Commands print the same after both."""
    folder = ResultFolder(shutil.copytree(result, tmp_path / "copy"))
    folder.derived_file.unlink()
    computed, again = rebuild(folder), rebuild(folder)
    assert derivations == [folder.path]
    for name in ("manifest", "failures", "summary", "compared", "tuned", "latency"):
        one, other = getattr(computed, name), getattr(again, name)
        assert other == one
        if name != "failures":
            assert orjson.dumps(to_plain(other)) == orjson.dumps(to_plain(one))


CHANGES = [change_score, change_call, change_grade, change_query, change_option, change_manifest]


@pytest.mark.long
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_change_of_raw_data_is_seen(
    copy: ResultFolder, tmp_path: Path, change: Callable[[ResultFolder], None]
) -> None:
    """The files are those of a report that knows of no other."""
    before = contents(copy)
    change(copy)
    rebuild(copy)
    assert contents(copy) != before
    assert contents(copy) == without_record(copy, tmp_path)


def test_texts_that_are_gone_are_seen(copy: ResultFolder, tmp_path: Path) -> None:
    """The page shows them."""
    copy.texts_file.unlink()
    rebuild(copy)
    assert contents(copy) == without_record(copy, tmp_path)


def test_another_program_derives_again(
    copy: ResultFolder, derivations: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited code or an upgraded package may compute another figure."""
    monkeypatch.setattr(derivation_keys, "program_key", lambda: "another")
    rebuild(copy)
    assert derivations == [copy.path]


def test_an_unknown_program_derives_each_time(
    copy: ResultFolder, derivations: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files changed after it was loaded: what it writes is not recorded as the work of the new ones."""
    monkeypatch.setattr(derivation_keys, "program_key", lambda: None)
    record = copy.derived_file.read_bytes()
    rebuild(copy)
    rebuild(copy)
    assert derivations == [copy.path] * 2
    assert copy.derived_file.read_bytes() == record


def test_data_that_change_meanwhile_are_not_recorded(
    copy: ResultFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The next report sees the change."""
    compute = derivation.derive

    def disturbed(folder: ResultFolder, *rest: Any) -> Any:
        found = compute(folder, *rest)
        change_call(folder)
        return found

    change_score(copy)
    with monkeypatch.context() as patch:
        patch.setattr(derivation, "derive", disturbed)
        rebuild(copy)
    rebuild(copy)
    assert contents(copy) == without_record(copy, tmp_path)


NAMES = (
    "summary.json",
    "tuning.json",
    "values.parquet",
    "report.html",
    "report.md",
    "plots",
    "tables",
    "runs",
)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["changed", "deleted", "cut"])
def test_a_damaged_derived_file_is_made_again(copy: ResultFolder, name: str, damage: str) -> None:
    """With the same bytes as before."""
    before = contents(copy)
    path = copy.path / name
    file = min(path.iterdir()) if path.is_dir() else path
    if damage == "deleted":
        file.unlink()
    else:
        content = file.read_bytes() or b"12"
        file.write_bytes(content[:-1] + b"x" if damage == "changed" else content[: len(content) // 2])
    rebuild(copy)
    assert contents(copy) == before


def test_a_file_that_does_not_belong_there_is_removed(copy: ResultFolder) -> None:
    """It would be taken for a part of the result."""
    before = contents(copy)
    strays = [into / "stray" for into in (copy.runs_folder, copy.plots_folder, copy.tables_folder)]
    for stray in strays:
        stray.write_bytes(b"")
        rebuild(copy)
        assert contents(copy) == before


@pytest.mark.parametrize("seal", [None, "0" * 64], ids=["without a seal", "with another seal"])
def test_a_forged_record_is_not_believed(copy: ResultFolder, seal: str | None) -> None:
    """A folder of someone else may claim that false figures are derived from its scores."""
    before = contents(copy)
    edit_json(copy.summary_file, lambda data: data["quality"][0].update(mean=0.99))
    hashes = derived_record.derived_hashes(copy)
    edit_json(copy.derived_file, lambda data: data.update(files=hashes, seal=seal))
    rebuild(copy)
    assert contents(copy) == before


def test_a_sealed_record_of_another_result_says_nothing_on_this_one(copy: ResultFolder) -> None:
    """Its seal is right, its keys are those of other data."""
    other = ResultFolder(shutil.copytree(copy.path, copy.path.parent / "other"))
    change_score(other)
    rebuild(other)
    expected = contents(other)
    shutil.copy(copy.derived_file, other.derived_file)
    rebuild(other)
    assert contents(other) == expected


@pytest.fixture
def neighbour(copy: ResultFolder) -> ResultFolder:
    """Return another result of the same parent that measured the same at another time, without derived files."""
    folder = copy_of_raw(copy, copy.path.parent / "neighbour")
    edit_json(
        folder.manifest_file, lambda data: data.update(started="2027-01-01T00:00:00+00:00", sessions=["s"])
    )
    return folder


def test_what_a_neighbour_derived_is_copied(
    neighbour: ResultFolder, tmp_path: Path, derivations: list[Path]
) -> None:
    """Only the pages, which show the time of the run, are made: with the bytes that they have without it."""
    rebuild(neighbour)
    assert not derivations
    assert contents(neighbour) == without_record(neighbour, tmp_path)
    before = states(neighbour)
    rebuild(neighbour)
    assert states(neighbour) == before


@pytest.mark.parametrize("name", ["summary.json", "report.html", "plots", "runs"])
def test_a_neighbour_whose_files_were_changed_is_not_copied(
    copy: ResultFolder, neighbour: ResultFolder, tmp_path: Path, name: str
) -> None:
    """Every byte that is copied is compared with the hash of what was derived."""
    path = copy.path / name
    for file in path.iterdir() if path.is_dir() else [path]:
        file.write_bytes(file.read_bytes().replace(b"0", b"1") + b" ")
    rebuild(neighbour)
    assert contents(neighbour) == without_record(neighbour, tmp_path)


def test_a_neighbour_with_other_scores_is_not_copied(
    copy: ResultFolder, neighbour: ResultFolder, tmp_path: Path, derivations: list[Path]
) -> None:
    """One score in its last digit is enough."""
    assert copy.derived_file.is_file()
    change_score(neighbour)
    rebuild(neighbour)
    assert derivations == [neighbour.path]
    assert contents(neighbour) == without_record(neighbour, tmp_path)


@pytest.fixture
def opened() -> Iterator[set[Path]]:
    """Return the files that this process opens from now on."""
    found: set[Path] = set()
    active = [True]

    def note(event: str, values: tuple[Any, ...]) -> None:
        if active and event == "open" and isinstance(values[0], str | bytes | Path):
            found.add(Path(str(values[0])))

    sys.addaudithook(note)  # it cannot be removed
    yield found
    active.clear()


def test_all_files_that_are_read_belong_to_the_key(copy: ResultFolder, opened: set[Path]) -> None:
    """A raw file that the key lacks could change unnoticed."""
    change_score(copy)
    opened.clear()
    rebuild(copy)
    keyed = {copy.manifest_file, copy.derived_file, *derivation_keys.raw_files(copy)}
    known = {str(path) for path in keyed} | {str(copy.path / name) for name in contents(copy)}
    read = {str(path) for path in opened if path.is_relative_to(copy.path) and path.is_file()}
    assert str(copy.manifest_file) in read
    assert read <= known
