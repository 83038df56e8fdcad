"""The score store: scores keyed by content, and the journals of unfinished runs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import orjson

from evalkit.store.database import Database, Mode
from evalkit.store.stored_values import find_wrong


@dataclass(frozen=True, slots=True)
class ScoreKey:
    """The key of stored scores: a backend, a query and its documents.

    Attributes
    ----------
    identity
        Identity of the backend; see `identity_of`.
    query, documents
        Texts.
    pointwise
        Whether a score depends only on its pair; otherwise the key of each score includes the whole list.
    instruction
        The instruction of the query; empty for none, which is the key of earlier versions.
    """

    identity: str
    query: str
    documents: Sequence[str]
    pointwise: bool
    instruction: str = ""

    def query_hash(self) -> bytes:
        """Return the hash of the query with its instruction; no query without one has the same."""
        if not self.instruction:
            return _hash(self.query)
        digest = hashlib.blake2b(digest_size=16, person=_INSTRUCTED)
        digest.update(_hash(self.query) + _hash(self.instruction))
        return digest.digest()


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A stored score.

    Attributes
    ----------
    list_rank
        Rank in the list that the backend returned for the call; None if it returned no order.
    stored_s
        Time of storage in seconds since 1970.
    model
        Model named in the reply; None if the reply named none.
    session
        Session of the run whose call obtained the score; None if that is unknown: the score was imported, or stored
        by a version of evalkit that did not record it.
    """

    score: float
    list_rank: int | None
    stored_s: float
    model: str | None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A record of an unfinished run, e.g. a call, a failure or a check.

    Attributes
    ----------
    kind
        Kind of record.
    content
        The serialised record.
    """

    kind: str
    content: bytes


SESSION = "session"
"""Kind of the journal entries that are sessions: JSON with the keys ``session`` and ``folder``."""


class ScoreStore:
    """An open store; see `Database` for its parameters and errors."""

    def __init__(self, path: Path, mode: Mode = "create") -> None:
        self._database = Database(path, mode)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Run the block in one transaction: commit all of its writes, or roll all of them back on an error."""
        return self._database.transaction()

    def known(self, key: ScoreKey) -> list[StoredScore | None]:
        """Return the stored score of each document, in order; None for documents without one.

        Raises
        ------
        StorageError
            If a value of a score cannot be one: it is never used.
        """
        list_hash, hashes = _hashes(key)
        rows = self._database.rows(
            _KNOWN if self._database.has_sessions else _KNOWN.replace("c.session", "NULL"),
            [key.identity, key.query_hash(), list_hash],
        )
        if rows:
            wrong = find_wrong(dict(zip(_RECALLED, zip(*rows, strict=True), strict=True)))
            if wrong is not None:
                raise self._database.damaged(f"a stored score has the {wrong}")
        stored = {text_hash: StoredScore(*columns) for text_hash, *columns in rows}
        return [stored.get(text_hash) for text_hash in hashes]

    def add_scores(
        self,
        key: ScoreKey,
        scores: Sequence[float],
        list_ranks: Sequence[int | None],
        model: str | None = None,
        session: str | None = None,
    ) -> None:
        """Store the scores of one call; must be called inside a `transaction`.

        Parameters
        ----------
        key
            Backend, query and documents.
        scores, list_ranks
            One for each document; see `StoredScore`.
        model, session
            See `StoredScore`.
        """
        list_hash, hashes = _hashes(key)
        query_key = [key.identity, key.query_hash(), list_hash]
        self._database.write("INSERT OR IGNORE INTO backends (identity) VALUES (?)", query_key[:1])
        self._database.write(
            "INSERT OR IGNORE INTO queries (backend, text_hash, list_hash)"
            " SELECT backend, ?2, ?3 FROM backends WHERE identity = ?1",
            query_key,
        )
        ((query,),) = self._database.rows(
            "SELECT q.query FROM queries q JOIN backends b ON q.backend = b.backend"
            " WHERE b.identity = ? AND q.text_hash = ? AND q.list_hash = ?",
            query_key,
        )
        self._database.write(
            "INSERT INTO calls (stored_s, model, session) VALUES (?, ?, ?)", [time.time(), model, session]
        )
        ((call,),) = self._database.rows("SELECT last_insert_rowid()")
        self._database.write_many(
            "INSERT OR IGNORE INTO documents (text_hash) VALUES (?)", [(h,) for h in hashes]
        )
        self._database.write_many(
            "INSERT OR REPLACE INTO scores (query, document, score, list_rank, call)"
            " SELECT ?, document, ?, ?, ? FROM documents WHERE text_hash = ?",
            [
                (query, score, rank, call, h)
                for h, score, rank in zip(hashes, scores, list_ranks, strict=True)
            ],
        )

    def add_entry(self, run: str, entry: JournalEntry) -> None:
        """Append a record to the journal of an unfinished run; must be called inside a `transaction`.

        The key of a run is the random id of its first session; earlier versions used the path of its result folder.
        """
        self._database.write(
            "INSERT INTO journal (run, kind, content) VALUES (?, ?, ?)", [run, entry.kind, entry.content]
        )

    def journal(self, run: str) -> list[JournalEntry]:
        """Return the journal of an unfinished run, oldest record first."""
        rows = self._database.rows(_JOURNAL, [run])
        return [JournalEntry(kind, content) for kind, content in rows if kind != SESSION]

    def add_session(self, run: str, session: str, folder: Path) -> None:
        """Record that a session of a run starts, and where its result folder is."""
        content = orjson.dumps({"session": session, "folder": str(folder.resolve())})
        with self.transaction():
            self.add_entry(run, JournalEntry(SESSION, content))

    def sessions(self, run: str) -> list[str]:
        """Return the sessions of an unfinished run, those of copies of its folder among them, the oldest first."""
        rows = self._database.rows(_JOURNAL, [run])
        found = [session_entry(content) for kind, content in rows if kind == SESSION]
        return [session for session, _ in found if session]

    def forget_runs(self, runs: Sequence[str]) -> None:
        """Delete the journals of finished runs: their result files contain the same records."""
        with self.transaction():
            self._database.write_many("DELETE FROM journal WHERE run = ?", [(run,) for run in runs])


