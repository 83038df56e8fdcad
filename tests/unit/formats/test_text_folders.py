"""A folder of text files is a table of documents."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from evalkit.errors import DataFormatError, InputNote
from evalkit.formats.text_folders import document_id, read_text_folder, text_files


def test_every_text_file_is_a_document(tmp_path: Path) -> None:
    """Files of folders below, compressed ones too, in the order of their paths; hidden and unfinished ones are not."""
    (tmp_path / "b" / ".git").mkdir(parents=True)
    (tmp_path / "b" / "two words.md").write_text("# Title\n\nText.\n\n", encoding="utf-8")
    (tmp_path / "a.TXT").write_text("\ufeffsmall", encoding="utf-8")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "empty.txt").touch()
    (tmp_path / ".hidden.txt").write_text("hidden", encoding="utf-8")
    (tmp_path / "b" / ".git" / "x.txt").write_text("hidden", encoding="utf-8")
    rows = [row for _, row in read_text_folder(tmp_path)]
    assert rows == [
        {"id": "a.TXT", "text": "small"},
        {"id": "b/two%20words.md", "text": "# Title\n\nText."},
        {"id": "c.txt.gz", "text": "packed"},
        {"id": "empty.txt", "text": ""},
    ]


def test_ids_are_different_for_different_paths() -> None:
    """White space and the sign that encodes it are encoded; all else stays."""
    assert document_id("a b%20c\u00a0d/é.md") == "a%20b%2520c%C2%A0d/é.md"


def test_other_files_are_counted_and_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    """A PDF is not left out silently."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(DataFormatError, match="has no text files"):
        text_files(tmp_path)
    (tmp_path / "b.txt").write_text("text", encoding="utf-8")
    with pytest.warns(InputNote, match="not read, because they are no text files: 1"):
        assert len(list(read_text_folder(tmp_path))) == 1


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """The error has the file and the line."""
    (tmp_path / "a.txt").write_bytes(b"fine\nnot \xff\n")
    with pytest.raises(DataFormatError, match=r"a\.txt:2 is not UTF-8 text"):
        list(read_text_folder(tmp_path))
