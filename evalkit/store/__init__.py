"""Scores that were paid for once: kept by content, found again by any experiment."""

from evalkit.store.database import JournalEntry, Known, ScoreStore
from evalkit.store.identity import identity_of

__all__ = ["JournalEntry", "Known", "ScoreStore", "identity_of"]
