"""Articles with a draw of queries for people, and a judge that has graded all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from evalkit.workflows.compare import compare
from support.command import evalkit, only_folder
from support.judged_articles import ANNA, GPT, good_is_better, judged, pairs, write_folder, write_judgments

SAMPLE = "human_sample: {queries: 35, seed: 3}"


def write_world(folder: Path, sample: str = SAMPLE) -> Path:
    """Write articles with a draw for people and a judge that has graded all."""
    config = write_folder(folder)
    text = config.read_text(encoding="utf-8").replace("    judgments:", f"    {sample}\n    judgments:", 1)
    config.write_text(text, encoding="utf-8")
    write_judgments(folder / "judgments" / "articles.luna.jsonl", judged(GPT, pairs(documents=20), wrong))
    (folder / "grades.qrels").write_text("s0 0 d0 1\n")
    return config


def right(query: str, doc: str) -> float:
    """Return the grades of a person: one run is better, but not at all queries."""
    return good_is_better(query, doc) if int(query[1:]) % 5 else float(int(doc[1:]) >= 5)


def wrong(query: str, doc: str) -> float:
    """Return the grades of a judge that favours the other run at more queries than the person."""
    return right(query, doc) if int(query[1:]) % 4 else float(int(doc[1:]) >= 5)


def drawn(config: Path) -> list[str]:
    """Draw the queries, and return them."""
    run(config)
    file = config.parent / "judgments" / "articles.human_sample.json"
    found: list[str] = orjson.loads(file.read_bytes())["query_ids"]
    return found


def rate(config: Path, queries: list[str], grade: Callable[[str, str], float | None] = right) -> None:
    """Let a person judge the pools of queries."""
    write_judgments(config.parent / "people.jsonl", judged(ANNA, pairs(queries, 20), grade))


def run(config: Path) -> tuple[str, Path]:
    """Run a configuration; return what it printed and the result."""
    into = config.parent / f"results{len(list(config.parent.glob('results*')))}"
    done = evalkit("run", config, "--into", into)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split()), only_folder(into)


def against(result: Path, contender: str = "good", baseline: str = "bad") -> dict[str, Any]:
    """Return the comparison of two runs, with the dataset's entry."""
    (entry,) = compare(result, baseline=baseline)[0]["datasets"]
    (one,) = [row for row in entry["comparisons"] if row["contender"] == contender]
    return {**one, "entry": entry}
