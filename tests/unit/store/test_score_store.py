"""The score store as a thing of its own: what is kept, for whom, and since when."""

from __future__ import annotations

import hashlib
import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from evalkit.errors import StorageError
from evalkit.store import ScoreKey, ScoreStore
from evalkit.store.database import Database, Mode
from evalkit.store.exchange import export_scores, import_scores, open_export

DOCUMENTS = ("a", "b", "c", "d")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


def add(path: Path, asked: ScoreKey, value: float, model: str | None = None) -> None:
    """Keep one value for every document."""
    store = ScoreStore(path)
    with store.transaction():
        store.add_scores(asked, [value] * len(asked.documents), [None] * len(asked.documents), model)
    store.close()


def test_every_score_has_the_age_and_the_model_of_its_own_call(tmp_path: Path, clock: list[float]) -> None:
    """Half of a list asked again does not make the other half new."""
    path = tmp_path / "s.sqlite"
    add(path, ScoreKey("x", "q", DOCUMENTS, pointwise=True), 0.1, "m-1")
    clock[0] = 200.0
    add(path, ScoreKey("x", "q", DOCUMENTS[2:], pointwise=True), 0.2, "m-2")
    store = ScoreStore(path, "read")
    known = store.known(ScoreKey("x", "q", (*DOCUMENTS, "e"), pointwise=True))
    reported = [(one.score, one.stored_s, one.model) if one else None for one in known]
    assert reported == [(0.1, 100.0, "m-1")] * 2 + [(0.2, 200.0, "m-2")] * 2 + [None]
    store.close()


def test_a_score_is_known_by_backend_query_and_document(tmp_path: Path) -> None:
    """Nothing else finds it; the list counts where a reranker looks at it."""
    path = tmp_path / "s.sqlite"
    add(path, ScoreKey("x", "q", DOCUMENTS, pointwise=True), 0.1)
    add(path, ScoreKey("y", "q", DOCUMENTS, pointwise=False), 0.2)
    store = ScoreStore(path, "read")

    def hits(identity: str, query: str, documents: tuple[str, ...], *, pointwise: bool) -> int:
        return sum(
            one is not None for one in store.known(ScoreKey(identity, query, documents, pointwise=pointwise))
        )

    assert hits("x", "q", DOCUMENTS[::-1], pointwise=True) == 4
    assert hits("x", "other", DOCUMENTS, pointwise=True) == 0
    assert hits("z", "q", DOCUMENTS, pointwise=True) == 0
    assert hits("y", "q", DOCUMENTS, pointwise=False) == 4
    for other in (DOCUMENTS[::-1], DOCUMENTS[:3], (*DOCUMENTS[:3], "e")):
        assert hits("y", "q", other, pointwise=False) == 0
    store.close()


def test_a_document_twice_in_a_list_keeps_both_its_scores(tmp_path: Path) -> None:
    """A reranker that looks at the list may score one text differently in two places."""
    store = ScoreStore(tmp_path / "s.sqlite")
    asked = ScoreKey("x", "q", ("a", "b", "a"), pointwise=False)
    with store.transaction():
        store.add_scores(asked, [0.3, 0.2, 0.1], [1, 2, 3])
    assert [(one.score, one.list_rank) for one in store.known(asked) if one] == [(0.3, 1), (0.2, 2), (0.1, 3)]
    store.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Scores and the record of their call are there together or not at all."""
    store = ScoreStore(tmp_path / "s.sqlite")
    asked = ScoreKey("x", "q", DOCUMENTS, pointwise=True)

    def half() -> None:
        with store.transaction():
            store.add_scores(asked, [0.1] * 4, [None] * 4)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.known(asked) == [None] * 4
    store.close()


@pytest.mark.long
def test_many_processes_make_and_write_one_store(tmp_path: Path) -> None:
    """The first process makes the file; no one's scores are lost."""
    path = tmp_path / "s.sqlite"
    context = multiprocessing.get_context("spawn")
    asked = [ScoreKey(f"backend {i}", "q", DOCUMENTS, pointwise=True) for i in range(8)]
    workers = [context.Process(target=add, args=(path, one, 0.1 * i)) for i, one in enumerate(asked)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 8
    store = ScoreStore(path, "read")
    for i, one in enumerate(asked):
        assert [known.score for known in store.known(one) if known] == [0.1 * i] * 4
    store.close()


def test_another_program_s_database_is_left_as_it_is(tmp_path: Path) -> None:
    """A path that holds somebody else's tables is refused, and not written to."""
    path = tmp_path / "theirs.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE mine (x)")
    base.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="it is not a score store"):
        ScoreStore(path)
    assert path.read_bytes() == before


