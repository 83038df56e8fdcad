"""What the score store costs beside a plain SQLite table, at a million pairs: ``make bench``.

Both commit once for each call of 100 pairs, with the same settings; the plain table holds query and
document ids as text with a score, and knows nothing of backends, hashes or lists.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from evalkit.store import ScoreKey, ScoreStore

CALLS, DOCUMENTS = 10_000, 100
IDENTITY = '{"backend": "bench"}'


def texts(call: int) -> tuple[str, ...]:
    """Return the documents of a call; every collection of 2,000 calls has its own."""
    return tuple(f"document {(call % 2000) * DOCUMENTS + i} of the bench" for i in range(DOCUMENTS))


def store_writes(path: Path) -> None:
    """Write through the store."""
    store = ScoreStore(path)
    scores, ranks = [0.5] * DOCUMENTS, list(range(1, DOCUMENTS + 1))
    for call in range(CALLS):
        with store.transaction():
            store.add_scores(ScoreKey(IDENTITY, f"query {call}", texts(call), pointwise=True), scores, ranks)
    store.close()


def store_reads(path: Path) -> None:
    """Read everything back through the store."""
    store = ScoreStore(path)
    for call in range(CALLS):
        known = store.known(ScoreKey(IDENTITY, f"query {call}", texts(call), pointwise=True))
        assert None not in known
    store.close()


def plain_writes(path: Path) -> None:
    """Write rows of text and numbers."""
    base = sqlite3.connect(path, isolation_level=None)
    base.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE scores (query TEXT, document TEXT, score REAL, PRIMARY KEY (query, document)) WITHOUT ROWID"
    )
    for call in range(CALLS):
        base.execute("BEGIN IMMEDIATE")
        base.executemany(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?)",
            [(f"query {call}", text, 0.5) for text in texts(call)],
        )
        base.execute("COMMIT")
    base.close()


def plain_reads(path: Path) -> None:
    """Read every query's rows back."""
    base = sqlite3.connect(path)
    for call in range(CALLS):
        rows = base.execute(
            "SELECT document, score FROM scores WHERE query = ?", [f"query {call}"]
        ).fetchall()
        stored = dict(rows)
        assert all(text in stored for text in texts(call))
    base.close()


def seconds(work: Callable[[Path], None], path: Path) -> float:
    """Return how long work takes."""
    start = time.perf_counter()
    work(path)
    return time.perf_counter() - start


def main() -> None:
    """Print one table."""
    pairs = CALLS * DOCUMENTS
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder) / "store.sqlite", Path(folder) / "plain.sqlite"
        times = {
            "write": (seconds(store_writes, ours), seconds(plain_writes, plain)),
            "read": (seconds(store_reads, ours), seconds(plain_reads, plain)),
        }
        sys.stdout.write(
            f"\n{pairs} pairs, {DOCUMENTS} a commit\n         store pairs/s  plain pairs/s  ratio\n"
        )
        for name, (own, other) in times.items():
            sys.stdout.write(f"{name:7}  {pairs / own:13.0f}  {pairs / other:13.0f}  {other / own:5.2f}\n")
        sizes = [file.stat().st_size / pairs for file in (ours, plain)]
        sys.stdout.write(f"bytes a pair: store {sizes[0]:.1f}, plain {sizes[1]:.1f}\n")


if __name__ == "__main__":
    main()
