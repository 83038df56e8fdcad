"""Judgments of models, keyed by the judge and by both texts: no judge is paid twice for a pair of texts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalkit.errors import DataFormatError
from evalkit.formats import judgment_lines, judgment_of_line
from evalkit.records import Judgment
from evalkit.store.database import Database, Mode


class JudgmentStore:
    """The judgments in an open store, which may be that of the scores; see `Database` for parameters and errors."""

    def __init__(self, path: Path, mode: Mode = "create") -> None:
        self._database = Database(path, mode)
        if mode != "read":
            self._database.add_judgment_tables()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def known(self, identity: str, query_sha256: str) -> dict[str, Judgment]:
        """Return the stored judgments of one query: hash of the document -> judgment.

        Parameters
        ----------
        identity
            The judge; see `judge_identity`.
        query_sha256
            Hash of the query with its instruction.

        Raises
        ------
        StorageError
            If a stored judgment is damaged: it is never used.
        """
        if not self._database.has_judgments:
            return {}
        found = {}
        for doc_hash, content in self._database.rows(_KNOWN, [identity, bytes.fromhex(query_sha256)]):
            doc_sha256 = bytes(doc_hash).hex()
            judgment = self._read(content)
            if (judgment.query_sha256, judgment.doc_sha256) != (query_sha256, doc_sha256):
                raise self._database.damaged("a stored judgment is of other texts", _REMEDY)
            found[doc_sha256] = judgment
        return found

    def add(self, identity: str, judgments: Iterable[Judgment]) -> None:
        """Store judgments, which have the hashes of both texts, in one transaction; a later one replaces an earlier."""
        rows = [
            (bytes.fromhex(one.query_sha256), bytes.fromhex(one.doc_sha256), judgment_lines([one]), identity)
            for one in judgments
            if one.query_sha256 is not None and one.doc_sha256 is not None
        ]
        with self._database.transaction():
            self._database.write("INSERT OR IGNORE INTO judges (identity) VALUES (?)", [identity])
            self._database.write_many(_ADD, rows)

    def _read(self, content: object) -> Judgment:
        try:
            return judgment_of_line(content if isinstance(content, bytes) else b"", "a stored judgment")
        except DataFormatError as error:
            raise self._database.damaged(error.message, _REMEDY) from None


def unreadable_judgments(database: Database) -> int:
    """Return the number of judgments in a store that are none, or of other texts than those of their hashes."""
    if not database.has_judgments:
        return 0
    rows = (row for part in database.stream(_ALL, _ROWS) for row in part)
    return sum(not _is_judgment(*row) for row in rows)


def _is_judgment(query_hash: object, document_hash: object, content: object) -> bool:
    if not all(isinstance(value, bytes) for value in (query_hash, document_hash, content)):
        return False
    try:
        judgment = judgment_of_line(content, "")  # type: ignore[arg-type]
    except DataFormatError:
        return False
    found = judgment.query_sha256, judgment.doc_sha256
    return found == (query_hash.hex(), document_hash.hex())  # type: ignore[attr-defined]


_ROWS = 10_000
"""Maximum number of judgments in memory."""
_REMEDY = (
    "judgments are also in the files of judgments: move the store away, or keep its scores with evalkit store export"
    " and evalkit store import"
)
_ALL = "SELECT query_hash, document_hash, content FROM judgments"
_KNOWN = """
SELECT document_hash, content FROM judgments JOIN judges USING (judge) WHERE identity = ? AND query_hash = ?
"""
_ADD = """
INSERT OR REPLACE INTO judgments (judge, query_hash, document_hash, content)
SELECT judge, ?1, ?2, ?3 FROM judges WHERE identity = ?4
"""
