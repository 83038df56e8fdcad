"""Result folders and baselines of strangers: whatever they contain, a command ends, and names what is wrong."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pytest
from pyarrow import parquet
from support.api_runs import write_collection
from support.checked import Backend
from support.command import evalkit
from support.finished import edit_json, finished, lifted
from support.fuzzed_results import change_one

from evalkit.workflows.baseline import save_baseline

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]
LATENCY = {"batch_sizes": [3], "calls": 30, "warmup": 1}
MOST_S = 60
FUZZED = int(os.environ.get("EVALKIT_FUZZED_RESULTS", "25"))
"""Changed folders; more in the environment variable."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a folder with a result of two rerankers and a run of another engine, and with a baseline of it."""
    folder = tmp_path_factory.mktemp("strangers")
    write_collection(folder / "small", 12)
    rows = [f"q{q} Q0 d{q}.{i} {i + 1} {10 - i} other" for q in range(12) for i in range(4)]
    (folder / "other.run").write_text("\n".join(rows) + "\n", encoding="utf-8")
    backends = {"one": Backend(lifted(0.5)), "listy": Backend(lifted(1.0), pointwise=False)}
    runs = {"other": {"path": str(folder / "other.run")}}
    found = finished(folder / "small", folder / "out", backends, depths=[4, 6], latency=LATENCY, runs=runs)
    shutil.copytree(found, folder / "result")
    save_baseline(found, "b", folder / "baselines")
    return folder


