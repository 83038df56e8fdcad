"""Scores that were paid for once: kept by content, found again by any experiment."""

from evalkit.store.backend_identity import identity_of
from evalkit.store.locking import turn
from evalkit.store.score_store import Asked, JournalEntry, Known, ScoreStore

__all__ = [
    "Asked",
    "JournalEntry",
    "Known",
    "ScoreStore",
    "identity_of",
    "turn",
]
