"""Reports of exceptions that nobody expects."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from evalkit.cli.bug_reports import bug_report


class _UnspeakableError(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


def test_a_report_names_a_file_with_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is bounded, whatever the exception says."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = bug_report(ValueError("z" * 3_000_000))
    (file,) = tmp_path.iterdir()
    assert str(file) in report
    assert len(report) < 2_000
    assert file.read_text(encoding="utf-8").startswith("ValueError: zzz")
    assert file.stat().st_size < 1_100_000


def test_a_report_never_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file it names the line; without a message, that there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(_UnspeakableError) as caught:
        raise _UnspeakableError
    report = bug_report(caught.value)
    assert "_UnspeakableError: its message cannot be read (SystemExit)" in report
    assert f"raised at {__file__}:" in report
    assert len(report.splitlines()) == 2
