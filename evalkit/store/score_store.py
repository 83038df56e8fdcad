"""The score store: keyed by content, written in the transaction of the call that paid."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from evalkit.store.database import Database, Mode


@dataclass(frozen=True, slots=True)
class Asked:
    """What a backend was asked, or would be: a list of documents for a query.

    Attributes
    ----------
    identity
        Of the backend.
    query, documents
        Texts.
    pointwise
        Whether a score belongs to its pair alone. Otherwise it belongs to the whole list.
    """

    identity: str
    query: str
    documents: Sequence[str]
    pointwise: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A stored score.

    Attributes
    ----------
    list_rank
        Place in the backend's own list of the call that gave it; None where it gave none.
    stored_s
        When it was stored, in seconds since 1970.
    model
        What the backend called its model in that call; None where it did not say.
    """

    score: float
    list_rank: int | None
    stored_s: float
    model: str | None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that an unfinished run must not lose: a call, a failure, a check."""

    kind: str
    content: bytes


class ScoreStore:
    """An open store; see `Database` for its parameters and errors."""

    def __init__(self, path: Path, mode: Mode = "create") -> None:
        self._base = Database(path, mode)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Commit everything inside together, or nothing of it."""
        return self._base.transaction()

    def known(self, asked: Asked) -> list[Known | None]:
        """Return what is stored of a list's documents, in their order."""
        list_hash, hashes = _hashes(asked)
        rows = self._base.rows(
            "SELECT d.text_hash, s.score, s.list_rank, c.stored_s, c.model FROM backends b"
            " JOIN queries q ON q.backend = b.backend JOIN scores s ON s.query = q.query"
            " JOIN documents d ON d.document = s.document JOIN calls c ON c.call = s.call"
            " WHERE b.identity = ? AND q.text_hash = ? AND q.list_hash = ?",
            [asked.identity, _hash(asked.query), list_hash],
        )
        stored = {text_hash: Known(*rest) for text_hash, *rest in rows}
        return [stored.get(text_hash) for text_hash in hashes]

    def add_scores(
        self,
        asked: Asked,
        scores: Sequence[float],
        list_ranks: Sequence[int | None],
        model: str | None = None,
    ) -> None:
        """Keep the scores of one call; inside a `transaction`."""
        list_hash, hashes = _hashes(asked)
        key = [asked.identity, _hash(asked.query), list_hash]
        self._base.write("INSERT OR IGNORE INTO backends (identity) VALUES (?)", key[:1])
        self._base.write(
            "INSERT OR IGNORE INTO queries (backend, text_hash, list_hash)"
            " SELECT backend, ?2, ?3 FROM backends WHERE identity = ?1",
            key,
        )
        ((query,),) = self._base.rows(
            "SELECT q.query FROM queries q JOIN backends b ON q.backend = b.backend"
            " WHERE b.identity = ? AND q.text_hash = ? AND q.list_hash = ?",
            key,
        )
        self._base.write("INSERT INTO calls (stored_s, model) VALUES (?, ?)", [time.time(), model])
        ((call,),) = self._base.rows("SELECT last_insert_rowid()")
        self._base.write_many(
            "INSERT OR IGNORE INTO documents (text_hash) VALUES (?)", [(h,) for h in hashes]
        )
        self._base.write_many(
            "INSERT OR REPLACE INTO scores (query, document, score, list_rank, call)"
            " SELECT ?, document, ?, ?, ? FROM documents WHERE text_hash = ?",
            [
                (query, score, rank, call, h)
                for h, score, rank in zip(hashes, scores, list_ranks, strict=True)
            ],
        )

    def add_entry(self, run: str, entry: JournalEntry) -> None:
        """Note something for an unfinished run; inside a `transaction`."""
        self._base.write(
            "INSERT INTO journal (run, kind, content) VALUES (?, ?, ?)", [run, entry.kind, entry.content]
        )

    def journal(self, run: str) -> list[JournalEntry]:
        """Return what an unfinished run has noted, in its order."""
        rows = self._base.rows("SELECT kind, content FROM journal WHERE run = ? ORDER BY entry", [run])
        return [JournalEntry(kind, content) for kind, content in rows]

    def forget_run(self, run: str) -> None:
        """Drop the journal of a run that is finished: its tables hold all of it."""
        with self.transaction():
            self._base.write("DELETE FROM journal WHERE run = ?", [run])


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hashes(asked: Asked) -> tuple[bytes, list[bytes]]:
    """Return the hash of the list, empty where it does not matter, and those of the documents.

    Where the list matters, so does a document's place in it.
    """
    if asked.pointwise:
        return b"", [_hash(text) for text in asked.documents]
    whole = hashlib.blake2b(digest_size=16)
    for text in asked.documents:
        whole.update(_hash(text))
    return whole.digest(), [_hash(f"{place}\0{text}") for place, text in enumerate(asked.documents)]
