"""Check that a SQLite file has the tables of a score store and nothing else, before any of them is read.

A view, a virtual table or a trigger can have the name of a table and never end, or change what is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

TABLES = """
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
JUDGMENTS = """
CREATE TABLE judges (judge INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE judgments (
    judge INTEGER NOT NULL, query_hash BLOB NOT NULL, document_hash BLOB NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (judge, query_hash, document_hash)) WITHOUT ROWID
"""
"""The tables of judgments, which a store has once a judge graded."""
_WITHOUT_SESSION = "CREATE TABLE calls (call INTEGER PRIMARY KEY, stored_s REAL NOT NULL, model TEXT)"
_OF_SQLITE = ("sqlite_stat1", "sqlite_stat4")
"""Tables that ANALYZE makes."""


def check_tables(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Check that the tables of these names are ours, and with ``about`` alone: that there is a table of this name.

    Raises
    ------
    sqlite3.DatabaseError
        If they are not.
    """
    known = _known()
    found = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    ours = {name for kind, name, sql in found if kind == "table" and _words(sql) in known.get(name, ())}
    for name in names:
        if name not in ours:
            raise sqlite3.DatabaseError(
                f"it is not a score store: it has no table {name!r} as evalkit makes it"
            )


def check_others(connection: sqlite3.Connection) -> None:
    """Check that there is nothing but the tables of a store and their own indexes.

    Raises
    ------
    sqlite3.DatabaseError
        If there is.
    """
    known = _known()
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        own_index = kind == "index" and sql is None
        if not own_index and (kind != "table" or name not in {*known, *_OF_SQLITE}):
            raise sqlite3.DatabaseError(f"it is not a score store: it has the {kind} {str(name)[:80]!r}")


def _known() -> dict[str, set[str]]:
    """Return table -> the statements that create it, in this version and in earlier ones."""
    statements = [
        _words(statement) for statement in (*TABLES.split(";"), _WITHOUT_SESSION, *JUDGMENTS.split(";"))
    ]
    known: dict[str, set[str]] = {}
    for statement in statements:
        known.setdefault(statement.split()[2].partition("(")[0], set()).add(statement)
    return known


def _words(sql: object) -> str:
    return " ".join(str(sql).split())


JUDGMENT_TABLES = ("judges", "judgments")
ALL_TABLES = tuple(name for name in _known() if name not in JUDGMENT_TABLES)
"""Names of the tables of every store."""
