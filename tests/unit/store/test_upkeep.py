"""Which journals of unfinished runs are removed: those whose result folder is gone, wherever it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from evalkit.store import JournalEntry, ScoreStore
from evalkit.store.database import Database
from evalkit.store.score_store import SESSION, session_entry
from evalkit.store.upkeep import Pruned, prune


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ScoreStore]:
    """Yield a store next to result folders."""
    with closing(ScoreStore(tmp_path / "results" / "scores.sqlite")) as opened:
        yield opened


def started(store: ScoreStore, folder: Path, run: str = "a") -> Path:
    """Record a run, and make its folder."""
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(orjson.dumps({"sessions": [run, "later"]}))
    store.add_session(run, run, folder)
    with store.transaction():
        store.add_entry(run, JournalEntry("call", b"{}"))
    return folder


def pruned(file: Path) -> Pruned:
    """Prune, after a plan has said the same."""
    with closing(Database(file)) as database:
        planned = prune(database, None, (), plan=True)
        assert prune(database, None, ()) == planned
        return planned


def test_a_run_keeps_its_journal_while_its_folder_is_there(tmp_path: Path, store: ScoreStore) -> None:
    """Next to the store, or elsewhere; the sessions are no records of it."""
    started(store, tmp_path / "results" / "a")
    started(store, tmp_path / "elsewhere" / "b", "b")
    assert pruned(tmp_path / "results" / "scores.sqlite") == Pruned(0, 0)
    assert store.sessions("a") == ["a"]
    assert [entry.kind for entry in store.journal("a")] == ["call"]


def test_a_deleted_folder_takes_its_journal_with_it(tmp_path: Path, store: ScoreStore) -> None:
    """Also if another run has a folder of its name now; a damaged manifest proves nothing."""
    for name, manifest in (("a", None), ("b", {"sessions": ["another"]}), ("c", "damaged")):
        folder = started(store, tmp_path / "results" / name, name)
        if manifest is None:
            shutil.rmtree(folder)
        else:
            (folder / "manifest.json").write_bytes(orjson.dumps(manifest) if name == "b" else b"{")
    assert pruned(tmp_path / "results" / "scores.sqlite") == Pruned(0, 2)
    assert [store.sessions(name) for name in "abc"] == [[], [], ["c"]]


def test_a_renamed_parent_keeps_the_journals(tmp_path: Path, store: ScoreStore) -> None:
    """With the store in it, they are found; without it, they may be anywhere."""
    started(store, tmp_path / "results" / "a")
    started(store, tmp_path / "elsewhere" / "b", "b")
    store.close()
    (tmp_path / "results").rename(tmp_path / "renamed")
    (tmp_path / "elsewhere").rename(tmp_path / "too")
    assert pruned(tmp_path / "renamed" / "scores.sqlite") == Pruned(0, 0, 1)


def test_journals_of_earlier_versions_are_known_by_their_paths(tmp_path: Path, store: ScoreStore) -> None:
    """One folder is there, one is gone, and the parent of one is gone."""
    (tmp_path / "results" / "here").mkdir()
    for folder in ("results/here", "results/gone", "away/gone"):
        with store.transaction():
            store.add_entry(str(tmp_path / folder), JournalEntry("call", b"{}"))
    assert pruned(tmp_path / "results" / "scores.sqlite") == Pruned(0, 1, 1)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"session": "a"}', b'{"session": 1, "folder": 2}', b"\xff"]
)
def test_a_damaged_session_is_unknown(tmp_path: Path, store: ScoreStore, content: bytes) -> None:
    """It ends no command, counts as no session, and does not cost the journal."""
    assert session_entry(content) == ("", "")
    with store.transaction():
        store.add_entry("a", JournalEntry(SESSION, content))
    assert store.sessions("a") == []
    assert pruned(tmp_path / "results" / "scores.sqlite") == Pruned(0, 0, 1)
