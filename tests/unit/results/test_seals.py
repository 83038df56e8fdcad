"""Seals: the same for the same values, and no other user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.results.seals import seal


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EVALKIT_CACHE", str(folder))
    return folder


def test_values_have_one_seal() -> None:
    """Whatever the order of keys, and no other values have it."""
    assert seal({"a": 1, "b": 2}) == seal({"b": 2, "a": 1})
    assert seal({"a": 1, "b": 2}) != seal({"a": 1, "b": 3})


def test_only_the_user_reads_the_key(cache: Path) -> None:
    """Another account of the machine cannot make a seal."""
    seal(1)
    assert (cache / "seal.key").stat().st_mode & 0o077 == 0


def test_a_deleted_key_ends_all_seals(cache: Path) -> None:
    """A new key is made, and what the old one sealed is not trusted."""
    before = seal(1)
    (cache / "seal.key").unlink()
    assert seal(1) not in {before, None}


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_damaged_key_seals_nothing(cache: Path, content: bytes) -> None:
    """An empty key would be everyone's."""
    seal(1)
    (cache / "seal.key").write_bytes(content)
    assert seal(1) is None


def test_without_a_cache_nothing_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be created is no error: everything is computed again."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "file"))
    assert seal(1) is None
