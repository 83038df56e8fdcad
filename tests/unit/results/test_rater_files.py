"""The grades of raters in a result folder."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.errors import InputError
from evalkit.judging.rater_grades import RaterGrades
from evalkit.records import Qrels
from evalkit.results import ResultFolder
from evalkit.results.rater_files import (
    correction_sha256,
    read_correction_grades,
    read_rater_grades,
    write_correction_grades,
    write_rater_grades,
)


def test_raters_are_read_as_written(tmp_path: Path) -> None:
    """Fractional grades, order and kinds stay; without raters there is no file, also after an earlier one."""
    folder = ResultFolder(tmp_path)
    raters = [
        RaterGrades("qrels", "human", Qrels({"q": {"d": 1}})),
        RaterGrades("m", "model", Qrels({"q": {"d": 1.5}, "r": {"e": 0}})),  # type: ignore[dict-item]
    ]
    write_rater_grades(folder, "set", raters)
    found = read_rater_grades(folder, "set")
    assert [(one.name, one.kind, one.qrels.grades) for one in found] == [
        (one.name, one.kind, one.qrels.grades) for one in raters
    ]
    write_rater_grades(folder, "set", ())
    assert read_rater_grades(folder, "set") == []


def test_a_correction_is_read_as_written_and_checked(tmp_path: Path) -> None:
    """With what the judge failed on; another hash, other kinds of raters and a missing file are refused."""
    folder = ResultFolder(tmp_path)
    people = RaterGrades("people", "human", Qrels({"q": {"d": 1.0}}))
    failed = {"q": frozenset({"e", "f"}), "r": frozenset({"d"})}
    judge = RaterGrades("m", "model", Qrels({"q": {"d": 2.5}}), failed=failed)
    write_correction_grades(folder, "set", (people, judge))
    sha256 = correction_sha256((people, judge))
    found = read_correction_grades(folder, "set", sha256)
    assert found is not None
    assert [(one.name, one.kind, one.qrels.grades, one.failed) for one in found] == [
        (one.name, one.kind, one.qrels.grades, one.failed) for one in (people, judge)
    ]
    for wrong in ("0" * 64, None):
        with pytest.raises(InputError, match="was changed since the run"):
            read_correction_grades(folder, "set", wrong)
    for raters in ((judge, people), (judge,), (people, judge, replace(judge, name="n"))):
        write_correction_grades(folder, "set", raters)
        with pytest.raises(InputError, match="other raters than people and then one model"):
            read_correction_grades(folder, "set", correction_sha256(raters))
    write_correction_grades(folder, "set", ())
    assert read_correction_grades(folder, "set", None) is None
    with pytest.raises(InputError, match="is missing"):
        read_correction_grades(folder, "set", sha256)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """A row without grades is an error with the file."""
    file = tmp_path / "qrels" / "set.raters.jsonl.gz"
    file.parent.mkdir()
    file.write_bytes(gzip.compress(b'{"rater": "m", "kind": "model", "query_id": "q"}\n'))
    with pytest.raises(InputError, match=r"set\.raters\.jsonl\.gz is damaged"):
        read_rater_grades(ResultFolder(tmp_path), "set")
