"""The verbs of ``evalkit store`` with judgments in the store."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.command import evalkit
from support.judging import asked, judged, write_experiment

from evalkit.store.table_check import JUDGMENT_TABLES

pytestmark = pytest.mark.usefixtures("blank_plots")
PAIRS = 16
SCORES = 24


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with the scores of a run and the judgments of a judge."""
    write_experiment(tmp_path)
    for words in (("run", "c.yaml"), ("judge", "run", "c.yaml", "--judge", "noting")):
        done(*words, *stored_in(tmp_path / "s.sqlite"), cwd=tmp_path)
    return tmp_path / "s.sqlite"


def stored_in(store: Path) -> tuple[str, str]:
    """Return the words that set the store of a command."""
    return "--set", f"store.path={store}"


def done(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    ended = evalkit(*words, cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def change(store: Path, script: str) -> None:
    """Change a store as evalkit never does."""
    with closing(sqlite3.connect(store)) as base:
        base.executescript(script)


def test_size_and_verify_count_judgments(store: Path) -> None:
    """Next to the scores; a store without judgments says nothing of them."""
    text = f"{SCORES} scores, {PAIRS} judgments (judges: 1)"
    assert text in done("store", "size", store)
    assert f"{SCORES} scores of 1 backends, {PAIRS} judgments (judges: 1)" in done("store", "verify", store)


def test_prune_keeps_judgments_and_says_so(store: Path, tmp_path: Path) -> None:
    """Whatever is removed: a resumed judge asks for nothing, also where its file is deleted."""
    for words in (("--plan",), (), ("--before", "2100-01-01")):
        assert f"all {PAIRS} judgments are kept" in done("store", "prune", store, *words)
    assert f"0 scores, {PAIRS} judgments" in done("store", "size", store)
    shutil.rmtree(tmp_path / "judgments")
    said = done("judge", "run", "c.yaml", "--judge", "noting", *stored_in(store), cwd=tmp_path)
    assert f"0 graded, {PAIRS} from the store" in said
    assert set(asked(tmp_path).values()) == {1}


def test_an_export_says_that_judgments_are_not_part_of_it(store: Path, tmp_path: Path) -> None:
    """Its scores are imported into another store, also into one with judgments, which keeps them."""
    file = tmp_path / "x.parquet"
    said = done("store", "export", store, file)
    assert f"{SCORES} scores written" in said
    assert f"{PAIRS} judgments of the store are not part of {file}" in said
    assert f"{SCORES} of {SCORES} scores imported" in done("store", "import", tmp_path / "new.sqlite", file)
    assert "judgments" not in done("store", "size", tmp_path / "new.sqlite")
    done("store", "import", store, file)
    assert f"{SCORES} scores, {PAIRS} judgments" in done("store", "size", store)


def test_an_older_store_opens_and_gets_judgments(store: Path, tmp_path: Path) -> None:
    """A store of the version before judgments serves every command as it is, until a judge writes into it."""
    drop = "".join(f"DROP TABLE {name}; " for name in JUDGMENT_TABLES)
    change(store, drop)
    change(store, "UPDATE about SET value = '3' WHERE name = 'schema_version'")
    for words in (("size",), ("verify",), ("prune",)):
        assert "judgments" not in done("store", *words, store)
    (tmp_path / "judgments" / "many.noting.jsonl").unlink()
    done("judge", "run", "c.yaml", "--judge", "noting", *stored_in(store), cwd=tmp_path)
    assert len(judged(tmp_path)) == PAIRS
    assert f"{SCORES} scores, {PAIRS} judgments" in done("store", "size", store)


def test_a_store_with_judgments_serves_runs(store: Path, tmp_path: Path) -> None:
    """A run takes its scores from it and writes new ones; a check for drift reads it."""
    done("run", "c.yaml", *stored_in(store), "--set", "retriever.depth=5", cwd=tmp_path)
    done("store", "drift", "c.yaml", *stored_in(store), cwd=tmp_path)
    assert f"{PAIRS} judgments" in done("store", "verify", store)


DAMAGE = {
    "UPDATE judgments SET content = 'no blob'": f"{PAIRS} judgments that are unreadable or of other texts",
    "UPDATE judgments SET content = x'7b7d'": f"{PAIRS} judgments that are unreadable or of other texts",
    "UPDATE judgments SET content = zeroblob(1000)": f"{PAIRS} judgments that are unreadable",
    "UPDATE judgments SET document_hash = zeroblob(32) WHERE document_hash = (SELECT min(document_hash) FROM"
    " judgments)": "1 judgments that are unreadable or of other texts",
    "UPDATE judgments SET query_hash = 'thirty-two letters, not one more'": "judgments with an invalid hash",
    "UPDATE judges SET identity = '{'": "1 judges with an unreadable identity",
    "UPDATE judges SET identity = x'ff'": "1 judges with an unreadable identity",
    "DELETE FROM judges": f"{PAIRS} judgments of unknown judges",
}


@pytest.mark.attack("input", "SQLite with values that are none: judgments")
@pytest.mark.parametrize(("script", "said"), DAMAGE.items())
def test_damaged_judgments_are_found_and_never_used(
    store: Path, tmp_path: Path, script: str, said: str
) -> None:
    """`verify` names them; a judge is asked again or refuses the store, and no grade changes."""
    rows = sorted(judged(tmp_path), key=lambda row: (row["query_id"], row["doc_id"]))
    change(store, script)
    ended = evalkit("store", "verify", store)
    assert (ended.returncode, said in ended.stdout) == (3, True), ended.stdout
    for words in (("size", store), ("prune", store, "--plan"), ("export", store, tmp_path / "x.parquet")):
        done("store", *words)
    shutil.rmtree(tmp_path / "judgments")
    ended = evalkit("judge", "run", "c.yaml", "--judge", "noting", *stored_in(store), cwd=tmp_path)
    assert ended.returncode in {0, 3}
    if ended.returncode:
        assert "is damaged: a stored judgment" in ended.stderr
        assert "move the store away" in ended.stderr
        assert not judged(tmp_path)
        store.unlink()
        done("judge", "run", "c.yaml", "--judge", "noting", *stored_in(store), cwd=tmp_path)
    found = sorted(judged(tmp_path), key=lambda row: (row["query_id"], row["doc_id"]))
    assert [(row["doc_id"], row["grade"]) for row in found] == [(row["doc_id"], row["grade"]) for row in rows]
