"""Which result folder a name means."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from support.messages import said

from evalkit.errors import IncompleteError, InputError, InputNote
from evalkit.results.locate import locate_result, locate_results


def write(folder: Path, day: int, status: str = "complete") -> Path:
    """Write the manifest of a result that was started on a day of January."""
    folder.mkdir(parents=True)
    manifest = {"status": status, "started": f"2026-01-{day:02}T00:00:00+00:00"}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("error")
def test_the_path_of_a_result_is_taken_as_it_is(tmp_path: Path) -> None:
    """Without a note, whatever its status: the command that reads it judges that."""
    folder = write(tmp_path / "a", 1, "incomplete")
    assert locate_result(folder) == folder


@pytest.mark.parametrize("named", ["results", "results/ours", "latest"])
def test_the_newest_complete_result_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """One and two levels deep, by the time in the manifest; the note names it, and newer ones with their status."""
    monkeypatch.chdir(tmp_path)
    write(Path("results/ours/z-old"), 1)
    write(Path("results/ours/a-new"), 2)
    write(Path("results/ours/b-newer"), 3, "incomplete")
    with pytest.warns(InputNote) as notes:
        assert locate_result(named) == Path("results/ours/a-new")
    (note,) = (str(one.message) for one in notes)
    assert note.startswith("using results/ours/a-new, the newest complete result in results")
    assert note.endswith("not complete: results/ours/b-newer (incomplete)")


def test_a_failed_run_is_not_replaced_by_an_older_one_where_that_is_refused(tmp_path: Path) -> None:
    """A gate must not judge an old result because the last run failed; without a newer one it is found."""
    old, failed = write(tmp_path / "a", 1), write(tmp_path / "b", 2, "incomplete")
    with pytest.raises(IncompleteError, match=r"newest result in .* is not complete") as refused:
        locate_result(tmp_path, refuse_newer=True)
    assert str(failed) in str(refused.value.hint)
    (failed / "manifest.json").unlink()
    with pytest.warns(InputNote):
        assert locate_result(tmp_path, refuse_newer=True) == old


def test_the_newest_of_one_second_is_found(tmp_path: Path) -> None:
    """By the exact time: names of folders hold whole seconds."""
    for name, started_s in (("t-b", 0.25), ("t-a", 0.75), ("t-a-10", 0.5)):
        folder = write(tmp_path / name, 1)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        (folder / "manifest.json").write_text(
            json.dumps({**manifest, "started_s": started_s}), encoding="utf-8"
        )
    with pytest.warns(InputNote):
        assert locate_result(tmp_path) == tmp_path / "t-a"


def test_a_result_of_the_future_is_the_newest_only_if_it_is_the_only_one(tmp_path: Path) -> None:
    """The clock is wrong now or was wrong then: the folder itself must be named."""
    write(tmp_path / "a", 1)
    future = tmp_path / "b"
    future.mkdir()
    content = {"status": "complete", "started_s": time.time() + 3600}
    (future / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="cannot be known") as raised:
        locate_result(tmp_path)
    assert raised.value.hint == "set the clock, or give the folder of the result itself"
    assert locate_result(future) == future
    shutil.rmtree(tmp_path / "a")
    with pytest.warns(InputNote):
        assert locate_result(tmp_path) == future


def test_an_incomplete_result_is_found_where_allowed(tmp_path: Path) -> None:
    """The newest of all then; the note says that it is not complete."""
    write(tmp_path / "old", 1)
    newest = write(tmp_path / "new", 2, "failed")
    with pytest.warns(InputNote, match=r"the newest result \(failed\)"):
        assert locate_result(tmp_path, allow_incomplete=True) == newest


def test_what_holds_no_complete_result_is_an_error_that_lists_the_others(tmp_path: Path) -> None:
    """With the status of each, those with a damaged manifest included; of many the first few are named."""
    for number, status in enumerate(("running", "incomplete", "failed"), start=1):
        write(tmp_path / str(number), number, status)
    (write(tmp_path / "0", 1) / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(IncompleteError, match="contains no complete result") as caught:
        locate_result(tmp_path)
    for number, status in enumerate(("damaged", "running", "incomplete", "failed")):
        assert f"{tmp_path / str(number)} ({status})" in caught.value.message
    for number in range(10, 20):
        write(tmp_path / str(number), number, "failed")
    with pytest.raises(IncompleteError, match="9 more"):
        locate_result(tmp_path)


def test_other_folders_are_not_results(tmp_path: Path) -> None:
    """Neither a baseline, nor a repeated run, nor a hidden copy, nor what lies three levels deep, nor a file."""
    baseline = write(tmp_path / "baselines" / "main", 1)
    (baseline / "manifest.json").write_text('{"baseline": 1, "status": "complete"}', encoding="utf-8")
    write(tmp_path / ".copy", 1)
    write(tmp_path / "aa" / "x", 1)
    write(tmp_path / "a" / "b" / "c", 1)
    assert "contains no manifest.json and no results" in said(lambda: locate_result(tmp_path))
    assert "result folder not found" in said(lambda: locate_result(tmp_path / "none"))
    file = tmp_path / "file"
    file.touch()
    assert "it is a file" in said(lambda: locate_result(file))


def test_latest_is_a_word_unless_a_folder_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any results the hint says how to make one."""
    monkeypatch.chdir(tmp_path)
    assert "hint: run an experiment first" in said(lambda: locate_result("latest"))
    assert locate_result(write(Path("latest"), 1)) == Path("latest")


def test_results_of_latencies_alone_are_skipped_where_scores_are_needed(tmp_path: Path) -> None:
    """An incomplete run without a score yet is not one of them; if there is nothing else, that is an error."""
    config = "name: x\nseed: 1\nmetrics: [nDCG@10]\ndepths: [10]\ncompare: {}\nrerankers: {}\n"
    parent = tmp_path / "a"
    scored, timed = write(parent / "x", 1), write(parent / "timed", 2)
    (timed / "config.resolved.yaml").write_text(config + "quality: false\n", encoding="utf-8")
    stopped = write(parent / "y", 3, "failed")
    (stopped / "config.resolved.yaml").write_text(config + "quality: true\n", encoding="utf-8")
    with pytest.warns(InputNote, match="not complete: .*/y"):
        assert locate_result(parent, scores=True) == scored
    with pytest.warns(InputNote):
        assert locate_result(parent) == timed
    for folder in (scored, stopped):
        shutil.rmtree(folder)
    assert "contain only latencies and no scores: " in said(lambda: locate_result(parent, scores=True))


@pytest.mark.filterwarnings("ignore::evalkit.errors.InputNote")
def test_two_names_of_one_result_are_an_error(tmp_path: Path) -> None:
    """There would be nothing to compare; a path that is given twice is what the user asked for."""
    folder = write(tmp_path / "a", 1)
    for named in ([tmp_path, tmp_path], [folder, tmp_path]):
        with pytest.raises(InputError, match="are the same result"):
            locate_results(named)
    assert locate_results([folder, folder]) == [folder, folder]