def session_entry(content: bytes) -> tuple[str, str]:
    """Return session and folder of a journal entry that is a session; empty texts if it is damaged."""
    try:
        entry = orjson.loads(content)
        session, folder = entry["session"], entry["folder"]
    except (ValueError, KeyError, TypeError):
        return "", ""
    return (session, folder) if isinstance(session, str) and isinstance(folder, str) else ("", "")


_JOURNAL = "SELECT kind, content FROM journal WHERE run = ? ORDER BY entry"
_RECALLED = ("text_hash", "score", "list_rank", "stored_s", "model", "session")
_KNOWN = """
SELECT d.text_hash, s.score, s.list_rank, c.stored_s, c.model, c.session FROM backends b
JOIN queries q ON q.backend = b.backend JOIN scores s ON s.query = q.query
JOIN documents d ON d.document = s.document JOIN calls c ON c.call = s.call
WHERE b.identity = ? AND q.text_hash = ? AND q.list_hash = ?
"""


_INSTRUCTED = b"instruction"
"""Keeps the hash of a query with an instruction apart from those of texts."""


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hashes(key: ScoreKey) -> tuple[bytes, list[bytes]]:
    """Return the hash of the list, empty for pointwise backends, and the hashes of the documents.

    For backends that are not pointwise, the hash of a document includes its position in the list.
    """
    if key.pointwise:
        return b"", [_hash(text) for text in key.documents]
    list_hash = hashlib.blake2b(digest_size=16)
    for text in key.documents:
        list_hash.update(_hash(text))
    return list_hash.digest(), [_hash(f"{place}\0{text}") for place, text in enumerate(key.documents)]
