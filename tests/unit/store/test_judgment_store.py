"""Judgments in the store: kept for a judge and two texts, next to scores."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from evalkit.config import validate_block
from evalkit.config.judge_settings import JudgeSettings
from evalkit.errors import StorageError
from evalkit.records import Judgment, Rater, text_sha256
from evalkit.store import JudgmentStore, ScoreKey, ScoreStore, judge_identity
from evalkit.store.database import Database
from evalkit.store.upkeep import count_judgments, faults

RATER = Rater("model", "m", "p" * 64, "0-3", {"temperature": 0})
QUERY = text_sha256("query")


def one(text: str, grade: float | None = 2.5) -> Judgment:
    """Return a judgment of a document's text."""
    failure = None if grade is not None else "refusal: no"
    return Judgment(
        "q", text, grade, RATER, "2026-11-30T00:00:00+00:00", QUERY, text_sha256(text), "raw", 7, 0.5, failure
    )


def known(path: Path, identity: str = "i", query: str = QUERY) -> dict[str, Judgment]:
    """Return the stored judgments of a query."""
    store = JudgmentStore(path, "read")
    found = store.known(identity, query)
    store.close()
    return found


def test_a_judgment_is_found_by_judge_and_texts(tmp_path: Path) -> None:
    """It comes back as it was; another judge or query does not find it; a later one replaces it."""
    path = tmp_path / "s.sqlite"
    store = JudgmentStore(path)
    store.add("i", [one("a"), one("b", None)])
    assert store.known("i", QUERY) == {text_sha256("a"): one("a"), text_sha256("b"): one("b", None)}
    store.add("i", [one("b", 1)])
    store.close()
    assert known(path)[text_sha256("b")].grade == 1
    assert known(path, identity="j") == known(path, query=text_sha256("other")) == {}


def test_scores_and_judgments_share_a_file(tmp_path: Path) -> None:
    """A store of scores gets the tables when a judge writes; its scores stay, and both can be written after."""
    identity = '{"backend": "judge"}'
    path, key = tmp_path / "s.sqlite", ScoreKey('{"backend": "x"}', "q", ("a",), pointwise=True)
    scores = ScoreStore(path)
    with scores.transaction():
        scores.add_scores(key, [0.5], [None])
    scores.close()
    assert known(path) == {}
    store = JudgmentStore(path)
    store.add(identity, [one("a")])
    store.close()
    scores = ScoreStore(path)
    assert [found and found.score for found in scores.known(key)] == [0.5]
    scores.close()
    assert len(known(path, identity)) == 1
    base = Database(path, "read")
    assert count_judgments(base) == (1, 1)
    assert faults(base) == []
    base.close()


def test_two_stores_at_once_make_the_tables_once(tmp_path: Path) -> None:
    """The second finds what the first has made."""
    first, second = JudgmentStore(tmp_path / "s.sqlite"), JudgmentStore(tmp_path / "s.sqlite")
    first.add("i", [one("a")])
    second.add("i", [one("b")])
    assert len(first.known("i", QUERY)) == 2
    first.close()
    second.close()


@pytest.mark.parametrize("content", [b"no json", b'{"query_id": "q"}', b"[1]", None])
def test_a_damaged_judgment_is_never_used(tmp_path: Path, content: bytes | None) -> None:
    """It is an error that names the store: a wrong grade would be worse."""
    path = tmp_path / "s.sqlite"
    store = JudgmentStore(path)
    store.add("i", [one("a")])
    store.close()
    with sqlite3.connect(path) as base:
        changed = (
            content if content is not None else base.execute("SELECT content FROM judgments").fetchone()[0]
        )
        base.execute("UPDATE judgments SET content = ?, document_hash = ?", (changed, b"x" * 32))
    base.close()
    with pytest.raises(StorageError, match="is damaged"):
        known(path)


def test_what_decides_on_a_grade_decides_on_the_identity() -> None:
    """Scale, instruction, prompt and settings make another judge; the concurrency does not."""

    def identity(prompt: str | None = None, **settings: object) -> str:
        block = validate_block("judge backend", {"backend": "replay", "path": "q.txt", **settings})
        assert isinstance(block, JudgeSettings)
        return judge_identity(block, Rater("model", "m", prompt))

    assert identity() == identity(concurrency=7)
    others = [identity("p"), identity(instruction="x"), identity(scale=("a", "b")), identity(name="n")]
    assert len({identity(), *others}) == 5
