"""Unfinished entries, removed folders and modes."""

from __future__ import annotations

from pathlib import Path

from evalkit.files import remove_folder


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def test_removing_a_link_leaves_what_it_leads_to(tmp_path: Path) -> None:
    """Only the link goes; a missing folder is no error."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    remove_folder(tmp_path / "link")
    remove_folder(tmp_path / "missing")
    assert names(tmp_path) == ["real"]
    remove_folder(tmp_path / "real")
    assert names(tmp_path) == []
