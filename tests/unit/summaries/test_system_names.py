"""Systems of one tag get names from their paths: different ones, and as short as possible."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.systems import run_of

from evalkit.errors import InputError
from evalkit.summaries.system_names import distinct_tags, shortest_paths

PARTS = st.lists(st.sampled_from(["a", "b", "run.txt"]), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x/one.txt", "x/two.txt"], ["one.txt", "two.txt"]),
        (["a/run.txt", "b/run.txt"], ["a/run.txt", "b/run.txt"]),
        (["a/run.txt", "b/run.txt", "b/other.txt"], ["a/run.txt", "b/run.txt", "other.txt"]),
        (["a/x/run.txt", "b/x/run.txt"], ["a/x/run.txt", "b/x/run.txt"]),
        (["./a/run.txt", "c/../b/run.txt"], ["a/run.txt", "b/run.txt"]),
        ([Path("/a/run.txt"), Path("/a/b/run.txt")], ["a/run.txt", "b/run.txt"]),
    ],
)
def test_a_name_is_the_shortest_different_end_of_its_path(paths: list[str], names: list[str]) -> None:
    """Whole names of files and folders, however the path is spelt."""
    assert shortest_paths(paths) == names


@given(st.lists(PARTS, max_size=6, unique=True), st.sets(PARTS.map("/".join), max_size=4))
def test_names_never_meet(paths: list[tuple[str, ...]], taken: set[str]) -> None:
    """Different paths have different names, none of which another system has."""
    names = shortest_paths(["/".join(parts) for parts in paths], taken)
    assert len(set(names)) == len(paths)
    assert taken.isdisjoint(names)


def test_a_name_that_is_another_systems_tag_is_not_given() -> None:
    """A run tagged like the file of another run keeps its tag; the other one gets a longer name."""
    runs = [run_of("x", {}), run_of("x", {}), run_of("one.txt", {})]
    found = distinct_tags(runs, ["a/one.txt", "a/two.txt", "three.txt"])
    assert [run.tag for run in found] == ["a/one.txt", "two.txt", "one.txt"]


def test_tags_that_look_the_same_are_one_tag() -> None:
    """Two Unicode forms of one text are no names that a reader can keep apart."""
    found = distinct_tags([run_of("caf\u00e9", {}), run_of("cafe\u0301", {})], ["one.txt", "two.txt"])
    assert [run.tag for run in found] == ["one.txt", "two.txt"]


@pytest.mark.parametrize("how", ["same", "spelling", "link", "hard link"])
def test_one_file_given_twice_is_refused(tmp_path: Path, how: str) -> None:
    """Also through a link, or another spelling of its path: it is one system."""
    file = tmp_path / "run.txt"
    file.write_text("q Q0 d 1 1 x\n", encoding="utf-8")
    other = {"same": file, "spelling": tmp_path / "." / ".." / tmp_path.name / "run.txt"}.get(how)
    if other is None:
        other = tmp_path / "other.txt"
        if how == "link":
            other.symlink_to(file)
        else:
            os.link(file, other)
    with pytest.raises(InputError, match="is given twice") as caught:
        distinct_tags([run_of("x", {}), run_of("y", {})], [file, other])
    assert caught.value.hint == "give each file once"
