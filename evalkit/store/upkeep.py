"""Keeping a store in order: what it holds, whether it is whole, what may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import InputError
from evalkit.store.database import Database

_FAULTS = {
    "scores of unknown queries": "SELECT count(*) FROM scores WHERE query NOT IN (SELECT query FROM queries)",
    "scores of unknown documents": "SELECT count(*) FROM scores"
    " WHERE document NOT IN (SELECT document FROM documents)",
    "scores of unknown calls": "SELECT count(*) FROM scores WHERE call NOT IN (SELECT call FROM calls)",
    "scores that are not finite": "SELECT count(*) FROM scores WHERE typeof(score) != 'real' OR abs(score) = 9e999",
    "queries of unknown backends": "SELECT count(*) FROM queries"
    " WHERE backend NOT IN (SELECT backend FROM backends)",
    "queries without a proper hash": "SELECT count(*) FROM queries"
    " WHERE length(text_hash) != 16 OR length(list_hash) NOT IN (0, 16)",
    "documents without a proper hash": "SELECT count(*) FROM documents WHERE length(text_hash) != 16",
    "backends without a readable identity": "SELECT count(*) FROM backends WHERE NOT json_valid(identity)",
}
"""What must not be -> a query that counts it."""

_UNUSED = {
    "queries": "DELETE FROM queries WHERE query NOT IN (SELECT query FROM scores)",
    "documents": "DELETE FROM documents WHERE document NOT IN (SELECT document FROM scores)",
    "calls": "DELETE FROM calls WHERE call NOT IN (SELECT call FROM scores)",
    "backends": "DELETE FROM backends WHERE backend NOT IN (SELECT backend FROM queries)",
}
"""Table -> what removes those of its rows that nothing refers to, in this order."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a store holds of one backend.

    Attributes
    ----------
    backend
        Its number in this store.
    identity
        Every setting that can change a score, as JSON.
    queries, scores
        How many.
    oldest_s, newest_s
        When the first and the last of the scores were stored, in seconds since 1970.
    models
        What the backend called its model.
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
    """What was removed, or would be.

    Attributes
    ----------
    scores
        Those that were asked for.
    journals
        Notes of unfinished runs whose result folders are gone: nobody will take them up.
    """

    scores: int
    journals: int


def holdings(base: Database) -> list[Holding]:
    """Return what a store holds, backend by backend."""
    rows = base.rows(
        "SELECT b.backend, b.identity, count(DISTINCT q.query), count(*), min(c.stored_s), max(c.stored_s)"
        " FROM backends b JOIN queries q ON q.backend = b.backend JOIN scores s ON s.query = q.query"
        " JOIN calls c ON c.call = s.call GROUP BY b.backend ORDER BY b.backend"
    )
    named = base.rows(
        "SELECT DISTINCT q.backend, c.model FROM queries q JOIN scores s ON s.query = q.query"
        " JOIN calls c ON c.call = s.call WHERE c.model IS NOT NULL ORDER BY c.model"
    )
    models: dict[int, list[str]] = {}
    for backend, model in named:
        models.setdefault(backend, []).append(model)
    return [
        Holding(backend, identity, queries, scores, oldest_s, newest_s, tuple(models.get(backend, ())))
        for backend, identity, queries, scores, oldest_s, newest_s in rows
    ]


def file_bytes(path: Path) -> int:
    """Return the size of a store with what SQLite keeps beside it."""
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in beside if file.is_file())


def faults(base: Database) -> list[str]:
    """Return everything that is wrong with a store; nothing where it is whole."""
    said = [line for (line,) in base.rows("PRAGMA integrity_check") if line != "ok"]
    if said:
        return said  # its tables cannot be trusted to be read
    return [f"{count} {name}" for name, sql in _FAULTS.items() if (count := base.rows(sql)[0][0])]


def prune(base: Database, before_s: float | None, backends: Sequence[int], *, plan: bool = False) -> Pruned:
    """Remove scores, and whatever nothing refers to any more; give the space back.

    Parameters
    ----------
    base
        The store.
    before_s
        Only scores stored before that, in seconds since 1970; None for any age.
    backends
        Only scores of these; empty for all. With neither, no score is removed.
    plan
        Whether to count alone.

    Raises
    ------
    InputError
        If there is no such backend.
    """
    where, values = _chosen(base, before_s, backends)
    gone = [run for (run,) in base.rows("SELECT DISTINCT run FROM journal") if not Path(run).is_dir()]
    if plan:
        ((scores,),) = base.rows(f"SELECT count(*) FROM scores WHERE {where}", values)  # noqa: S608 - our own words
        return Pruned(scores, len(gone))
    with base.transaction():
        scores = base.write(f"DELETE FROM scores WHERE {where}", values)  # noqa: S608 - our own words
        base.write_many("DELETE FROM journal WHERE run = ?", [(run,) for run in gone])
        for sql in _UNUSED.values():
            base.write(sql)
    base.write("VACUUM")
    base.write("PRAGMA wal_checkpoint(TRUNCATE)")
    return Pruned(scores, len(gone))


def _chosen(base: Database, before_s: float | None, backends: Sequence[int]) -> tuple[str, list[float]]:
    """Return a condition on scores and its values."""
    known = {number for (number,) in base.rows("SELECT backend FROM backends")}
    for number in backends:
        if number not in known:
            raise InputError(
                f"the store has no backend {number}",
                f"see their numbers with: evalkit store size {base.path}",
            )
    parts: list[str] = []
    values: list[float] = []
    if before_s is not None:
        parts.append("call IN (SELECT call FROM calls WHERE stored_s < ?)")
        values.append(before_s)
    if backends:
        marks = ", ".join("?" * len(backends))
        parts.append(f"query IN (SELECT query FROM queries WHERE backend IN ({marks}))")  # noqa: S608 - marks
        values += backends
    return " AND ".join(parts) or "FALSE", values
