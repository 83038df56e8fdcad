"""Names of datasets and systems that people or files cannot tell apart."""

from __future__ import annotations

import os
from typing import Any

import pytest

from evalkit.config.blocks import DatasetSettings, RetrieverSettings
from evalkit.config.name_rules import dataset_name_problems, tag_problems
from evalkit.file_names import file_part

MADE = file_part("a b")
"""The file name of another name, as a name."""


class Named(DatasetSettings):
    """A dataset whose default name is any text."""

    source: str = "named"
    text: str

    def default_name(self) -> str:
        """Return the text."""
        return self.text


def problems(*names: str) -> list[tuple[Any, str]]:
    """Return the place and the message of each problem of datasets with these names."""
    found = dataset_name_problems([Named(text=name) for name in names])
    return [(problem.path[1], problem.message) for problem in found]


@pytest.mark.parametrize(
    "names", [("день", "ночь"), ("a b", "a-b"), ("X", "x"), ("x", "x.y"), ("a", "\u4e2d\u6587")]
)
def test_different_names_are_no_problem(names: tuple[str, ...]) -> None:
    """In any script, and if they differ in case or punctuation only: each has files of its own."""
    assert problems(*names) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "b", "a"), "two datasets have the name 'a'"),
        (("\xe9", "b", "e\u0301"), r"the names of two datasets look the same: '\xe9' and 'e\u0301'"),
        (("a b", "c", "a\u00a0b"), r"the names of two datasets look the same: 'a b' and 'a\xa0b'"),
        (("a b", "c", file_part("a b")), f"the datasets 'a b' and {MADE!r} would have the same files: {MADE}"),
        (("a", "b", "c\nd"), r"the name 'c\nd' of the dataset contains '\n'"),
        (("a", "b", "c\ud800"), r"the name 'c\ud800' of the dataset contains '\ud800'"),
        (("a", "b", "\u202ec\x1b"), r"the name '\u202ec\x1b' of the dataset contains '\u202e', '\x1b'"),
        (("a", "b", ""), "the dataset has no name: ''"),
        (("a", "b", "\u200b "), r"the dataset has no name: '\u200b '"),
    ],
)  # fmt: skip
def test_each_problem_is_at_its_dataset(names: tuple[str, ...], message: str) -> None:
    """The later one of two; its hint says to set a name."""
    assert problems(*names) == [(2, message)]
    (problem,) = dataset_name_problems([Named(text=name) for name in names])
    assert "name:" in (problem.hint or "")


def test_a_name_that_the_locale_cannot_express_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files could not be written."""
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("ascii"))
    assert problems("a", "\xe9") == [(1, r"file names cannot contain '\xe9' in this locale")]


def test_a_dataset_that_is_invalid_by_itself_has_no_name() -> None:
    """Its problem is another one."""
    assert list(dataset_name_problems([None, Named(text="a"), None])) == []


def test_tags_that_would_have_one_file_are_a_problem() -> None:
    """Equal ones, and one that was made to be the file name of another; dots and capitals are none."""
    retriever = RetrieverSettings(kind="bm25")
    assert (
        list(tag_problems(retriever, {"MiniLM": 1, "minilm": 1, "bge-v1.5": 1, "bge-v1-5": 1}, ["BM25"]))
        == []
    )
    made = file_part("MiniLM", dots=True)
    (equal,) = tag_problems(retriever, {"bm25": 1}, [])
    assert (equal.path, equal.message) == (
        ("rerankers", "bm25"),
        "the tag 'bm25' is already the tag of the retriever",
    )
    (clash,) = tag_problems(None, {"MiniLM": 1}, [made])
    assert (clash.path, clash.message) == (
        ("runs", made),
        f"'MiniLM' and {made!r} would have the same files: {made}",
    )
