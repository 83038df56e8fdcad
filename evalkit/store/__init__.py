"""The score store: scores cached by content, reused by every experiment, in one SQLite file."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.store.backend_identity import identity_of, judge_identity, material_settings
    from evalkit.store.judgment_file import JudgmentFile
    from evalkit.store.judgment_store import JudgmentStore
    from evalkit.store.line_file import LineFile
    from evalkit.store.locking import lock_backends
    from evalkit.store.score_store import JournalEntry, ScoreKey, ScoreStore, StoredScore

__all__ = [
    "JournalEntry",
    "JudgmentFile",
    "JudgmentStore",
    "LineFile",
    "ScoreKey",
    "ScoreStore",
    "StoredScore",
    "identity_of",
    "judge_identity",
    "lock_backends",
    "material_settings",
]

__getattr__ = load_on_use(__name__)
