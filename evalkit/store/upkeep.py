"""Maintain a store: list its content, check its integrity, remove scores; judgments are counted and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import orjson

from evalkit.errors import InputError
from evalkit.store.database import Database
from evalkit.store.judgment_store import unreadable_judgments
from evalkit.store.score_store import SESSION, session_entry
from evalkit.store.stored_values import (
    INCONSISTENCIES,
    JUDGMENT_INCONSISTENCIES,
    SESSIONS,
    find_wrong,
)

_UNUSED = {
    "queries": "DELETE FROM queries WHERE query NOT IN (SELECT query FROM scores)",
    "documents": "DELETE FROM documents WHERE document NOT IN (SELECT document FROM scores)",
    "calls": "DELETE FROM calls WHERE call NOT IN (SELECT call FROM scores)",
    "backends": "DELETE FROM backends WHERE backend NOT IN (SELECT backend FROM queries)",
}
"""Table -> the statement that deletes its unreferenced rows, in the order of execution."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A summary of the scores of one backend.

    Attributes
    ----------
    backend
        Number of the backend in this store.
    identity
        Every setting that can change a score, as JSON.
    queries, scores
        Number of queries and scores.
    oldest_s, newest_s
        When the first and the last score was stored, in seconds since 1970.
    models
        Models named in the backend's replies.
    """

    backend: int
    identity: str
    queries: int
    scores: int
    oldest_s: float
    newest_s: float
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, or would be removed.

    Attributes
    ----------
    scores
        Number of scores.
    journals
        Number of journals of unfinished runs whose result folders no longer exist, so that they cannot be resumed.
    moved
        Number of journals that are kept, though their result folders were not found: the folder that contained them is
        missing, too, so that they may have been renamed, or are on a disk that is not there.
    """

    scores: int
    journals: int
    moved: int = 0


def holdings(database: Database) -> list[Holding]:
    """Return a summary of the store's scores per backend.

    Raises
    ------
    StorageError
        If a value that is summarised cannot be one.
    """
    rows = database.rows(
        "SELECT b.backend, b.identity, count(DISTINCT q.query), count(*), min(c.stored_s), max(c.stored_s)"
        " FROM backends b JOIN queries q ON q.backend = b.backend JOIN scores s ON s.query = q.query"
        " JOIN calls c ON c.call = s.call GROUP BY b.backend ORDER BY b.backend"
    )
    named = database.rows(
        "SELECT DISTINCT q.backend, c.model FROM queries q JOIN scores s ON s.query = q.query"
        " JOIN calls c ON c.call = s.call WHERE c.model IS NOT NULL ORDER BY c.model"
    )
    models: dict[int, list[str]] = {}
    for backend, *_ in [*rows, *named]:
        if not isinstance(backend, int):
            raise database.damaged(f"backend {str(backend)[:40]!r}")
    for backend, identity, _, _, oldest_s, newest_s in rows:
        wrong = find_wrong({"identity": [identity], "stored_s": [oldest_s, newest_s]})
        if wrong is not None:
            raise database.damaged(f"backend {backend} has the {wrong}")
    for backend, model in named:
        wrong = find_wrong({"model": [model]})
        if wrong is not None:
            raise database.damaged(f"backend {backend} has the {wrong}")
        models.setdefault(backend, []).append(model)
    return [
        Holding(backend, identity, queries, scores, oldest_s, newest_s, tuple(models.get(backend, ())))
        for backend, identity, queries, scores, oldest_s, newest_s in rows
    ]


def count_judgments(database: Database) -> tuple[int, int]:
    """Return the number of judgments in a store, and of the judges that gave them."""
    if not database.has_judgments:
        return 0, 0
    ((judgments, judges),) = database.rows("SELECT count(*), count(DISTINCT judge) FROM judgments")
    return judgments, judges


