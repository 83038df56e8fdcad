"""The secret part of an address."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalkit.web.page_token import page_token


def test_a_token_is_that_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files have the same token after a restart; other files, and other users, have others."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    one = page_token([Path("a"), Path("b")])
    assert len(one) == 32
    assert one == page_token([Path("b"), Path("a")])
    assert one != page_token([Path("a")])
    assert (tmp_path / "cache" / "page-secret").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "other"))
    assert one != page_token([Path("a"), Path("b")])


def test_without_a_cache_every_start_has_another_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be written is no reason for a token that can be guessed."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "file"))
    assert page_token([Path("a")]) != page_token([Path("a")])


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who made or can read the file could compute the address."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path))
    one = page_token([Path("a")])
    (tmp_path / "page-secret").chmod(0o644)
    assert len({one, page_token([Path("a")]), page_token([Path("a")])}) == 3
