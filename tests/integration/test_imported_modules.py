"""What each command imports: nothing heavy, and no package of evalkit, that it does not use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.collections import write_beir_folder
from support.command import evalkit, evalkit_process, only_folder

pytestmark = pytest.mark.usefixtures("blank_plots")

HEAVY = frozenset({
    "asyncio", "bm25s", "datasets", "httpcore", "httpx", "huggingface_hub", "ir_measures", "jinja2", "matplotlib",
    "numpy", "onnxruntime", "pandas", "pyarrow", "pyarrow.dataset", "pydantic", "ray", "ruamel.yaml", "scipy.optimize",
    "scipy.sparse", "scipy.special", "scipy.stats", "sentence_transformers", "sklearn", "starlette", "tokenizers",
    "torch", "transformers", "uvicorn",
})  # fmt: skip
"""Modules that take 10 ms or more to import."""
NUMBERS = {"numpy", "scipy.special"}
CONFIG = {"numpy", "pydantic", "ruamel.yaml"}
RESULT = NUMBERS | CONFIG | {"pyarrow"}
NO_CALLS = frozenset({"experiment", "retrievers", "server"})
"""Packages of evalkit that only commands with calls need."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command may import.

    Attributes
    ----------
    words
        The command; names in braces are those of `inputs`.
    heavy
        The heavy modules that it may import.
    without
        Packages of evalkit of which it may import nothing.
    """

    words: str
    heavy: set[str]
    without: frozenset[str] = field(default=NO_CALLS)


NO_RERANKERS = NO_CALLS | {
    "config",
    "datasets",
    "distributed",
    "encoding",
    "http_client",
    "rerankers",
    "reranking",
}
COMMANDS = (
    Limits("serve --help", set(), NO_RERANKERS),
    Limits(
        "evaluate {qrels} {run}",
        NUMBERS | {"pyarrow"},
        NO_RERANKERS | {"dialects", "latency", "store", "tuning"},
    ),
    Limits("evaluate {qrels} {run} --json", NUMBERS | {"pyarrow", "pydantic"}, NO_RERANKERS),
    Limits("evaluate {qrels} {run} --per-query", {"numpy", "pyarrow"}, NO_RERANKERS),
    Limits("compare --qrels {qrels} {run} {second}", RESULT),
    Limits(
        "config check {config}", CONFIG, NO_CALLS - {"retrievers"} | {"reranking", "results", "summaries"}
    ),
    Limits("config show {config}", CONFIG, NO_CALLS - {"retrievers"} | {"reranking", "results", "summaries"}),
    Limits("gate {result} --against {result}", RESULT),
    Limits("compare {result}", RESULT),
    Limits("leaderboard {result}", RESULT | {"jinja2"}),
    Limits(
        "tune depth {result} --reranker lexical",
        RESULT,
        NO_CALLS | {"dialects", "encoding", "store"},
    ),
    Limits("baseline save {result} b --into {folder}", RESULT),
    # A new index is built here, where Arrow imports pandas.
    Limits("run {config} --into {store}", RESULT | {"jinja2", "matplotlib", "pandas"}, frozenset()),
    Limits("report {result}", RESULT | {"jinja2", "matplotlib"}, NO_CALLS | {"dialects"}),
    Limits("dataset list", {"numpy", "pydantic", "ruamel.yaml"}),
    Limits("store size {store}", {"numpy", "pydantic"}, NO_RERANKERS),
)
CONFIGURATION = """\
name: small
datasets: [{source: beir_folder, path: tiny}]
retriever: {depth: 5}
rerankers: {lexical: {backend: lexical}}
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the files of a small experiment that has been run."""
    folder = tmp_path_factory.mktemp("small")
    write_beir_folder(folder / "tiny")
    config = folder / "c.yaml"
    config.write_text(CONFIGURATION, encoding="utf-8")
    done = evalkit("run", config, "--into", folder / "results")
    assert done.returncode == 0, done.stderr
    files = {
        "qrels": "q1 0 a 1\nq1 0 b 0\nq2 0 b 2\n",
        "run": "q1 Q0 a 1 2.0 x\nq1 Q0 b 2 1.0 x\nq2 Q0 a 1 2.0 x\nq2 Q0 b 2 1.0 x\n",
        "second": "q1 Q0 b 1 2.0 y\nq1 Q0 a 2 1.0 y\nq2 Q0 a 1 2.0 y\nq2 Q0 b 2 1.0 y\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    result = only_folder(folder / "results")
    made = {"config": config, "result": result, "folder": folder, "store": result.parent}
    return {**made, **{name: folder / name for name in files}}


@pytest.mark.parametrize("limits", COMMANDS, ids=lambda limits: limits.words)
def test_a_command_imports_what_it_uses(limits: Limits, inputs: dict[str, Path]) -> None:
    """No heavy module and no package of evalkit beyond its list; a failure names who imported it."""
    words = [word.format_map(inputs) for word in limits.words.split()]
    done = evalkit_process(*words, cwd=inputs["folder"], env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    imported = dict(imports(done.stderr))
    wrong = {
        name: importers
        for name, importers in imported.items()
        if name in HEAVY - limits.heavy
        or (name.startswith("evalkit.") and name.split(".")[1] in limits.without)
    }
    assert imported.keys() >= {"evalkit"}
    assert not wrong, "\n".join(f"{name} <- {' <- '.join(importers)}" for name, importers in wrong.items())


def imports(report: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each module of a report of ``-X importtime`` with its importers in evalkit, the nearest first.

    A module is reported after those that it imports, which are indented below it.
    """
    lines = [line.rpartition("|")[2] for line in report.splitlines() if line.startswith("import time:")]
    for place, line in enumerate(lines):
        indent, importers = len(line) - len(line.lstrip()), []
        for later in lines[place + 1 :]:
            if len(later) - len(later.lstrip()) < indent:
                indent = len(later) - len(later.lstrip())
                importers.append(later.strip())
        yield line.strip(), [name for name in importers if name.startswith("evalkit")]
