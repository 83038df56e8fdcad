"""How things get into the cache, and stay there whole."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from evalkit.cache import content_hash, get_or_build
from evalkit.errors import InputError, StorageError


def fill(folder: Path) -> None:
    """Write what is kept."""
    (folder / "a").write_text("whole", encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Return whether it is there."""
    return (folder / "a").is_file() and (folder / "a").read_text(encoding="utf-8") == "whole"


def folders(parent: Path) -> list[str]:
    """Return the names of the folders in one."""
    return [path.name for path in parent.iterdir() if path.is_dir()]


def test_it_is_built_once_by_all(tmp_path: Path) -> None:
    """However many want it at once, one builds it, the others wait, and all get the same folder."""
    built: list[Path] = []
    start = threading.Barrier(6)
    found: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        fill(folder)

    def want() -> None:
        start.wait()
        found.append(get_or_build(tmp_path / "below" / "it", build, is_whole))

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert found == [tmp_path / "below" / "it"] * 6
    assert folders(tmp_path / "below") == ["it"]


def _die(folder: Path) -> None:
    (folder / "a").write_text("who", encoding="utf-8")
    os._exit(9)


def _build_and_die(folder: Path) -> None:
    get_or_build(folder, _die, is_whole)


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    """A process that dies while it builds leaves no lock, nothing that is taken for whole, and no litter for long."""
    process = multiprocessing.get_context("spawn").Process(target=_build_and_die, args=(tmp_path / "it",))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert not (tmp_path / "it").exists()
    assert is_whole(get_or_build(tmp_path / "it", fill, is_whole))
    assert folders(tmp_path) == ["it"]


def test_what_is_no_longer_sound_is_built_anew(tmp_path: Path) -> None:
    """A damaged thing is replaced, its other files with it; a sound one is not touched."""
    folder = get_or_build(tmp_path / "it", fill, is_whole)
    (folder / "a").write_text("broken", encoding="utf-8")
    (folder / "old").touch()
    assert is_whole(get_or_build(folder, fill, is_whole))
    assert not (folder / "old").exists()
    before = (folder / "a").stat().st_mtime_ns
    get_or_build(folder, fill, is_whole)
    assert (folder / "a").stat().st_mtime_ns == before


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """What the builder raises arrives as it is, and the next one starts with an empty folder."""

    def fail(folder: Path) -> None:
        fill(folder)
        raise InputError("no such model")

    with pytest.raises(InputError, match="no such model"):
        get_or_build(tmp_path / "it", fail, is_whole)
    assert folders(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file where the folder should be is reported with the way out."""
    (tmp_path / "cache").touch()
    with pytest.raises(StorageError, match="cannot write the cache") as caught:
        get_or_build(tmp_path / "cache" / "it", fill, is_whole)
    assert "EVALKIT_CACHE" in str(caught.value.hint)


def test_a_content_hash_follows_contents_and_names_only(tmp_path: Path) -> None:
    """Other bytes of the same size and time give another hash, and another time does not."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "weights").write_bytes(b"same")
    os.utime(second / "inner" / "weights", (1, 1))
    assert content_hash(first) == content_hash(second)
    assert content_hash(first / "inner" / "weights") == hashlib.sha256(b"same").hexdigest()
    (second / "inner" / "weights").write_bytes(b"else")
    for folder in (first, second):
        os.utime(folder / "inner" / "weights", (1, 1))
    assert content_hash(first) != content_hash(second)
    (first / "inner" / "weights").rename(first / "inner" / "other")
    assert content_hash(first) not in {content_hash(second), content_hash(first / "inner")}


def test_a_content_hash_follows_links(tmp_path: Path) -> None:
    """A part of a model may be a link to another folder. A link to the folder itself adds nothing."""
    model, real = tmp_path / "model", tmp_path / "real"
    for folder in (model, real):
        folder.mkdir()
    (real / "weights").write_bytes(b"1")
    (model / "2_Dense").symlink_to(real)
    before = content_hash(model)
    (real / "weights").write_bytes(b"2")
    after = content_hash(model)
    (model / "self").symlink_to(model)
    assert before != after == content_hash(model)


@pytest.mark.parametrize("damage", ["cut", "removed", "other seal"])
def test_a_damaged_folder_is_built_anew(tmp_path: Path, damage: str) -> None:
    """A file that is shorter than it was, or missing, is never read; a folder of an earlier version has no lengths."""
    folder = tmp_path / "it"

    def build(into: Path) -> None:
        (into / "part").mkdir()
        (into / "part" / "data").write_bytes(b"data")

    get_or_build(folder, build)
    if damage == "cut":
        (folder / "part" / "data").write_bytes(b"da")
    elif damage == "removed":
        (folder / "part" / "data").unlink()
    else:
        (folder / ".sizes.json").write_bytes(b"{")
    assert (get_or_build(folder, build) / "part" / "data").read_bytes() == b"data"
    (folder / ".sizes.json").unlink()
    (folder / "part" / "data").write_bytes(b"older")
    assert (get_or_build(folder, build) / "part" / "data").read_bytes() == b"older"
