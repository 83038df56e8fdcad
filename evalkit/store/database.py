"""The file of a score store: its tables, how it is opened, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from evalkit.errors import StorageError

SCHEMA_VERSION = 2
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE backends (backend INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE queries (
    query INTEGER PRIMARY KEY, backend INTEGER NOT NULL, text_hash BLOB NOT NULL, list_hash BLOB NOT NULL,
    UNIQUE (backend, text_hash, list_hash));
CREATE TABLE documents (document INTEGER PRIMARY KEY, text_hash BLOB NOT NULL UNIQUE);
CREATE TABLE calls (call INTEGER PRIMARY KEY, stored_s REAL NOT NULL, model TEXT);
CREATE TABLE scores (
    query INTEGER NOT NULL, document INTEGER NOT NULL, score REAL NOT NULL, list_rank INTEGER,
    call INTEGER NOT NULL, PRIMARY KEY (query, document)) WITHOUT ROWID;
CREATE TABLE journal (
    entry INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL, content BLOB NOT NULL)
"""
_BUSY_S = 60
"""Longest wait for another process that is writing."""

Mode = Literal["create", "write", "read"]


class Database:
    """An open store file. Used from one thread; several processes may have it open.

    Parameters
    ----------
    path
        The file.
    mode
        Whether it is made where it is missing, and whether it can be written.

    Raises
    ------
    StorageError
        If it cannot be opened, or is no store.
    """

    def __init__(self, path: Path, mode: Mode = "create") -> None:
        self.path = path
        with self._faults():
            if mode == "create":
                path.parent.mkdir(parents=True, exist_ok=True)
            address = f"file:{quote(str(path.absolute()))}?mode={'rwc' if mode == 'create' else 'rw'}"
            self._base = sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            with self._faults():
                if mode != "read":
                    self._make_tables()
                self._check_version()  # before anything else is changed: the file may be somebody else's
                if mode == "read":
                    self._base.execute("PRAGMA query_only = ON")
                else:
                    self._base.execute("PRAGMA journal_mode = WAL")
                    # FULL: what was committed outlives the machine's power, not only the process.
                    self._base.execute("PRAGMA synchronous = FULL")
        except BaseException:
            self._base.close()
            raise

    def _make_tables(self) -> None:
        """Make the tables of an empty file; complain of one that cannot be written."""
        with self.transaction():
            if self._base.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                for statement in _TABLES.split(";"):
                    self._base.execute(statement)
                about = ("schema_version", str(SCHEMA_VERSION))
                self._base.execute("INSERT INTO about VALUES (?, ?)", about)

    def _check_version(self) -> None:
        names = {name for (name,) in self._base.execute("SELECT name FROM sqlite_master")}
        if "about" not in names:
            raise sqlite3.DatabaseError("it is no score store")
        (version,) = self._base.execute("SELECT value FROM about WHERE name = 'schema_version'").fetchone()
        if version != str(SCHEMA_VERSION):
            raise StorageError(
                f"the score store {self.path.resolve()} has schema version {version};"
                f" this evalkit reads {SCHEMA_VERSION}",
                "use the evalkit version that wrote it, or another store.path",
            )

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside together, or nothing of it."""
        with self._faults():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._base.in_transaction:  # a full disk has rolled it back already
                    self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query."""
        with self._faults():
            return self._base.execute(sql, values).fetchall()

    def stream(self, sql: str, size: int) -> Iterator[list[Any]]:
        """Yield the rows of a query, `size` at a time."""
        with self._faults():
            cursor = self._base.execute(sql)
            while rows := cursor.fetchmany(size):
                yield rows

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement and return how many rows it touched."""
        with self._faults():
            return self._base.execute(sql, values).rowcount

    def write_many(self, sql: str, rows: Iterator[Sequence[Any]] | Sequence[Sequence[Any]]) -> int:
        """Execute one statement for every row and return how many rows were touched."""
        with self._faults():
            return self._base.executemany(sql, rows).rowcount

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn whatever the database complains of into one clear line."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the score store {self.path.resolve()} cannot be used: {error}",
                "free some space or mend its permissions; a damaged store can be moved away, or store.path set",
            ) from None
