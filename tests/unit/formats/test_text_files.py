"""Lines of text files, packed or plain."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from support.messages import said

from evalkit.errors import DataFormatError
from evalkit.formats import open_lines
from evalkit.formats.text_files import open_ended_lines


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    """Packed in gzip or zstd, in parts one after the other, or lying in a zip, a file holds its lines."""
    lines = [(1, "one"), (3, "drei ä")]
    data = "\ufeffone\r\n \ndrei ä\n".encode()
    (tmp_path / "plain").write_bytes(data)
    (tmp_path / "a.gz").write_bytes(gzip.compress(data[:5]) + gzip.compress(data[5:]))
    zstd = [pa.compress(part, codec="zstd", asbytes=True) for part in (data[:5], data[5:])]
    (tmp_path / "a.zst").write_bytes(b"".join(zstd))
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        packed.writestr("in/a", data)
        packed.writestr("in/a.gz", gzip.compress(data))
    inside = zipfile.Path(tmp_path / "z.zip") / "in"
    for file in (tmp_path / "plain", tmp_path / "a.gz", tmp_path / "a.zst", inside / "a", inside / "a.gz"):
        assert list(open_lines(file)) == lines


def test_damaged_files_are_reported(tmp_path: Path) -> None:
    """A file that is cut off, is not what its ending says, is missing or in another encoding is one clear line."""
    zstd = pa.compress(b"x" * 1000, codec="zstd", asbytes=True)
    for name, data, problem in (
        ("cut.gz", gzip.compress(b"x" * 1000, mtime=0)[:-9], "cannot read"),
        ("odd.gz", b"no gzip", "cannot read"),
        ("bad.gz", gzip.compress(bytes(range(256)) * 9, mtime=0)[:40] + b"\xff" * 40, "cannot read"),
        ("cut.zst", zstd[:-4], "cannot read"),
        ("odd.zst", b"no zstd at all", "cannot read"),
        ("latin", "a\nä".encode("latin-1"), "latin:2 is not UTF-8"),
    ):
        (tmp_path / name).write_bytes(data)
        assert problem in said(lambda name=name: list(open_lines(tmp_path / name)))  # type: ignore[misc]
    assert "file not found" in said(lambda: list(open_lines(tmp_path / "none")))


def test_a_packed_file_that_ends_early_is_named_as_such(tmp_path: Path) -> None:
    """Wherever it was cut off."""
    text = "".join(f"{n} Q0 d{n} 1 {1 / (n + 1)} t\n" for n in range(500)).encode()
    packed = {"gz": gzip.compress(text), "zst": pa.compress(text, codec="zstd", asbytes=True)}
    for suffix, data in packed.items():
        for size in (len(data) - 1, len(data) - 9, len(data) // 2):
            (tmp_path / f"cut.{suffix}").write_bytes(data[:size])
            with pytest.raises(DataFormatError, match="cannot read") as refused:
                list(open_lines(tmp_path / f"cut.{suffix}"))
            assert refused.value.hint == "download or copy it again: the file is cut off"


def test_lines_say_whether_they_have_an_end(tmp_path: Path) -> None:
    """The last line of a file that was cut off has none."""
    (tmp_path / "a").write_bytes(b"one\r\n\ntwo")
    assert list(open_ended_lines(tmp_path / "a")) == [(1, "one", True), (3, "two", False)]
