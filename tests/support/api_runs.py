"""Small experiments with one API, run as a user runs them."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from support.command import evalkit
from support.faulty import reply_of

CONCURRENCY = 4


class Counting:
    """An honest server that counts how often it was asked for a pair."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.calls = 0
        self.pause_s = pause_s

    def __call__(self, body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer, and count pairs without those of the first calls: a test call has one document, a check the query."""
        self.calls += 1
        if len(body["documents"]) > 1 and body["query"] not in body["documents"]:
            self.pairs.update((body["query"], text) for text in body["documents"])
        time.sleep(self.pause_s)
        return 200, orjson.dumps(reply_of(body))


def write_collection(folder: Path, queries: int, candidates: int = 6) -> Path:
    """Write a collection in which every query has the same number of candidates."""
    (folder / "qrels").mkdir(parents=True)
    rows = [
        {"_id": f"d{q}.{i}", "title": "", "text": f"topic{q} word{i} " + "filler " * i}
        for q in range(queries)
        for i in range(candidates)
    ]
    (folder / "corpus.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    asked = [{"_id": f"q{q}", "text": f"topic{q}"} for q in range(queries)]
    (folder / "queries.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in asked))
    judged = "".join(f"q{q}\td{q}.{q % 6}\t1\n" for q in range(queries))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    return folder


def write_config(path: Path, folder: Path, url: str, more: str = "", rest: str = "") -> Path:
    """Write a configuration with one API."""
    path.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: 6}}\n"
        f"rerankers:\n  api: {{backend: http, url: '{url}', model: m, concurrency: {CONCURRENCY}{more}}}\n"
        f"metrics: [nDCG@10]\n{rest}",
        encoding="utf-8",
    )
    return path


def run(config: Path, results: Path, *words: str) -> str:
    """Run an experiment that must succeed; return what it printed."""
    done = evalkit("run", config, "--into", results, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def visible(results: Path) -> list[Path]:
    """Return the result folders, oldest first: several may be begun within the second that their names hold."""
    folders = [path for path in results.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(folders, key=lambda path: orjson.loads((path / "manifest.json").read_bytes())["started_s"])


def scores(folder: Path) -> pd.DataFrame:
    """Return the scores of a result."""
    return pd.read_parquet(folder / "scores.parquet")
