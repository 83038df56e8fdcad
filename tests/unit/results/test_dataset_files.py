"""The raw files of a dataset, in folders of this version and of earlier ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalkit.errors import InputError
from evalkit.file_names import UTF_8, slug
from evalkit.results.dataset_files import QRELS, QUERIES, check_judgments, dataset_file, find_dataset_file


def write(path: Path) -> Path:
    """Write an empty file."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize("pattern", [QRELS, QUERIES])
def test_a_file_is_found_where_it_was_written(tmp_path: Path, pattern: str) -> None:
    """By the name of the dataset alone; a missing one has the path where it would be."""
    names = ["a b", "a-b"]
    for name in names:
        assert find_dataset_file(tmp_path, pattern, name, lambda: names) == dataset_file(
            tmp_path, pattern, name
        )
        write(dataset_file(tmp_path, pattern, name))
        assert find_dataset_file(tmp_path, pattern, name, lambda: names).is_file()


def test_a_file_of_an_earlier_version_is_found_if_it_is_of_one_dataset(tmp_path: Path) -> None:
    """Of the datasets of the result, no other one had this name."""
    old = write(tmp_path / QRELS.format(slug("a b")))
    assert find_dataset_file(tmp_path, QRELS, "a b", lambda: ["a b", "c d"]) == old
    check_judgments(tmp_path, ["a b", "c d"])


@pytest.mark.parametrize("names", [["a b", "a-b"], ["день", "ночь"], ["a b", "a-b", "a  b", "c"]], ids=str)
def test_a_file_that_several_datasets_shared_is_refused(tmp_path: Path, names: list[str]) -> None:
    """One overwrote the others: the message names all of them and the file."""
    write(tmp_path / QRELS.format(slug(names[0])))
    with pytest.raises(InputError, match=f"to one file, qrels/{slug(names[0])}") as raised:
        check_judgments(tmp_path, names)
    assert ", ".join(repr(name) for name in names if name != "c") in raised.value.message
    assert raised.value.hint == "delete the folder and run the experiment again; stored scores are reused"


def test_a_name_that_the_locale_cannot_express_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of files that are missing."""
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("ascii"))
    with pytest.raises(InputError, match="in this locale") as raised:
        check_judgments(tmp_path, ["день"])
    assert raised.value.hint == UTF_8


def test_names_that_differ_in_case_shared_a_file_only_where_case_is_folded(tmp_path: Path) -> None:
    """On such a file system both paths are one file, here a link."""
    upper = write(tmp_path / QRELS.format("X"))
    lower = write(tmp_path / QRELS.format("x"))
    assert find_dataset_file(tmp_path, QRELS, "X", lambda: ["X", "x"]) == upper
    lower.unlink()
    lower.hardlink_to(upper)
    with pytest.raises(InputError, match="'X', 'x' to one file"):
        find_dataset_file(tmp_path, QRELS, "X", lambda: ["X", "x"])