def file_bytes(path: Path) -> int:
    """Return the size of a store in bytes, including SQLite's write-ahead log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.is_file())


def faults(database: Database) -> list[str]:
    """Return the inconsistencies of a store; an empty list if there are none."""
    damage = [line for (line,) in database.rows("PRAGMA integrity_check") if line != "ok"]
    if damage:
        return damage  # the tables of a damaged file cannot be queried reliably
    sessions = {"calls with an invalid session": SESSIONS} if database.has_sessions else {}
    judgments = JUDGMENT_INCONSISTENCIES if database.has_judgments else {}
    found = [
        f"{count} {name}"
        for name, sql in {**INCONSISTENCIES, **sessions, **judgments}.items()
        if (count := database.rows(sql)[0][0])
    ]
    unreadable = unreadable_judgments(database)
    return [*found, f"{unreadable} judgments that are unreadable or of other texts"] if unreadable else found


def prune(
    database: Database, before_s: float | None, backends: Sequence[int], *, plan: bool = False
) -> Pruned:
    """Remove scores and unreferenced rows, and shrink the file; return what was removed. Judgments are kept.

    Parameters
    ----------
    database
        The store.
    before_s
        Remove only scores stored before this time, in seconds since 1970; None for any age.
    backends
        Remove only scores of these backends; empty for all. With neither condition, no score is removed.
    plan
        Whether to only count, without removing anything.

    Raises
    ------
    InputError
        If there is no such backend.
    """
    where, values = _condition(database, before_s, backends)
    vanished_runs, moved = _runs_without_folder(database)
    if plan:
        ((scores,),) = database.rows(f"SELECT count(*) FROM scores WHERE {where}", values)  # noqa: S608 - a constant condition with placeholders
        return Pruned(scores, len(vanished_runs), moved)
    with database.transaction():
        scores = database.write(f"DELETE FROM scores WHERE {where}", values)  # noqa: S608 - a constant condition with placeholders
        database.write_many("DELETE FROM journal WHERE run = ?", [(run,) for run in vanished_runs])
        for sql in _UNUSED.values():
            database.write(sql)
    database.write("VACUUM")
    database.write("PRAGMA wal_checkpoint(TRUNCATE)")
    return Pruned(scores, len(vanished_runs), moved)


def _runs_without_folder(database: Database) -> tuple[list[str], int]:
    """Return the runs whose result folder no longer exists, and the number of those whose folder may have moved."""
    vanished, moved = [], 0
    for (run,) in database.rows("SELECT DISTINCT run FROM journal"):
        if not isinstance(run, str):  # a damaged entry, which no run can find
            vanished.append(run)
            continue
        known = database.rows("SELECT content FROM journal WHERE run = ? AND kind = ?", (run, SESSION))
        # Earlier versions used the path of the folder as the key of its run.
        folders = [session_entry(content)[1] for (content,) in known] if known else [run]
        paths = [Path(folder) for folder in folders if folder]
        # Moved together with the store.
        near = [database.path.absolute().parent / path.name for path in paths]
        if any(_holds(path, run if known else None) for path in (*paths, *near)):
            continue
        if any(path.parent.is_dir() for path in paths):
            vanished.append(run)
        else:
            moved += 1
    return vanished, moved


def _holds(folder: Path, session: str | None) -> bool:
    """Return whether a folder is that of the run with this first session; None if it has no id."""
    manifest = folder / "manifest.json"
    if session is None or not manifest.is_file():
        return session is None and folder.is_dir()
    try:
        return session in list(orjson.loads(manifest.read_bytes())["sessions"])
    except (OSError, ValueError, KeyError, TypeError):
        return True  # a damaged manifest proves nothing


def _condition(
    database: Database, before_s: float | None, backends: Sequence[int]
) -> tuple[str, list[float]]:
    """Return an SQL condition on scores, and the values of its placeholders."""
    numbers = {number for (number,) in database.rows("SELECT backend FROM backends")}
    for number in backends:
        if number not in numbers:
            raise InputError(
                f"the store has no backend {number}",
                f"list the numbers with: evalkit store size {quote(str(database.path))}",
            )
    parts: list[str] = []
    values: list[float] = []
    if before_s is not None:
        parts.append("call IN (SELECT call FROM calls WHERE stored_s < ?)")
        values.append(before_s)
    if backends:
        marks = ", ".join("?" * len(backends))
        parts.append(f"query IN (SELECT query FROM queries WHERE backend IN ({marks}))")  # noqa: S608 - placeholders
        values += backends
    return " AND ".join(parts) or "FALSE", values
