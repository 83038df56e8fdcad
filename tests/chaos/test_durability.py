"""The order in which a run makes its files durable and forgets its journal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest
from support.collections import write_beir_folder
from support.command import evalkit, only_folder
from support.killed import CONFIG

from evalkit.store import ScoreStore

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.mark.attack("crash", "the power fails after a run")
def test_all_files_are_durable_before_the_journal_is_deleted(tmp_path: Path) -> None:
    """Tables, inputs, manifest, log, and the folders that name them: fsync of each comes before the deletion."""
    write_beir_folder(tmp_path / "small")
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    durable: set[int] = set()
    at_deletion: list[set[int]] = []
    fsync, forget = os.fsync, ScoreStore.forget_runs

    def record(descriptor: int) -> None:
        """Record what becomes durable, by its inode."""
        fsync(descriptor)
        durable.add(os.fstat(descriptor).st_ino)

    def deletion(store: ScoreStore, runs: Sequence[str]) -> None:
        """Record what is durable when the journal is deleted."""
        at_deletion.append(set(durable))
        forget(store, runs)

    with mock.patch.object(os, "fsync", record), mock.patch.object(ScoreStore, "forget_runs", deletion):
        assert evalkit("run", "c.yaml", "--into", "r", cwd=tmp_path).returncode == 0
    folder = only_folder(tmp_path / "r")
    (before,) = at_deletion
    raw = ["manifest.json", "config.yaml", "config.resolved.yaml", "scores.parquet", "calls.parquet", "failures.jsonl",
           "texts.parquet", "log.jsonl", "qrels", "queries"]  # fmt: skip
    needed = [folder.parent, folder, *(folder / name for name in raw)]
    needed += [*(folder / "qrels").iterdir(), *(folder / "queries").iterdir()]
    assert [path.name for path in needed if path.stat().st_ino not in before] == []
    derived = [path for path in folder.rglob("*") if path.stat().st_ino not in durable]
    assert derived == []