def older(path: Path) -> None:
    """Turn a store into one of schema version 2, which did not record sessions."""
    with sqlite3.connect(path) as base:
        base.execute("ALTER TABLE calls DROP COLUMN session")
        base.execute("UPDATE about SET value = '2' WHERE name = 'schema_version'")
    base.close()


@pytest.mark.parametrize("mode", ["read", "write", "create"])
def test_a_store_of_an_earlier_version_is_read_and_upgraded(tmp_path: Path, mode: Mode) -> None:
    """Its scores are known, their session is not. Reading changes nothing; writing records sessions from then on."""
    path, asked = tmp_path / "s.sqlite", ScoreKey("x", "q", DOCUMENTS, pointwise=True)
    add(path, asked, 0.1, "m")
    older(path)
    store = ScoreStore(path, mode)
    assert [(one.score, one.model, one.session) for one in store.known(asked) if one] == [
        (0.1, "m", None)
    ] * 4
    if mode != "read":
        with store.transaction():
            store.add_scores(asked, [0.2] * 4, [None] * 4, session="s")
        assert {one.session for one in store.known(asked) if one} == {"s"}
    store.close()
    reopened = ScoreStore(path, "read")
    assert len([one for one in reopened.known(asked) if one]) == 4
    reopened.close()


def test_an_imported_score_has_no_session(tmp_path: Path, clock: list[float]) -> None:
    """Also where a call of this store was made at the same time for the same model: the file proves nothing."""
    asked = ScoreKey('{"backend": "x"}', "q", DOCUMENTS[:2], pointwise=True)
    for name, session, documents in (("from", "a", DOCUMENTS), ("into", "b", DOCUMENTS[:2])):
        store = ScoreStore(tmp_path / name)
        with store.transaction():
            key = ScoreKey('{"backend": "x"}', "q", documents, pointwise=True)
            store.add_scores(key, [0.1] * len(documents), [None] * len(documents), "m", session)
        store.close()
    export_scores(Database(tmp_path / "from", "read"), tmp_path / "scores.parquet")
    with open_export(tmp_path / "scores.parquet") as file:
        assert import_scores(Database(tmp_path / "into", "write"), file) == (4, 2)
    store = ScoreStore(tmp_path / "into", "read")
    assert [one.session for one in store.known(asked) if one] == ["b", "b"]
    rest = store.known(ScoreKey('{"backend": "x"}', "q", DOCUMENTS[2:], pointwise=True))
    assert [(one.session, one.stored_s) for one in rest if one] == [(None, clock[0])] * 2
    store.close()


def test_an_instruction_is_part_of_the_key(tmp_path: Path) -> None:
    """A query has scores of its own under each instruction, and none of these is that of the joined text."""
    path = tmp_path / "s.sqlite"
    for pointwise in (True, False):
        keys = [
            ScoreKey("x", "battery", DOCUMENTS, pointwise),
            ScoreKey("x", "battery", DOCUMENTS, pointwise, "Only manuals."),
            ScoreKey("x", "battery", DOCUMENTS, pointwise, "Only reviews."),
            ScoreKey("x", "battery Only manuals.", DOCUMENTS, pointwise),
        ]
        for number, key in enumerate(keys):
            add(path, key, float(number))
        store = ScoreStore(path, "read")
        known = [{one.score for one in store.known(key) if one} for key in keys]
        assert known == [{0.0}, {1.0}, {2.0}, {3.0}]
        store.close()


def test_the_key_without_an_instruction_is_that_of_earlier_versions() -> None:
    """Scores of earlier versions are found: the hash of a query is that of its text alone."""
    earlier = hashlib.blake2b(b"battery", digest_size=16).digest()
    assert ScoreKey("x", "battery", DOCUMENTS, pointwise=True).query_hash() == earlier
