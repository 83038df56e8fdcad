"""The file of a store: what is opened, and that signals end a long query."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import StorageError
from evalkit.store.database import Database

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


def test_ctrl_c_ends_a_long_query(tmp_path: Path) -> None:
    """SQLite alone would go on to the end of the query, and take the signal for an error of its own."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    base = Database(tmp_path / "s.sqlite")
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            base.rows(ENDLESS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert base.rows("SELECT count(*) FROM scores") == [(0,)]
    base.close()


def test_an_archived_store_is_read_without_a_file_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder may not be writable."""
    Database(tmp_path / "s.sqlite").close()
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("evalkit.store.database.os.access", lambda *_: False)
    base = Database(tmp_path / "s.sqlite", "read")
    assert base.rows("SELECT count(*) FROM scores") == [(0,)]
    assert sorted(tmp_path.iterdir()) == before
    base.close()


def test_statistics_of_sqlite_are_no_foreign_table(tmp_path: Path) -> None:
    """A user may run ANALYZE and VACUUM on a store."""
    path = tmp_path / "s.sqlite"
    Database(path).close()
    with sqlite3.connect(path) as base:
        base.execute("INSERT INTO documents (text_hash) VALUES (zeroblob(16))")
        base.execute("ANALYZE")
    base.execute("VACUUM")
    base.close()
    Database(path, "read").close()


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE about; CREATE VIEW about AS SELECT 'schema_version' AS name, '3' AS value",
        "CREATE TABLE more (x)",
        "DELETE FROM about",
        "CREATE TRIGGER t AFTER INSERT ON scores BEGIN DELETE FROM scores; END",
    ],
)
def test_other_tables_are_refused(tmp_path: Path, script: str) -> None:
    """In every mode, and the file stays as it is."""
    path = tmp_path / "s.sqlite"
    Database(path).close()
    base = sqlite3.connect(path)
    base.executescript(script)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    before = path.read_bytes()
    for mode in ("read", "write", "create"):
        with pytest.raises(StorageError, match="it is not a score store"):
            Database(path, mode)  # type: ignore[arg-type]
    assert path.read_bytes() == before
