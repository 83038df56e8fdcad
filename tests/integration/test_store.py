"""The verbs of ``evalkit store``, and what is said of stores that cannot be used."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import Counting, run, visible, write_collection, write_config
from support.command import evalkit, only_folder, start_evalkit
from support.faulty import reply_of
from support.limits import without_privilege
from support.stand_in import stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a collection of eight queries with six candidates each."""
    return write_collection(tmp_path / "small", 8)


@pytest.fixture(scope="module")
def two_backends(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the parent of results, with a store of two backends; made once, for `filled` to copy."""
    folder = tmp_path_factory.mktemp("filled")
    small = write_collection(folder / "small", 8)
    with stand_in(Counting()) as url:
        for more in ("", ", options: {instruction: other}"):
            run(write_config(folder / "c.yaml", small, url, more), folder / "results")
    return folder / "results"


@pytest.fixture
def filled(tmp_path: Path, two_backends: Path) -> Path:
    """Return the parent of results, with a store of two backends, for one test alone."""
    return shutil.copytree(two_backends, tmp_path / "results")


def done(*words: str | Path) -> str:
    """Run a command that must succeed; return what it printed."""
    said = evalkit(*words)
    assert said.returncode == 0, said.stderr
    return said.stdout


def held(store: Path) -> list[dict[str, Any]]:
    """Return what a store holds."""
    return list(orjson.loads(done("store", "size", store, "--json")))


def test_a_store_says_what_it_holds(filled: Path) -> None:
    """Backend by backend, with all settings that count, and no text of any document."""
    first, second = held(filled)
    assert (first["queries"], first["scores"], second["scores"]) == (8, 48, 48)
    assert second["settings"]["options"] == {"instruction": "other"}
    assert "timeout_s" not in first["settings"]
    assert first["models"] == ["m"]
    table = done("store", "size", filled / "scores.sqlite")
    assert "total: 96 scores" in table
    assert b"topic" not in (filled / "scores.sqlite").read_bytes()


def test_what_is_pruned_is_asked_for_again_and_nothing_else(
    tmp_path: Path, small: Path, filled: Path
) -> None:
    """By backend, by age, or only what nothing needs."""
    store = filled / "scores.sqlite"
    assert "0 scores and the journals of 0 deleted runs would be" in done("store", "prune", store, "--plan")
    assert "48 scores" in done("store", "prune", store, "--plan", "--backend", "2")
    assert "removed 0 scores" in done("store", "prune", store, "--before", "2020-01-01")
    assert "removed 48 scores" in done("store", "prune", store, "--backend", "2", "--before", "2100-01-01")
    assert [row["backend"] for row in held(filled)] == [1]
    done("store", "verify", filled)
    server = Counting()
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        text = config.read_text(encoding="utf-8")
        known = held(filled)[0]["settings"]["url"]
        config.write_text(text.replace(url, known), encoding="utf-8")
        run(config, filled)
        assert server.calls == 0
    wrong = evalkit("store", "prune", store, "--backend", "7")
    assert (wrong.returncode, "has no backend 7" in wrong.stderr) == (2, True)


def test_notes_of_a_run_go_with_its_folder(tmp_path: Path, small: Path) -> None:
    """An unfinished run can be taken up until its folder is removed; then prune forgets it."""

    def refusing(body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        refused = body["query"] == "topic5" and len(body["documents"]) > 1
        return (400, b"{}") if refused else (200, orjson.dumps(reply_of(body)))

    results = tmp_path / "results"
    with stand_in(refusing) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        assert evalkit("run", config, "--into", results).returncode == 3
    assert "journals of 0" in done("store", "prune", results)
    shutil.rmtree(only_folder(results))
    assert "removed 0 scores and the journals of 1 deleted runs" in done("store", "prune", results)


def test_scores_move_from_store_to_store(tmp_path: Path, filled: Path) -> None:
    """What is exported and imported is the same; a later score replaces an earlier one, never the reverse."""
    file, other = tmp_path / "out.parquet", tmp_path / "other" / "scores.sqlite"
    done("store", "export", filled, file)
    table = pd.read_parquet(file)
    assert len(table) == 96
    assert "96 of 96 scores imported" in done("store", "import", other, file)
    assert "0 of 96 scores imported" in done("store", "import", other, file)
    done("store", "verify", other)
    second = tmp_path / "again.parquet"
    done("store", "export", other, second)
    keys = ["identity", "query_hash", "document_hash"]
    pd.testing.assert_frame_equal(
        pd.read_parquet(second).sort_values(keys, ignore_index=True),
        table.sort_values(keys, ignore_index=True),
    )
    shifts = [3600.0] * 10 + [-3600.0] * 86
    pd.DataFrame({**table, "score": table["score"] + 1, "stored_s": table["stored_s"] + shifts}).to_parquet(
        tmp_path / "changed.parquet", index=False, schema=parquet_schema(file)
    )
    assert "10 of 96 scores imported" in done("store", "import", other, tmp_path / "changed.parquet")
    refused = evalkit("store", "export", filled, file)
    assert (refused.returncode, "exists already" in refused.stderr) == (2, True)


def parquet_schema(file: Path) -> Any:
    """Return the schema of a file."""
    from pyarrow import parquet

    return parquet.read_schema(file).remove_metadata()


@pytest.mark.parametrize(
    "how", ["text", "truncated", "other columns", "infinite", "short hash", "no identity"]
)
def test_a_bad_export_changes_nothing(tmp_path: Path, filled: Path, how: str) -> None:
    """It is refused in one line, and the store holds what it held."""
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    done("store", "export", filled, good)
    table, schema = pd.read_parquet(good), parquet_schema(good)
    if how == "text":
        bad.write_text("scores", encoding="utf-8")
    elif how == "truncated":
        bad.write_bytes(good.read_bytes()[:-100])
    elif how == "other columns":
        table.rename(columns={"score": "value"}).to_parquet(bad, index=False)
    else:
        column, value = {"infinite": ("score", float("inf")), "short hash": ("query_hash", b"x"),
                         "no identity": ("identity", "{")}[how]  # fmt: skip
        table[column] = [*table[column][:-1], value]
        table.to_parquet(bad, index=False, schema=schema)
    new = tmp_path / "new.sqlite"
    before = held(filled)
    for store in (filled, new):
        said = evalkit("store", "import", store, bad)
        assert said.returncode == 2
        assert said.stderr.startswith("error: ")
        assert "Traceback" not in said.stderr
    assert held(filled) == before
    assert not new.is_file() or held(new) == []


def test_damage_is_found(tmp_path: Path, filled: Path) -> None:
    """A store whose pages or contents are damaged is reported, and exits with 3."""
    import sqlite3

    store = filled / "scores.sqlite"
    assert "is intact: 96 scores of 2 backends" in done("store", "verify", store)
    torn = tmp_path / "torn.sqlite"
    raw = bytearray(store.read_bytes())
    raw[8192:12288] = os.urandom(4096)
    torn.write_bytes(raw)
    for damage in ("DELETE FROM backends WHERE backend = 1", "UPDATE scores SET score = 9e999 WHERE document = 3",
                   "DELETE FROM calls", "UPDATE documents SET text_hash = 'x' WHERE document = 1"):  # fmt: skip
        wrong = tmp_path / "wrong.sqlite"
        wrong.write_bytes(store.read_bytes())
        with sqlite3.connect(wrong) as base:
            base.execute(damage)
        base.close()
        said = evalkit("store", "verify", wrong)
        assert (said.returncode, "kinds of damage" in said.stderr) == (3, True), damage
    said = evalkit("store", "verify", torn)
    assert said.returncode == 3
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("verb", ["size", "prune", "export", "verify"])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, verb: str) -> None:
    """Looking at nothing is a mistake, and leaves nothing behind."""
    more = [tmp_path / "out.parquet"] if verb == "export" else []
    said = evalkit("store", verb, tmp_path / "none.sqlite", *more)
    assert (said.returncode, "score store not found" in said.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_read_only_is_reported_before_anything_is_asked(tmp_path: Path, small: Path) -> None:
    """One clear line, exit 3, no call; looking at it still works."""
    server, results = Counting(), tmp_path / "results"
    store = tmp_path / "kept" / "s.sqlite"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, rest=f"store: {{path: {store}}}\n")
        run(config, results)
        calls = server.calls
        modes = {path: path.stat().st_mode for path in (store, store.parent)}
        store.chmod(stat.S_IRUSR)
        store.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
        try:
            process = start_evalkit("run", config, "--into", results, preexec_fn=without_privilege)
            _, said = process.communicate(timeout=120)
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
        if process.returncode == 99:
            pytest.skip("this system does not let a process give up its privileges")
        assert process.returncode == 3
        assert said.startswith("error: the score store")
        assert server.calls == calls
        assert len(visible(results)) == 1


class Changing(Counting):
    """A server whose model changes: scores and name."""

    def __init__(self) -> None:
        super().__init__()
        self.shift, self.noise, self.name = 0.0, 0.0, "m-2026-01-01"

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer as today's model."""
        status, raw = super().__call__(body, headers)
        reply = orjson.loads(raw)
        for one in reply["results"]:
            one["relevance_score"] += self.shift * one["index"] + self.noise * (self.calls % 2)
        return status, orjson.dumps({**reply, "model": self.name})


@pytest.mark.parametrize("more", ["", ", pointwise: false"])
def test_drift_is_not_taken_for_noise(tmp_path: Path, small: Path, more: str) -> None:
    """A sample asked again, twice: the same, changed, or never the same; nothing of it is stored."""
    server, results = Changing(), tmp_path / "results"

    def verdict(code: int) -> str:
        said = evalkit("store", "drift", config, "--into", results, "--json")
        assert said.returncode == code, said.stderr
        ((row),) = orjson.loads(said.stdout)
        return str(row["verdict"])

    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url, more)
        assert verdict(0) == "not testable"
        assert server.calls == 0
        run(config, results)
        asked = server.calls
        assert verdict(0) == "holds"
        assert server.calls == asked + 12
        server.noise = 1e-6
        assert verdict(0) == "holds"
        server.noise = 0.5
        assert verdict(0) == "unstable"
        server.noise, server.shift = 0.0, 0.1
        assert verdict(3) == "drifted"
        assert sum(row["scores"] for row in held(results)) == 48


