"""Lines are appended whole, and only to plain files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import InputError
from evalkit.store import LineFile


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_whole_last_line_is_kept_and_a_part_is_removed(tmp_path: Path, ending: str) -> None:
    """An editor may leave the last line without a line break; a killed process leaves the beginning of one."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a":1}' + ending.encode())
    LineFile(file).append(b'{"b":2}\n')
    assert file.read_bytes() == b'{"a":1}\n{"b":2}\n'
    file.write_bytes(b'{"a":1}\n{"b"')
    LineFile(file).append(b'{"b":2}\n')
    assert file.read_bytes() == b'{"a":1}\n{"b":2}\n'


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.ZST"])
def test_a_compressed_file_is_refused_and_stays_as_it_is(tmp_path: Path, name: str) -> None:
    """Plain lines behind compressed ones would make both unreadable."""
    (tmp_path / name).write_bytes(b"compressed")
    with pytest.raises(InputError, match="is compressed"):
        LineFile(tmp_path / name).append(b"{}\n")
    assert (tmp_path / name).read_bytes() == b"compressed"
