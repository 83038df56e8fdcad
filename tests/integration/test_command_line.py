"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import pytest
from support.command import evalkit, only_folder, start_evalkit
from support.stand_in import by_length, stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")

HEAVY = ("torch", "datasets", "pandas", "matplotlib", "scipy", "sentence_transformers", "pyarrow")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["evaluate", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """Help and version answer without importing any heavy package."""
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['evalkit', *{words!r}]\n"
        "try:\n    runpy.run_module('evalkit', run_name='__main__')\n"
        "except SystemExit as stop:\n    assert not stop.code\n"
        f"print('IMPORTED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "IMPORTED []" in done.stdout


def test_importing_the_package_is_cheap() -> None:
    """`import evalkit` loads nothing heavy, and every public name resolves."""
    code = (
        f"import sys, evalkit\nprint([m for m in {HEAVY!r} if m in sys.modules])\n"
        "print(all(getattr(evalkit, name) is not None for name in evalkit.__all__))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


BAD_INPUT = {
    "no such config": (["run", "nowhere.yaml"], "configuration not found: "),
    "no such command": (["rnu", "x"], "unknown command 'rnu'; did you mean 'run'?"),
    "no such flag": (["run", "--depht", "3", "x"], "no such option"),
    "missing argument": (["run"], "missing argument"),
    "no such qrels": (["evaluate", "nowhere.qrels", "x.run"], "file not found: "),
    "no result folder": (["report", "."], "is not a result folder"),
    "run files without judgments": (
        ["compare", __file__, __file__],
        "it is a file\n  hint: to compare TREC run files, add --qrels FILE",
    ),
    "serve nothing": (["serve"], "give either CONFIG (optionally with --reranker TAG) or --backend NAME"),
    "serve an unknown backend": (["serve", "--backend", "lexcal"], "did you mean 'lexical'?"),
    "serve an unknown dialect": (["serve", "--backend", "lexical", "--dialect", "x"], "unknown dialect 'x'"),
    "serve with an unset key": (
        ["serve", "--backend", "lexical", "--api-key-env", "UNSET_VARIABLE"],
        "the environment variable 'UNSET_VARIABLE' is not set",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_clear_line(tmp_path: Path, case: str) -> None:
    """A user's mistake is exit 2, one sentence on stderr, nothing on stdout, no traceback, nothing written."""
    words, said = BAD_INPUT[case]
    done = evalkit(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


BAD_FILES = {
    "corpus line is no JSON": (
        "corpus.jsonl",
        '{"_id": "d1", "text": "x"}\n{oops\n',
        "corpus.jsonl:2 is not JSON",
    ),
    "corpus row without text": (
        "corpus.jsonl",
        '{"_id": "d1"}\n',
        "corpus.jsonl:1 has no column for the text",
    ),
    "id with a space": (
        "corpus.jsonl",
        '{"_id": "d 1", "text": "x"}\n',
        "corpus.jsonl:1: invalid identifier",
    ),
    "judged id with a space": (
        "qrels/test.tsv",
        "query-id\tcorpus-id\tscore\nq1\td 1\t1\n",
        "test.tsv:2 has an empty id or an id with white space",
    ),
    "corpus row without id": (
        "corpus.jsonl",
        '{"text": "x"}\n',
        "corpus.jsonl:1 has no column for the identifier",
    ),
    "document twice": ("corpus.jsonl", '{"_id": "d1", "text": "x"}\n' * 2, "document 'd1' occurs twice"),
    "queries missing": ("queries.jsonl", None, "queries.jsonl"),
    "query twice": ("queries.jsonl", '{"_id": "q1", "text": "x"}\n' * 2, "query 'q1' occurs twice"),
    "grade is no number": (
        "qrels/test.tsv",
        "query-id\tcorpus-id\tscore\nq1\td1\thigh\n",
        "test.tsv:2 has the grade 'high'",
    ),
    "grade twice": (
        "qrels/test.tsv",
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td1\t2\n",
        "has two grades: 1 and 2",
    ),
    "too few columns": ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "test.tsv:2 has 2 columns"),
    "unknown query": (
        "qrels/test.tsv",
        "query-id\tcorpus-id\tscore\nzz\td1\t1\n",
        "1 judged queries have no text",
    ),
    "split missing": ("qrels/test.tsv", None, "save the judgments as qrels/<split>.tsv"),
    "not UTF-8": ("corpus.jsonl", b'{"_id": "d1", "text": "\xff"}\n', "corpus.jsonl:1 is not UTF-8"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_data_file_is_named_with_its_line(tmp_path: Path, beir_folder: Path, case: str) -> None:
    """A dataset that cannot be read is exit 2 with file and line; no result folder appears."""
    name, content, said = BAD_FILES[case]
    file = beir_folder / name
    file.unlink()
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nrerankers: {{a: {{backend: lexical}}}}\n",
        encoding="utf-8",
    )
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_evaluate_prints_means_values_and_json(tmp_path: Path) -> None:
    """`evaluate` gives means with n and interval, values per query, and both as JSON named as documented."""
    (tmp_path / "q.qrels").write_text("q1 0 a 1\nq1 0 b 0\nq2 0 c 2\nq3 0 d 0\n", encoding="utf-8")
    (tmp_path / "r.run").write_text("q1 Q0 b 1 2.0 sys\nq1 Q0 a 2 1.0 sys\n", encoding="utf-8")
    words = ["evaluate", "q.qrels", "r.run", "-m", "RR", "-m", "nDCG@10"]
    table = evalkit(*words, cwd=tmp_path)
    assert table.returncode == 0
    assert "0.2500" in table.stdout
    means = orjson.loads(evalkit(*words, "--json", cwd=tmp_path).stdout)
    assert {(m["run"], m["metric"], m["value"], m["n"]) for m in means} >= {("sys", "RR", 0.25, 2)}
    values = orjson.loads(evalkit(*words, "--json", "--per-query", cwd=tmp_path).stdout)
    assert values[0] == {"run": "sys", "query_id": "q1", "metric": "RR", "value": 0.5}
    assert [v["query_id"] for v in values] == ["q1", "q1", "q2", "q2"]


def test_config_check_and_show(tmp_path: Path) -> None:
    """`config check` says that a file is fine or exits 2; `config show` prints a file that loads again."""
    config = tmp_path / "c.yaml"
    config.write_text("name: t\ndatasets: [demo]\nrerankers: {a: {backend: lexical}}\n", encoding="utf-8")
    assert evalkit("config", "check", config).returncode == 0
    shown = evalkit("config", "show", config, "--set", "retriever.k1=1.2")
    assert "k1: 1.2" in shown.stdout
    config.write_text(shown.stdout, encoding="utf-8")
    assert evalkit("config", "show", config).stdout == shown.stdout
    assert evalkit("config", "check", config, "--set", "retriever.k2=1").returncode == 2


@pytest.mark.long
def test_an_interrupted_run_keeps_what_was_measured(tmp_path: Path, beir_folder: Path) -> None:
    """Ctrl-C is exit 130 within seconds; the folder holds what was scored and says that it is incomplete."""
    asked = threading.Event()

    def slowly(body: dict[str, object], headers: dict[str, str]) -> tuple[int, bytes]:
        if len(body["documents"]) > 1 and body["query"] != "cat on the roof":  # type: ignore[arg-type]
            asked.set()
            time.sleep(1.0)
        return by_length(body, headers)

    config = tmp_path / "c.yaml"
    with stand_in(slowly) as url:
        config.write_text(
            f"name: t\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nretriever: {{depth: 5}}\n"
            f"rerankers:\n  api: {{backend: http, url: '{url}', score_check: false}}\n  never: {{backend: lexical}}\n",
            encoding="utf-8",
        )
        process = start_evalkit("run", config, "--into", tmp_path / "results")
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; partial results:" in said
    assert "Traceback" not in said
    folder = only_folder(tmp_path / "results")
    assert orjson.loads((folder / "manifest.json").read_bytes())["status"] == "incomplete"
    assert evalkit("report", folder).returncode == 3
    assert evalkit("report", folder, "--allow-incomplete").returncode == 0
    quality = orjson.loads((folder / "summary.json").read_bytes())["quality"]
    never = [row for row in quality if row["reranker"] == "never"]
    assert never
    assert all(row["mean"] is None and row["n"] == 0 for row in never), (
        "what was never asked has no value, not 0"
    )


def test_an_unwritable_place_is_exit_3(tmp_path: Path, beir_folder: Path) -> None:
    """A result folder that cannot be made is one clear line, exit 3."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nrerankers: {{a: {{backend: lexical}}}}\n",
        encoding="utf-8",
    )
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = evalkit("run", config, "--into", tmp_path / "file" / "below")
    assert done.returncode == 3
    assert "cannot create a result folder in" in done.stderr


RAW = ("manifest.json", "config.resolved.yaml", "scores.parquet", "calls.parquet", "qrels/tiny.qrels.gz")


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_result_is_reported(tmp_path: Path, beir_folder: Path, damage: str) -> None:
    """A raw file that is missing or cut short is exit 2 with its name, never a report of what is left."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nrerankers: {{a: {{backend: lexical}}}}\n",
        encoding="utf-8",
    )
    assert evalkit("run", config, "--into", tmp_path / "results").returncode == 0
    folder = only_folder(tmp_path / "results")
    for name in RAW:
        held = (folder / name).read_bytes()
        if damage == "missing":
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(held[: len(held) // 2])
        done = evalkit("report", folder)
        assert done.returncode == 2, (name, done.stderr)
        assert Path(name).name in done.stderr
        assert "Traceback" not in done.stderr
        (folder / name).write_bytes(held)
    assert evalkit("report", folder).returncode == 0


def test_queries_that_nothing_answers_have_no_mean(tmp_path: Path, beir_folder: Path) -> None:
    """Where every judged query is unanswerable, the report shows no mean and says why."""
    (beir_folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t0\nq2\td3\t0\n", "utf-8"
    )
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nrerankers: {{a: {{backend: lexical}}}}\n"
        "latency: {batch_sizes: [1]}\n",
        encoding="utf-8",
    )
    done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    assert "warning: tiny: no query has a relevant document, so there is no mean." in done.stderr
    assert "Warning:" not in done.stderr


def test_a_command_without_its_words_is_explained() -> None:
    """The program and a group alone print their help, as wrong input: exit 2."""
    for words in ([], ["tune"]):
        done = evalkit(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Usage: ")
        assert "error:" not in done.stderr


def test_a_reader_that_leaves_is_no_failure() -> None:
    """A command piped into ``head`` exits with 0: 1 would say that a gate did not pass."""
    with start_evalkit("config", "schema") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")


def test_a_plugin_that_ends_the_program_is_no_success(tmp_path: Path) -> None:
    """Code of a stranger that calls ``sys.exit`` while it is read does not make a run look done."""
    (tmp_path / "mine.py").write_text("import sys\n\nsys.exit(3)\n", encoding="utf-8")
    assert evalkit("plugin", "list", "--file", "mine.py", cwd=tmp_path).returncode != 0
