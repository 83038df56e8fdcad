"""Answers that cannot be written wait, and are never called written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import StorageError
from evalkit.records import Judgment, Rater
from evalkit.store import JudgmentFile
from evalkit.workflows.judging_pass import JudgmentWriter

ONE = Judgment(
    "q", "d", 1.0, Rater("model", "m"), "2026-11-30T12:00:00+00:00", "0" * 64, "1" * 64, cost_usd=2.0
)


class Store:
    """A store that keeps what it is given, or cannot be written."""

    def __init__(self, *, fails: bool) -> None:
        self.fails, self.kept = fails, set[str]()

    def add(self, _identity: str, judgments: tuple[Judgment, ...]) -> None:
        """Keep judgments."""
        if self.fails:
            raise StorageError("the store is full", "delete something")
        self.kept.update(one.doc_id for one in judgments)


@pytest.mark.parametrize("fails", [True, False])
def test_answers_that_cannot_be_written_wait_for_the_next_attempt(tmp_path: Path, *, fails: bool) -> None:
    """They are not called written, and none is lost: they are in the store, or in the file as soon as it can be."""
    store: Any = Store(fails=fails)
    (tmp_path / "in the way").touch()
    writer = JudgmentWriter(JudgmentFile(tmp_path / "in the way" / "a.jsonl"), store, "j")
    writer.add(ONE)
    with pytest.raises(StorageError):
        writer.write_soon(more=False)
    writer.add(replace(ONE, doc_id="e"))
    writer.write_soon(more=False)
    assert writer.written_usd == 0
    assert writer.state.startswith("2 answers")
    with pytest.raises(StorageError):
        writer.write()
    where = "could not be written" if fails else "are in the store only"
    assert where in writer.state
    assert store.kept == (set() if fails else {"d", "e"})
    (tmp_path / "in the way").unlink()
    store.fails = False
    writer.write()
    assert [one.doc_id for one in writer.file.read()] == ["d", "e"]
    assert (writer.state, writer.written_usd) == ("all answers so far are written", 4.0)


def test_a_store_that_cannot_be_written_costs_no_line(tmp_path: Path) -> None:
    """The file has the answer, so that it is written; the failure is an error all the same."""
    store: Any = Store(fails=True)
    writer = JudgmentWriter(JudgmentFile(tmp_path / "a.jsonl"), store, "j")
    writer.add(ONE)
    with pytest.raises(StorageError, match="the store is full"):
        writer.write_soon(more=False)
    assert writer.state == "all answers so far are written"
    assert writer.file.read() == [ONE]
