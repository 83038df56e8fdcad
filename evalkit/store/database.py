"""The score store: one SQLite file, keyed by content, written in the transaction of the call that paid."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import StorageError

SCHEMA_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS backends (backend INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS queries (
    query INTEGER PRIMARY KEY, backend INTEGER NOT NULL, text_hash BLOB NOT NULL, list_hash BLOB NOT NULL,
    stored_s REAL NOT NULL, UNIQUE (backend, text_hash, list_hash));
CREATE TABLE IF NOT EXISTS documents (document INTEGER PRIMARY KEY, text_hash BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS scores (
    query INTEGER NOT NULL, document INTEGER NOT NULL, score REAL NOT NULL, list_rank INTEGER,
    PRIMARY KEY (query, document)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    entry INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL, content BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A stored score.

    Attributes
    ----------
    list_rank
        Place in the backend's own list of the call that gave it; None where it gave none.
    stored_s
        When it was stored, in seconds since 1970.
    """

    score: float
    list_rank: int | None
    stored_s: float


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that an unfinished run must not lose: a call, a failure, a check."""

    kind: str
    content: bytes


class ScoreStore:
    """An open store. Used from one thread; several processes may have it open.

    Parameters
    ----------
    path
        The file; made where it is missing.

    Raises
    ------
    StorageError
        If it cannot be opened, or is no store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._base.execute("PRAGMA journal_mode = WAL")
            # FULL: what was committed outlives the machine's power, not only the process.
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_TABLES)
            self._base.execute(
                "INSERT OR IGNORE INTO about VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)]
            )
            (version,) = self._base.execute(
                "SELECT value FROM about WHERE name = 'schema_version'"
            ).fetchone()
        if version != str(SCHEMA_VERSION):
            raise StorageError(
                f"the score store {path.resolve()} has schema version {version}; this evalkit reads {SCHEMA_VERSION}",
                "use the evalkit version that wrote it, or another store.path",
            )

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def known(
        self, identity: str, query: str, documents: Sequence[str], *, pointwise: bool
    ) -> list[Known | None]:
        """Return what is stored of a query's documents, in their order.

        Parameters
        ----------
        identity
            Of the backend.
        query, documents
            Texts.
        pointwise
            Whether a score belongs to its pair alone. Otherwise it belongs to the whole list.
        """
        list_hash, hashes = _hashes(documents, pointwise=pointwise)
        with self._faults():
            rows = self._base.execute(
                "SELECT d.text_hash, s.score, s.list_rank, q.stored_s FROM backends b"
                " JOIN queries q ON q.backend = b.backend JOIN scores s ON s.query = q.query"
                " JOIN documents d ON d.document = s.document"
                " WHERE b.identity = ? AND q.text_hash = ? AND q.list_hash = ?",
                [identity, _hash(query), list_hash],
            ).fetchall()
        stored = {text_hash: Known(score, rank, when) for text_hash, score, rank, when in rows}
        return [stored.get(text_hash) for text_hash in hashes]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside together, or nothing of it."""
        with self._faults():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def add_scores(
        self,
        identity: str,
        query: str,
        documents: Sequence[str],
        scores: Sequence[float],
        list_ranks: Sequence[int | None],
        *,
        pointwise: bool,
    ) -> None:
        """Keep the scores of one call; inside a `transaction`."""
        list_hash, hashes = _hashes(documents, pointwise=pointwise)
        run = self._base.execute
        run("INSERT OR IGNORE INTO backends (identity) VALUES (?)", [identity])
        run(
            "INSERT INTO queries (backend, text_hash, list_hash, stored_s)"
            " SELECT backend, ?, ?, ? FROM backends WHERE identity = ?"
            " ON CONFLICT DO UPDATE SET stored_s = excluded.stored_s",
            [_hash(query), list_hash, time.time(), identity],
        )
        (key,) = run(
            "SELECT q.query FROM queries q JOIN backends b ON q.backend = b.backend"
            " WHERE b.identity = ? AND q.text_hash = ? AND q.list_hash = ?",
            [identity, _hash(query), list_hash],
        ).fetchone()
        self._base.executemany(
            "INSERT OR IGNORE INTO documents (text_hash) VALUES (?)", [(h,) for h in hashes]
        )
        self._base.executemany(
            "INSERT OR REPLACE INTO scores SELECT ?, document, ?, ? FROM documents WHERE text_hash = ?",
            [(key, score, rank, h) for h, score, rank in zip(hashes, scores, list_ranks, strict=True)],
        )

    def add_entry(self, run: str, entry: JournalEntry) -> None:
        """Note something for an unfinished run; inside a `transaction`."""
        self._base.execute(
            "INSERT INTO journal (run, kind, content) VALUES (?, ?, ?)", [run, entry.kind, entry.content]
        )

    def journal(self, run: str) -> list[JournalEntry]:
        """Return what an unfinished run has noted, in its order."""
        with self._faults():
            rows = self._base.execute(
                "SELECT kind, content FROM journal WHERE run = ? ORDER BY entry", [run]
            ).fetchall()
        return [JournalEntry(kind, content) for kind, content in rows]

    def forget_run(self, run: str) -> None:
        """Drop the journal of a run that is finished: its tables hold all of it."""
        with self.transaction():
            self._base.execute("DELETE FROM journal WHERE run = ?", [run])

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


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hashes(documents: Sequence[str], *, pointwise: bool) -> tuple[bytes, list[bytes]]:
    """Return the hash of the list, empty where it does not matter, and those of the documents.

    Where the list matters, so does a document's place in it.
    """
    if pointwise:
        return b"", [_hash(text) for text in documents]
    whole = hashlib.blake2b(digest_size=16)
    for text in documents:
        whole.update(_hash(text))
    return whole.digest(), [_hash(f"{place}\0{text}") for place, text in enumerate(documents)]
