"""The SQLite file of a score store: its tables, how to open it, and its errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from evalkit.errors import StorageError
from evalkit.files import make_folder

SCHEMA_VERSION = 3
_WITHOUT_SESSIONS = 2
"""Schema version of stores that do not record which session obtained a score."""
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE backends (backend INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE queries (
    query INTEGER PRIMARY KEY, backend INTEGER NOT NULL, text_hash BLOB NOT NULL, list_hash BLOB NOT NULL,
    UNIQUE (backend, text_hash, list_hash));
CREATE TABLE documents (document INTEGER PRIMARY KEY, text_hash BLOB NOT NULL UNIQUE);
CREATE TABLE calls (call INTEGER PRIMARY KEY, stored_s REAL NOT NULL, model TEXT, session TEXT);
CREATE TABLE scores (
    query INTEGER NOT NULL, document INTEGER NOT NULL, score REAL NOT NULL, list_rank INTEGER,
    call INTEGER NOT NULL, PRIMARY KEY (query, document)) WITHOUT ROWID;
CREATE TABLE journal (
    entry INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL, content BLOB NOT NULL)
"""
_BUSY_S = 60
"""Maximum seconds to wait while another process writes."""

Mode = Literal["create", "write", "read"]


class Database:
    """An open store file. Not thread-safe; several processes may open the same file.

    Parameters
    ----------
    path
        The file.
    mode
        ``create`` creates a missing file; ``write`` and ``read`` need an existing one. An empty file, which a process
        leaves that is killed while it creates a store, is an empty store.

    Attributes
    ----------
    has_sessions
        Whether the table ``calls`` has the column ``session``; False for an older store that is only read.

    Raises
    ------
    StorageError
        If the file cannot be opened, or is not a score store.
    """

    def __init__(self, path: Path, mode: Mode = "create") -> None:
        self.path = path
        with self._storage_errors():
            if mode == "create":
                make_folder(path.parent)
            address = f"file:{quote(str(path.absolute()))}?mode={'rwc' if mode == 'create' else 'rw'}"
            self._connection = sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            with self._storage_errors():
                if mode == "read" and self._is_empty():
                    self._connection.close()
                    self._connection = sqlite3.connect(":memory:", isolation_level=None)
                    self._make_tables()
                if mode != "read":
                    self._make_tables()
                version = self._read_version()  # before any change: the file may belong to another program
                if version == _WITHOUT_SESSIONS and mode != "read":
                    self._add_sessions()
                self.has_sessions = version == SCHEMA_VERSION or mode != "read"
                if mode == "read":
                    self._connection.execute("PRAGMA query_only = ON")
                else:
                    self._connection.execute("PRAGMA journal_mode = WAL")
                    # FULL: commits survive a power failure, not only the end of the process.
                    self._connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            self._connection.close()
            raise

    def _make_tables(self) -> None:
        """Create the tables in an empty file; fails if the file is not writable."""
        with self.transaction():
            if self._is_empty():
                for statement in _TABLES.split(";"):
                    self._connection.execute(statement)
                about = ("schema_version", str(SCHEMA_VERSION))
                self._connection.execute("INSERT INTO about VALUES (?, ?)", about)

    def _is_empty(self) -> bool:
        """Return whether the file has no tables at all."""
        return self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _add_sessions(self) -> None:
        """Upgrade a store without sessions: the session of the scores in it stays unknown."""
        with self.transaction():
            if self._read_version() == SCHEMA_VERSION:  # another process has upgraded it meanwhile
                return
            self._connection.execute("ALTER TABLE calls ADD COLUMN session TEXT")
            self._connection.execute(
                "UPDATE about SET value = ? WHERE name = 'schema_version'", (str(SCHEMA_VERSION),)
            )

    def _read_version(self) -> int:
        """Return the schema version.

        Raises
        ------
        StorageError
            If this version of evalkit cannot read it.
        """
        names = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")}
        if "about" not in names:
            raise sqlite3.DatabaseError("it is not a score store")
        (version,) = self._connection.execute(
            "SELECT value FROM about WHERE name = 'schema_version'"
        ).fetchone()
        if version not in {str(SCHEMA_VERSION), str(_WITHOUT_SESSIONS)}:
            raise StorageError(
                f"the score store {self.path.resolve()} has schema version {version}; this version of"
                f" evalkit reads {SCHEMA_VERSION}",
                "use the version of evalkit that wrote it, or set another store.path",
            )
        return int(version)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction: commit all of its writes, or roll all of them back on an error."""
        with self._storage_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # after a full disk, SQLite has already rolled back
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query."""
        with self._storage_errors():
            return self._connection.execute(sql, values).fetchall()

    def stream(self, sql: str, size: int) -> Iterator[list[Any]]:
        """Yield the rows of a query, `size` at a time."""
        with self._storage_errors():
            cursor = self._connection.execute(sql)
            while rows := cursor.fetchmany(size):
                yield rows

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement and return the number of affected rows."""
        with self._storage_errors():
            return self._connection.execute(sql, values).rowcount

    def write_many(self, sql: str, rows: Iterator[Sequence[Any]] | Sequence[Sequence[Any]]) -> int:
        """Execute one statement for every row and return the number of affected rows."""
        with self._storage_errors():
            return self._connection.executemany(sql, rows).rowcount

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Turn errors of SQLite and the file system into a `StorageError`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the score store {self.path.resolve()} cannot be used: {error}",
                "free disk space or fix the permissions; if the store is damaged, move it away or set"
                " another store.path",
            ) from None
