"""Why two results differ: each cause alone, in a copy of a result."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.configs import config_of

from evalkit.errors import InputError
from evalkit.workflows.diff import ABSENT, Difference, differences, means_in_common
from evalkit.workflows.run import run

pytestmark = pytest.mark.usefixtures("blank_plots")
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """Return a result of two rerankers."""
    config = config_of(tiny_folder, {"words": {"backend": "lexical"}, "same": {"backend": "identity"}})
    return run(config, tmp_path_factory.mktemp("diff")).path


def changed(result: Path, target: Path, name: str, change: Change) -> Path:
    """Return a copy of a result in which one JSON file is another."""
    shutil.copytree(result, target)
    data = orjson.loads((target / name).read_bytes())
    change(data)
    (target / name).write_bytes(orjson.dumps(data))
    return target


def test_a_result_does_not_differ_from_itself(result: Path, tmp_path: Path) -> None:
    """Nor from a copy in another place; all its means are common."""
    shutil.copytree(result, tmp_path / "copy")
    assert differences(result, result) == differences(result, tmp_path / "copy") == []
    quality = orjson.loads((result / "summary.json").read_bytes())["quality"]
    assert means_in_common(result, tmp_path / "copy") == len(quality) > 2


CHANGES: dict[str, tuple[str, Change, str]] = {
    "incomplete": ("manifest.json", lambda m: m.update(status="incomplete"), "status"),
    "another hash of the data": (
        "manifest.json",
        lambda m: m["datasets"][0].update(content_hash="other"),
        "data",
    ),
    "another version": ("manifest.json", lambda m: m["versions"].update(numpy="0.1"), "code"),
    "a package more": ("manifest.json", lambda m: m["versions"].update(torch="9"), "code"),
    "another machine": ("manifest.json", lambda m: m["machine"].update(cpu="other"), "machine"),
    "another mean": ("summary.json", lambda s: s["quality"][0].update(mean=0.125), "mean"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_each_cause_is_named_alone(result: Path, tmp_path: Path, how: str) -> None:
    """One difference, under its own heading; the other way round its two values change places."""
    name, change, about = CHANGES[how]
    other = changed(result, tmp_path / "other", name, change)
    (found,) = differences(result, other)
    assert found.about == about
    assert found.before != found.after
    assert differences(other, result) == [Difference(about, found.what, found.after, found.before)]


def test_the_load_of_the_moment_is_no_difference(result: Path, tmp_path: Path) -> None:
    """A machine is the same machine when it is busy."""
    other = changed(
        result, tmp_path / "o", "manifest.json", lambda m: m["machine"].update(load_average=[9.0, 9.0, 9.0])
    )
    assert differences(result, other) == []


def test_what_one_result_lacks_is_a_dash(result: Path, tmp_path: Path) -> None:
    """A mean that only one of them has, with the number of its queries."""
    other = changed(result, tmp_path / "other", "summary.json", lambda s: s["quality"].pop())
    (found,) = differences(result, other)
    assert (found.about, found.after) == ("mean", ABSENT)
    assert "(n 4)" in found.before
    assert means_in_common(result, other) == means_in_common(result, result) - 1


def test_settings_are_found_by_their_path(
    result: Path, tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path
) -> None:
    """Nested ones, too; the name of an experiment moves no number, and causes come before effects."""
    config = config_of(
        tiny_folder,
        {"words": {"backend": "lexical", "title_weight": 9}, "same": {"backend": "identity"}},
        name="other",
    )
    other = run(config, tmp_path_factory.mktemp("other")).path
    found = differences(result, other)
    assert ("rerankers.words.title_weight", "2", "9") in [(one.what, one.before, one.after) for one in found]
    assert not [one for one in found if one.what == "name"]
    order = ["status", "configuration", "data", "code", "machine", "reranker", "mean"]
    assert [one.about for one in found] == sorted((one.about for one in found), key=order.index)


@pytest.mark.parametrize("look", [differences, means_in_common])
def test_what_is_no_result_is_an_error(
    result: Path, tmp_path: Path, look: Callable[[Path, Path], Any]
) -> None:
    """Whichever of the two it is."""
    for pair in ((result, tmp_path), (tmp_path, result)):
        with pytest.raises(InputError):
            look(*pair)
