"""Files of judgments: appended to by several processes, and replaced in part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import InputError
from evalkit.records import Judgment, Rater
from evalkit.store import JudgmentFile

PROGRAM = """
import sys
from pathlib import Path
from evalkit.records import Judgment, Rater
from evalkit.store import JudgmentFile
file, name = JudgmentFile(Path(sys.argv[1])), sys.argv[2]
for number in range(40):
    one = Judgment("q", f"d{number}", 1.0, Rater("human", name), "2026-11-30T00:00:00Z", note=number * "x")
    file.append([one])
    assert one in file.read()
"""


def one(name: str, doc_id: str = "d", grade: float = 1.0) -> Judgment:
    """Return a judgment."""
    return Judgment("q", doc_id, grade, Rater("human", name), "2026-11-30T00:00:00Z")


@pytest.mark.attack("concurrent", "four processes that append judgments to one file and read it")
def test_processes_append_at_once(tmp_path: Path) -> None:
    """No line is lost or broken, and each process finds its own at once."""
    path = tmp_path / "new" / "j.jsonl"
    names = [f"rater {number}" for number in range(4)]
    processes = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), name]) for name in names]
    assert [process.wait(120) for process in processes] == [0, 0, 0, 0]
    found = [(judgment.rater.name, judgment.doc_id) for judgment in JudgmentFile(path).read()]
    assert len(set(found)) == len(found) == 160
    assert path.read_bytes().count(b"\n") == 160


def test_replacing_keeps_the_others_in_their_order(tmp_path: Path) -> None:
    """New judgments follow what stays; the beginning of a line at the end is dropped; a link stays a link."""
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(real)
    file = JudgmentFile(link)
    file.append([one("a"), one("b"), one("a", "e"), one("c")])
    with real.open("ab") as opened:
        opened.write(b'{"query_id": "q", "doc')
    file.replace([one("a", "f")], lambda judgment: judgment.rater.name == "a")
    assert [(found.rater.name, found.doc_id) for found in file.read()] == [("b", "d"), ("c", "d"), ("a", "f")]
    assert link.is_symlink()
    assert real.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_lines_of_utf8_are_not_appended_to_another_encoding(tmp_path: Path, encoding: str) -> None:
    """Nothing is written, and the message has a command to convert the file."""
    file = JudgmentFile(tmp_path / "j.jsonl")
    file.append([one("a")])
    changed = file.path.read_text(encoding="utf-8").encode(encoding)
    file.path.write_bytes(changed)
    for append in (file.check_appendable, lambda: file.append([one("b")])):
        with pytest.raises(InputError, match=f"it is {encoding.upper()} text") as caught:
            append()
        assert "iconv" in str(caught.value.hint)
    assert file.path.read_bytes() == changed


def test_a_check_makes_no_file(tmp_path: Path) -> None:
    """A file that does not exist can be appended to."""
    file = JudgmentFile(tmp_path / "judgments" / "j.jsonl")
    file.check_appendable()
    assert not file.path.exists()