@pytest.fixture
def result(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the result."""
    return Path(shutil.copytree(made / "result", tmp_path / "result"))


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Fail if the block takes longer: what never ends would otherwise never fail."""

    def stop(*_: Any) -> None:
        raise AssertionError(f"it did not end within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def commands(changed: Path, whole: Path) -> dict[str, tuple[str | Path, ...]]:
    """Return the commands that read a result."""
    return {
        "report": ("report", changed),
        "compare": ("compare", changed),
        "leaderboard": ("leaderboard", changed, whole),
        "gate": ("gate", changed, "--against", whole),
        "against": ("gate", whole, "--against", changed),
        "diff": ("diff", changed, whole),
        "tune": ("tune", "all", changed),
        "baseline": ("baseline", "save", changed, "n", "--into", changed.with_name("saved")),
    }


def text_of(name: str, before: str, after: str) -> Callable[[Path], None]:
    """Return a function that replaces text in a file."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert before in text
        (folder / name).write_text(text.replace(before, after), encoding="utf-8")

    return change


def key_of(name: str, changes: Mapping[str, Any]) -> Callable[[Path], None]:
    """Return a function that sets keys of a JSON file."""
    return lambda folder: edit_json(folder / name, lambda data: data.update(changes))


def column_of(name: str, column: str, make: Callable[[int], pa.Array | None]) -> Callable[[Path], None]:
    """Return a function that replaces a column of a table, or drops it."""

    def change(folder: Path) -> None:
        table = parquet.read_table(folder / name)
        place, values = table.column_names.index(column), make(len(table))
        table = table.remove_column(place)
        parquet.write_table(
            table if values is None else table.add_column(place, column, values), folder / name
        )

    return change


def file_of(name: str, text: str) -> Callable[[Path], None]:
    """Return a function that writes a file."""

    def change(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return change


def pipe(name: str) -> Callable[[Path], None]:
    """Return a function that puts a pipe in the place of a file: reading it would wait for a writer."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def nested(levels: int) -> Any:
    """Return a list in a list, and so on."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def torn(folder: Path) -> None:
    """Cut the end of the scores."""
    content = (folder / "scores.parquet").read_bytes()
    (folder / "scores.parquet").write_bytes(content[:-30])


def twice(folder: Path) -> None:
    """Write every score twice."""
    table = parquet.read_table(folder / "scores.parquet")
    parquet.write_table(pa.concat_tables([table, table]), folder / "scores.parquet")


def part_of_scores(rows: int) -> Callable[[Path], None]:
    """Return a function that keeps the first rows of the scores."""

    def change(folder: Path) -> None:
        table = parquet.read_table(folder / "scores.parquet")
        if rows < 0:
            last = table["query_id"][len(table) - 1].as_py()
            table = table.filter(pa.compute.not_equal(table["query_id"], last))
        else:
            table = table.slice(0, rows)
        parquet.write_table(table, folder / "scores.parquet")

    return change


config = partial(text_of, "config.resolved.yaml")
manifest = partial(key_of, "manifest.json")
scores, calls = partial(column_of, "scores.parquet"), partial(column_of, "calls.parquet")
ATTACKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "endless resamples": (config("resamples: 9999", "resamples: 1000000000000"), "compare.resamples"),
    "huge depth": (config("- 6\n", "- 99999999999\n"), "depths.1"),
    "text as depth": (config("- 6\n", "- x\n"), "depths.1"),
    "depth 0": (config("- 6\n", "- 0\n"), "depths.1"),
    "code as metric": (config("nDCG@10", "__import__('os').abort()@10"), "metrics"),
    "no compare": (config("compare:", "compares:"), "missing compare"),
    "list as config": (file_of("config.resolved.yaml", "- a\n"), "missing"),
    "list as manifest": (file_of("manifest.json", "[]"), "no JSON object"),
    "deep manifest": (file_of("manifest.json", "[" * 100_000), "manifest.json"),
    "deep price": (manifest({"versions": nested(200)}), "levels deep"),
    "truth as number": (manifest({"resumed": True}), "resumed"),
    "text as number": (manifest({"started_s": "1"}), "started_s"),
    "number as text": (manifest({"first_stage": 1}), "first_stage"),
    "huge number": (manifest({"seed": 1e30}), "seed"),
    "no date": (manifest({"started": "x"}), "started"),
    "a date that has no UTC": (manifest({"finished": "0001-01-01T00:00:00+14:00"}), "finished"),
    "other systems": (manifest({"first_stage": "one"}), "'one'"),
    "no datasets": (manifest({"datasets": []}), "unknown dataset"),
    "infinite scores": (scores("score", lambda n: pa.array([float("inf")] * n)), "'score', row 1"),
    "text scores": (scores("score", lambda n: pa.array(["x"] * n)), "'score' has the type string"),
    "no ranks": (scores("list_rank", lambda n: pa.array([0] * n, pa.int32())), "'list_rank', row 1"),
    "no first ranks": (scores("retriever_rank", lambda n: pa.nulls(n, pa.int32())), "retriever_rank"),
    "no documents": (scores("doc_id", lambda _: None), "'doc_id' is missing"),
    "an empty table": (part_of_scores(0), "has scores of 0 queries"),
    "a table without its last query": (part_of_scores(-1), "has scores of"),
    "unknown system": (scores("reranker", lambda n: pa.array(["x"] * n)), "no system 'x'"),
    "scores twice": (twice, "twice"),
    "time as text": (calls("end_s", lambda n: pa.array(["x"] * n)), "'end_s'"),
    "end before start": (calls("end_s", lambda n: pa.array([-1e9] * n)), "ends before it starts"),
    "status": (calls("status", lambda n: pa.array(["x"] * n)), "'status', row 1"),
    "torn table": (torn, "scores.parquet"),
    "pipe": (pipe("scores.parquet"), "scores.parquet"),
    "pipe as config": (pipe("config.resolved.yaml"), "config.resolved.yaml"),
}


@pytest.mark.attack("input", "stranger's result folder: wrong types, endless settings, damaged tables")
@pytest.mark.parametrize("name", ATTACKS)
def test_a_wrong_content_is_named(result: Path, made: Path, name: str) -> None:
    """Exit code 2, and a line with the file and what is wrong in it."""
    change, said = ATTACKS[name]
    change(result)
    for command in ("report", "against"):
        with at_most(MOST_S):
            done = evalkit(*commands(result, made / "result")[command])
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert str(result) in done.stderr


@pytest.mark.attack("input", "stranger's result folder: fuzzed manifests, tables and settings")
@pytest.mark.parametrize("seed", range(FUZZED))
def test_no_content_is_a_bug(result: Path, made: Path, seed: int) -> None:
    """Every command ends with one of its exit codes, whatever one file of the folder contains."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    names = [str(path.relative_to(result)) for path in sorted(result.rglob("*")) if path.is_file()]
    names = [name for name in names if name.endswith((".json", ".parquet", ".resolved.yaml", "s.jsonl", ".jsonl.gz"))
             and not name.startswith("tables")]  # fmt: skip
    changed = change_one(result, draw.choice(names), draw)
    for command in ("report", draw.choice(list(commands(result, result)))):
        with at_most(MOST_S):
            done = evalkit(*commands(result, made / "result")[command])
        assert done.returncode in {0, 1, 2, 3}, (changed, command, done.stderr)


@pytest.mark.attack("input", "stranger's baseline: fuzzed manifest and values")
@pytest.mark.parametrize("seed", range(max(FUZZED // 3, 1)))
def test_no_baseline_is_a_bug(made: Path, tmp_path: Path, seed: int) -> None:
    """A gate against it ends with one of its exit codes."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    baseline = Path(shutil.copytree(made / "baselines" / "b", tmp_path / "b"))
    changed = change_one(baseline, draw.choice(("manifest.json", "manifest.json", "values.parquet")), draw)
    result = Path(shutil.copytree(made / "result", tmp_path / "result"))
    with at_most(MOST_S):
        done = evalkit("gate", result, "--against", baseline)
    assert done.returncode in {0, 1, 2, 3}, (changed, done.stderr)


@pytest.mark.attack("supply", "stranger's result folder: plugins and servers in its configuration")
def test_nothing_of_a_stranger_s_configuration_runs(result: Path, made: Path, tmp_path: Path) -> None:
    """Plugin files are not imported, and the commands of served rerankers are not started."""
    mark = tmp_path / "ran"
    (result / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n", encoding="utf-8")
    text_of("config.resolved.yaml", "compare:", f"plugins: ['{result}/evil.py']\ncompare:")(result)
    text_of(
        "config.resolved.yaml",
        "backend: http",
        f"serve: {{backend: lexical, command: 'touch {mark}'}}\n    backend: http",
    )(result)
    for command in commands(result, made / "result").values():
        assert evalkit(*command, cwd=result).returncode != 70
    assert not mark.exists()