def test_reused_scores_are_reported_with_their_age_their_model_and_what_moves(
    tmp_path: Path, small: Path
) -> None:
    """A name that moves, old scores, and a server that now says it is another model."""
    server, results = Changing(), tmp_path / "results"
    server.name = "m-latest"
    with stand_in(server) as url:
        config = write_config(tmp_path / "c.yaml", small, url)
        config.write_text(
            config.read_text(encoding="utf-8").replace("model: m,", "model: m-latest,"), encoding="utf-8"
        )
        first = run(config, results, "--set", "retriever.depth=4", "--set", "depths=[4]")
        server.name = "m-latest-2026-06-01"
        second = run(config, results)
    assert "the name 'm-latest' moves (latest)" in first
    assert "reused 32 cached scores for api (oldest: " in second
    mixed = "cached scores of api come from model m-latest, new ones from m-latest-2026-06-01."
    assert mixed in " ".join(second.split())


@pytest.mark.long
def test_experiments_with_different_backends_share_a_store_at_the_same_time(
    tmp_path: Path, small: Path
) -> None:
    """No one waits for whom he cannot pay twice with."""
    import threading

    together = threading.Barrier(2, timeout=60)
    server = Counting()

    def answer(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if body["query"] == "topic3" and len(body["documents"]) > 1:
            together.wait()  # breaks unless both experiments are under way
        return server(body, headers)

    with stand_in(answer) as url:
        rest = f"store: {{path: {tmp_path / 'shared.sqlite'}}}\n"
        configs = [
            write_config(tmp_path / f"{i}.yaml", small, url, f", options: {{instruction: n{i}}}", rest)
            for i in (0, 1)
        ]
        processes = [start_evalkit("run", config, "--into", tmp_path / config.stem) for config in configs]
        ended = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], ended
    assert [row["scores"] for row in held(tmp_path / "shared.sqlite")] == [48, 48]
