"""A report of the same scores with other latencies: what depends on scores alone is not derived or drawn again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.derived import (
    change_call,
    change_grade,
    change_option,
    change_query,
    change_score,
    contents,
    copy_of_raw,
    timed_result,
    without_record,
)
from support.finished import edit_json

from evalkit.charts import figures
from evalkit.charts.scene import Scene
from evalkit.results import derivation_keys, derived_record
from evalkit.results.folder import ResultFolder
from evalkit.results.tuning_document import TunedDepth
from evalkit.workflows import derivation
from evalkit.workflows.report import rebuild

pytestmark = pytest.mark.usefixtures("settled_program")
PARTS = ("compare_sets", "find_threshold", "calibrate_all", "explorer_data", "write_values", "_packed")
"""What depends on scores alone; a threshold also on the depth."""


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Scene]:
    """Return the scenes that are drawn from now on, as a file that names them: drawing takes long."""
    made: list[Scene] = []

    def draw(scene: Scene) -> bytes:
        made.append(scene)
        return repr(scene).encode()

    monkeypatch.setattr(figures, "as_png_file", draw)
    return made


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a complete result with a quality pass and a latency pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "as_png_file", lambda _scene: b"")
        yield timed_result(tmp_path_factory.mktemp("parts"))


@pytest.fixture
def earlier(result: Path, tmp_path: Path) -> ResultFolder:
    """Return a copy of the result with its report."""
    folder = ResultFolder(shutil.copytree(result, tmp_path / "results" / "earlier"))
    folder.derived_file.unlink()
    rebuild(folder)
    return folder


@pytest.fixture
def later(earlier: ResultFolder) -> ResultFolder:
    """Return another result of the same parent with the same scores and a slower call, without derived files."""
    folder = copy_of_raw(earlier, earlier.path.parent / "later")
    change_call(folder)
    return folder


@pytest.fixture
def made(later: ResultFolder, drawn: list[Scene], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the parts that are made from now on."""
    found: list[str] = []
    assert later.path.is_dir()
    drawn.clear()

    def counted(name: str) -> Callable[..., Any]:
        compute = getattr(derivation, name)

        def call(*values: Any, **options: Any) -> Any:
            found.append(name)
            return compute(*values, **options)

        return call

    for name in PARTS:
        monkeypatch.setattr(derivation, name, counted(name))
    return found


def test_only_what_depends_on_latencies_is_made(
    later: ResultFolder, made: list[str], drawn: list[Scene], tmp_path: Path
) -> None:
    """With the bytes of a report that knows of no other."""
    rebuild(later)
    assert not made
    pictures = [name for name in contents(later) if name.endswith(".png")]
    assert 0 < len(drawn) < len(pictures)
    assert contents(later) == without_record(later, tmp_path)


def test_a_report_of_changed_calls_takes_the_parts_of_its_own_folder(
    earlier: ResultFolder, made: list[str], tmp_path: Path
) -> None:
    """Its runs stay where they are."""
    runs = {file: file.stat().st_ino for file in earlier.runs_folder.iterdir()}
    change_call(earlier)
    rebuild(earlier)
    assert not made
    assert {file: file.stat().st_ino for file in earlier.runs_folder.iterdir()} == runs
    assert contents(earlier) == without_record(earlier, tmp_path)


@pytest.mark.parametrize(
    "change",
    [change_score, change_grade, change_query, change_option],
    ids=lambda change: change.__name__,
)
def test_every_input_of_the_parts_is_seen(
    later: ResultFolder, made: list[str], tmp_path: Path, change: Callable[[ResultFolder], None]
) -> None:
    """One score in its last digit, a grade, a query or an option: all parts are made."""
    change(later)
    rebuild(later)
    assert set(PARTS) <= set(made)
    assert contents(later) == without_record(later, tmp_path)


def test_texts_that_are_gone_are_seen(later: ResultFolder, made: list[str], tmp_path: Path) -> None:
    """The explorer shows them."""
    later.texts_file.unlink()
    rebuild(later)
    assert "explorer_data" in made
    assert contents(later) == without_record(later, tmp_path)


def test_another_program_makes_and_draws_everything(
    later: ResultFolder, made: list[str], drawn: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited code or an upgraded package may compute or draw another figure."""
    monkeypatch.setattr(derivation_keys, "program_key", lambda: "another")
    rebuild(later)
    assert set(PARTS) <= set(made)
    assert len(drawn) == len([name for name in contents(later) if name.endswith(".png")])


def test_other_depths_make_thresholds_and_calibrations_again(
    later: ResultFolder, made: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The depth may be recommended by latencies."""
    monkeypatch.setattr(derivation, "depth_to_tune", lambda *_: TunedDepth(2, "given"))
    rebuild(later)
    assert set(made) == {"find_threshold", "calibrate_all"}
    assert contents(later) == without_record(later, tmp_path)


NAMES = ("comparisons.json", "tuning.json", "values.parquet", "report.html", "plots", "runs")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["changed", "deleted"])
def test_a_part_that_was_changed_is_made_again(
    earlier: ResultFolder, later: ResultFolder, tmp_path: Path, name: str, damage: str
) -> None:
    """Every byte that is used is compared with the hash of what was derived."""
    path = earlier.path / name
    for file in path.iterdir() if path.is_dir() else [path]:
        if damage == "deleted":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes().replace(b"0", b"1") + b" ")
    rebuild(later)
    assert contents(later) == without_record(later, tmp_path)


def test_runs_of_its_own_folder_that_were_changed_are_written_again(
    earlier: ResultFolder, tmp_path: Path
) -> None:
    """Also where they need not be computed."""
    change_call(earlier)
    min(earlier.runs_folder.iterdir()).write_bytes(b"changed")
    rebuild(earlier)
    assert contents(earlier) == without_record(earlier, tmp_path)


def test_a_forged_record_is_not_believed(earlier: ResultFolder, later: ResultFolder, tmp_path: Path) -> None:
    """A result of someone else may claim that false pictures and comparisons come from these scores."""
    for picture in earlier.plots_folder.glob("*.png"):
        picture.write_bytes(b"false")
    edit_json(earlier.comparisons_file, lambda data: data["plan"].update(margin=0.5))
    hashes = derived_record.derived_hashes(earlier)
    edit_json(earlier.derived_file, lambda data: data.update(files=hashes))
    rebuild(later)
    assert contents(later) == without_record(later, tmp_path)
