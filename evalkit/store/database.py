"""The SQLite file of a score store: its tables, how to open it, and its errors."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from evalkit.errors import StorageError
from evalkit.files import make_folder
from evalkit.store.table_check import (
    ALL_TABLES,
    JUDGMENT_TABLES,
    JUDGMENTS,
    TABLES,
    check_others,
    check_tables,
)

SCHEMA_VERSION = 3
_WITHOUT_SESSIONS = 2
"""Schema version of stores that do not record which session obtained a score."""
_WITH_JUDGMENTS = 4
"""Schema version of stores that also hold judgments: earlier versions of evalkit cannot read them."""
_BUSY_S = 60
"""Maximum seconds to wait while another process writes."""
_BUSY_WAIT_S = 0.05
"""Seconds between two attempts of what SQLite does not wait for itself."""
_STEPS = 1_000_000
"""Steps of SQLite's virtual machine between two looks at signals: some hundredths of a second."""

Mode = Literal["create", "write", "read"]


def _access(path: Path, mode: Mode) -> str:
    """Return how SQLite opens a file. To read one that another process may write, it writes files next to it."""
    is_archived = (
        mode == "read"
        and path.is_file()
        and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    )
    if is_archived and not path.with_name(f"{path.name}-wal").is_file():
        return "mode=ro&immutable=1"
    return "mode=rwc" if mode == "create" else "mode=rw"


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
    has_judgments
        Whether there are tables of judgments.

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
            address = f"file:{quote(str(path.absolute()))}?{_access(path, mode)}"
            self._connection = sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)
        # The handler lets Python look at signals: without it, Ctrl-C waits for the end of a long query.
        self._connection.set_progress_handler(lambda: 0, _STEPS)
        try:
            with self._storage_errors():
                self._connection.execute("PRAGMA trusted_schema = OFF")
                if mode == "read" and self._is_empty():
                    self._connection.close()
                    self._connection = sqlite3.connect(":memory:", isolation_level=None)
                    self._make_tables()
                if mode != "read":
                    self._make_tables()
                version = self._read_version()  # before any change: the file may belong to another program
                if version == _WITHOUT_SESSIONS and mode != "read":
                    self._add_sessions()
                self.has_sessions = version != _WITHOUT_SESSIONS or mode != "read"
                self.has_judgments = version == _WITH_JUDGMENTS
                if mode == "read":
                    self._connection.execute("PRAGMA query_only = ON")
                else:
                    self._write_ahead()
                    # FULL: commits survive a power failure, not only the end of the process.
                    self._connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            self._connection.close()
            raise

    def _write_ahead(self) -> None:
        """Use a write-ahead log. SQLite does not wait for other processes here, whatever its timeout is."""
        busy = retry_if_exception(lambda error: "locked" in str(error))
        waiting = Retrying(
            retry=busy, wait=wait_fixed(_BUSY_WAIT_S), stop=stop_after_delay(_BUSY_S), reraise=True
        )
        waiting(self._connection.execute, "PRAGMA journal_mode = WAL")

    def _make_tables(self) -> None:
        """Create the tables in an empty file; fails if the file is not writable."""
        with self.transaction():
            if self._is_empty():
                for statement in TABLES.split(";"):
                    self._connection.execute(statement)
                about = ("schema_version", str(SCHEMA_VERSION))
                self._connection.execute("INSERT INTO about VALUES (?, ?)", about)

    def _is_empty(self) -> bool:
        """Return whether the file has no tables at all."""
        return self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _add_sessions(self) -> None:
        """Upgrade a store without sessions: the session of the scores in it stays unknown."""
        with self.transaction():
            if self._read_version() != _WITHOUT_SESSIONS:  # another process has upgraded it meanwhile
                return
            self._connection.execute("ALTER TABLE calls ADD COLUMN session TEXT")
            self._set_version(SCHEMA_VERSION)

    def add_judgment_tables(self) -> None:
        """Create the tables of judgments where they are missing."""
        with self.transaction():
            if self._read_version() != _WITH_JUDGMENTS:
                for statement in JUDGMENTS.split(";"):
                    self._connection.execute(statement)
                self._set_version(_WITH_JUDGMENTS)
        self.has_judgments = True

    def _set_version(self, version: int) -> None:
        self._connection.execute("UPDATE about SET value = ? WHERE name = 'schema_version'", (str(version),))

    def _read_version(self) -> int:
        """Return the schema version.

        Raises
        ------
        StorageError
            If this version of evalkit cannot read it.
        """
        check_tables(self._connection, ["about"])  # first, as anything else may have that name
        found = self._connection.execute("SELECT value FROM about WHERE name = 'schema_version'").fetchone()
        if found is None:
            raise sqlite3.DatabaseError("it is not a score store: it has no schema version")
        (version,) = found
        if version not in map(str, (_WITHOUT_SESSIONS, SCHEMA_VERSION, _WITH_JUDGMENTS)):
            raise StorageError(
                f"the score store {self.path.resolve()} has schema version {str(version)[:40]}; this version of"
                f" evalkit reads {_WITH_JUDGMENTS}",
                "use the version of evalkit that wrote it, or set another store.path",
            )
        check_tables(self._connection, ALL_TABLES)
        check_tables(self._connection, JUDGMENT_TABLES if version == str(_WITH_JUDGMENTS) else ())
        check_others(self._connection)
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

    def damaged(self, what: str, remedy: str | None = None) -> StorageError:
        """Return the error for a value that a store cannot hold; `remedy` is a hint in place of removing scores."""
        path = shlex.quote(str(self.path))
        prune = f"remove the scores of a backend with: evalkit store prune {path} --backend N"
        return StorageError(
            f"the score store {self.path.resolve()} is damaged: {what}",
            f"list all damage with: evalkit store verify {path}; {remedy or prune}",
        )

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
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise KeyboardInterrupt from None  # raised in the handler, where SQLite took it for its result
            raise StorageError(
                f"the score store {self.path.resolve()} cannot be used: {error}",
                "free disk space or fix the permissions; if the store is damaged, move it away or set"
                " another store.path",
            ) from None
