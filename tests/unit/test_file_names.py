"""File names of datasets and systems: a function of the name alone, different for different names."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalkit.file_names import can_be_written, file_part, found_file, same_looking, slug, system_part

NAMES = st.text(st.characters()) | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True)
"""Any text, halves of surrogate pairs among it, and names as configurations have them."""


@pytest.mark.parametrize("name", ["nfcorpus", "trec-covid", "touche_2020", "0", "_"])
def test_a_lower_case_slug_is_its_own_file_name(name: str) -> None:
    """As in results of earlier versions."""
    assert file_part(name) == slug(name) == name


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("День", "день-63ad4f82"),
        ("a b", "a-b-c8687a08"),
        ("X", "x-4b68ab38"),
        ("x.y", "x-y-b24ca9b7"),
        ("con", "con-1143da2b"),
        ("", "unnamed-e3b0c442"),
        ("../../etc", "etc-"),
        ("-a", "a-"),
        ("a" * 81, "a" * 60),
    ],
)
def test_any_other_name_is_readable_with_a_hash(name: str, part: str) -> None:
    """Its letters and digits in lower case; the hash is that of the exact name."""
    assert file_part(name).startswith(part)
    assert file_part(name)[-9] == "-"


def test_a_system_keeps_its_dots_and_a_dataset_does_not() -> None:
    """So that the parts of a run file are clear."""
    assert system_part("x", "bge-v1.5") == "x.bge-v1.5"
    assert system_part("x", "y.z") == "x.y.z"
    assert system_part("x.y", "z") == "x-y-b24ca9b7.z"


@given(one=NAMES, other=NAMES)
def test_different_names_have_different_files(one: str, other: str) -> None:
    """Also where a file system ignores case, or composes letters."""
    assume(one != other)
    for dots in (False, True):
        parts = {unicodedata.normalize("NFC", file_part(name, dots=dots)).casefold() for name in (one, other)}
        assert len(parts) == 2


@given(name=NAMES)
def test_every_system_can_have_the_part(name: str) -> None:
    """Short, in one Unicode form and in lower case, without separators, blanks, control characters or leading dots."""
    for part in (file_part(name), file_part(name, dots=True)):
        assert 0 < len(part.encode()) <= 80
        assert part == unicodedata.normalize("NFC", part).lower()
        assert part.replace("_", "").replace("-", "").replace(".", "")[:1].strip() or set(part) <= set("_-.")
        assert not any(char in '/\\:*?"<>|' or not char.isprintable() or char.isspace() for char in part)
        assert part[0] not in ".-"
        assert part[-1] not in ".-"


def test_a_name_that_the_locale_cannot_express(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters need a UTF-8 locale; ASCII does not."""
    assert can_be_written("день")
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("ascii"))
    assert not can_be_written("день")
    assert can_be_written("docs")


def test_a_file_whose_letters_a_file_system_decomposed_is_found(tmp_path: Path) -> None:
    """And only where the file itself is missing."""
    name = f"{file_part('Café')}.gz"
    decomposed = tmp_path / unicodedata.normalize("NFD", name)
    assert found_file(tmp_path / "none" / name) == tmp_path / "none" / name
    assert found_file(tmp_path / name) == tmp_path / name
    decomposed.write_bytes(b"")
    assert found_file(tmp_path / name) == decomposed
    (tmp_path / name).write_bytes(b"")
    assert found_file(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize(
    ("one", "other"), [("é", "e\u0301"), ("a b", "a\u00a0 b"), ("docs", "do\u200bcs"), ("ﬁ", "fi")]
)
def test_names_that_look_the_same(one: str, other: str) -> None:
    """Their Unicode forms, invisible characters and blanks differ; case and punctuation are seen."""
    assert same_looking(one) == same_looking(other)
    assert len({same_looking(name) for name in ("a b", "a-b", "A b")}) == 3
