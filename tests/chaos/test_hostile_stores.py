"""Score stores and exports of strangers: every content is used, or refused by name; no score that is none is used."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.command import evalkit

from evalkit.errors import StorageError
from evalkit.store import ScoreKey, ScoreStore

pytestmark = pytest.mark.long
DOCUMENTS = ("a", "b", "c")
KEY = ScoreKey('{"backend": "x", "model": "m"}', "q", DOCUMENTS, pointwise=True)
ENDLESS = "WITH RECURSIVE n(name, value) AS (SELECT 1, 2 UNION ALL SELECT name + 1, 2 FROM n) SELECT * FROM n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with three scores of one call, and the journal of a run."""
    path = tmp_path / "s.sqlite"
    opened = ScoreStore(path)
    with opened.transaction():
        opened.add_scores(KEY, [0.1, 0.2, 0.3], [1, 2, None], "m")
    opened.close()
    return path


def change(path: Path, script: str) -> None:
    """Execute statements on a store."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA writable_schema = ON")
    base.executescript(script)
    base.close()


def refused(*words: str | Path) -> str:
    """Run a command that must exit with 3 and one line of error; return that line."""
    done = evalkit("store", *words)
    assert done.returncode == 3, (words, done.stdout, done.stderr)
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    return line


@pytest.mark.attack("input", "SQLite with other tables: views, triggers, missing or empty ones")
@pytest.mark.parametrize(
    "script",
    [
        "DELETE FROM about",
        "DROP TABLE about; CREATE VIEW about AS SELECT 'schema_version' AS name, '3' AS value",
        f"DROP TABLE about; CREATE VIEW about AS {ENDLESS}",
        f"DROP TABLE scores; CREATE VIEW scores AS {ENDLESS}",
        f"CREATE VIEW more AS {ENDLESS}",
        "CREATE TRIGGER t AFTER INSERT ON scores BEGIN UPDATE scores SET score = 999; END",
        "CREATE INDEX i ON scores (abs(score))",
        "DROP TABLE calls",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
        "ALTER TABLE scores ADD COLUMN more AS (score * 2)",
        "DROP TABLE journal; CREATE TABLE journal (entry, run, kind, content, CHECK (length(run) > 0))",
    ],
)
def test_a_file_with_other_tables_is_no_score_store(store: Path, tmp_path: Path, script: str) -> None:
    """It is refused before anything in it runs, whatever is asked of it."""
    change(store, script)
    for words in (
        ("size", store),
        ("verify", store),
        ("prune", store),
        ("export", store, tmp_path / "x.parquet"),
    ):
        assert "it is not a score store" in refused(*words)


DAMAGE = {
    "UPDATE scores SET score = 'abc'": "scores that are not finite",
    "UPDATE scores SET score = 9e999 WHERE document = 2": "scores that are not finite",
    "UPDATE scores SET list_rank = 9223372036854775807": "invalid list rank",
    "UPDATE scores SET list_rank = 0": "invalid list rank",
    "UPDATE scores SET list_rank = 'x'": "invalid list rank",
    "UPDATE calls SET model = x'ff00'": "invalid model",
    "UPDATE calls SET model = hex(zeroblob(10000))": "invalid model",
    "UPDATE calls SET session = x'00'": "invalid session",
    "UPDATE calls SET stored_s = 'x'": "invalid time",
    "UPDATE calls SET stored_s = -1": "invalid time",
    "UPDATE calls SET stored_s = 9e999": "invalid time",
    "UPDATE calls SET stored_s = 1e308": "invalid time",
    "UPDATE backends SET identity = '{'": "unreadable identity",
    "UPDATE backends SET identity = '[]'": "unreadable identity",
    "UPDATE backends SET identity = '{\"backend\": 5}'": "unreadable identity",
    "UPDATE backends SET identity = x'ff'": "unreadable identity",
    "UPDATE documents SET text_hash = 'sixteen letters.' WHERE document = 1": "invalid hash",
    "INSERT INTO journal (run, kind, content) VALUES (x'00', 'call', 'x')": "journal entries",
}


@pytest.mark.attack("input", "SQLite with values that are none: text scores, infinite times, blobs as names")
@pytest.mark.parametrize(("script", "said"), DAMAGE.items())
def test_values_that_are_none_are_found(store: Path, tmp_path: Path, script: str, said: str) -> None:
    """`verify` names them; the other commands name them or go on, and `prune` can remove them."""
    change(store, script)
    done = evalkit("store", "verify", store)
    assert (done.returncode, said in done.stdout) == (3, True), done.stdout
    for words in (("size", store), ("size", store, "--json"), ("export", store, tmp_path / "x.parquet")):
        assert evalkit("store", *words).returncode in {0, 3}
    assert evalkit("store", "prune", store, "--plan").returncode == 0
    assert evalkit("store", "prune", store, "--backend", "1").returncode == 0
    assert evalkit("store", "verify", store).returncode == 0


@pytest.mark.attack("input", "SQLite with values that are none: used as a score")
@pytest.mark.parametrize(
    "script", [one for one in DAMAGE if one.startswith(("UPDATE scores", "UPDATE calls"))]
)
def test_a_score_that_is_none_is_never_used(store: Path, script: str) -> None:
    """A lookup refuses the store, and says how to find the damage."""
    change(store, script)
    opened = ScoreStore(store, "read")
    with pytest.raises(StorageError, match="is damaged: a stored score has the") as caught:
        opened.known(KEY)
    assert "evalkit store verify" in str(caught.value.hint)
    opened.close()


def replaced(table: pa.Table, name: str, value: Any) -> pa.Table:
    """Return an export whose last row has another value in a column."""
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    values = [*table[name].to_pylist()[:-1], value]
    return table.set_column(place, field, pa.array(values, type=field.type))


@pytest.mark.attack("input", "store export with impossible times, names, hashes and identities")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stored_s", float("inf")), ("stored_s", float("nan")), ("stored_s", 1e308), ("stored_s", -1e18),
        ("stored_s", 4e9), ("stored_s", None), ("identity", "[]"), ("identity", "{"),
        ("identity", "{}"), ("identity", None), ("list_rank", 0), ("list_rank", -5), ("score", float("nan")),
        ("score", None), ("query_hash", b"x"), ("document_hash", b""), ("list_hash", b"x" * 17), ("list_hash", None),
        ("model", "x" * 20_000),
    ],
)  # fmt: skip
def test_an_export_is_taken_in_whole_or_not_at_all(
    store: Path, tmp_path: Path, name: str, value: Any
) -> None:
    """The message has the row and the column, and the store is as it was."""
    good, bad, new = tmp_path / "good.parquet", tmp_path / "bad.parquet", tmp_path / "new.sqlite"
    assert evalkit("store", "export", store, good).returncode == 0
    parquet.write_table(replaced(parquet.read_table(good), name, value), bad)
    done = evalkit("store", "import", new, bad)
    assert (done.returncode, f"row 3 is no score: its {name}" in done.stderr) == (2, True), done.stderr
    assert "intact: 0 scores of 0 backends" in evalkit("store", "verify", new).stdout
