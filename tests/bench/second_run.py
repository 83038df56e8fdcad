"""Measure a run and a report a first and a second time, with nothing changed: ``make bench``.

``python tests/bench/second_run.py [QUERIES [ROUNDS]]``: the quickstart, also without its latency pass, and five
replayed rerankers on a generated collection, 7,000 queries where no number is given.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whole_process import Way, measured, table

ROOT = Path(__file__).parents[2]
EVALKIT = (sys.executable, "-m", "evalkit")
QUERIES, DOCUMENTS, DEPTH, RERANKERS, WORDS = 7_000, 20_000, 100, 5, 30_000


def main() -> None:
    """Print one table for each workload."""
    queries = int(sys.argv[1]) if len(sys.argv) > 1 else QUERIES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quickstart = ROOT / "configs" / "quickstart.yaml"
        _print(folder / "quickstart", "quickstart", quickstart, rounds)
        _print(folder / "untimed", "quickstart without a latency pass", _untimed(quickstart, folder), rounds)
        large = _write_large(folder / "large", queries)
        _print(folder / "replayed", f"{RERANKERS} replayed rerankers, {queries:,} queries", large, 1)


def _print(into: Path, title: str, config: Path, rounds: int) -> None:
    """Print what a first and a second run and report of a configuration cost; seconds are medians over rounds."""
    run, report = (*EVALKIT, "run", str(config), "--into", str(into)), (*EVALKIT, "report", str(into))
    passes: list[float] = []

    def before_report() -> None:
        """Note the latency pass of the run before, and forget what is derived, so that the report is the first."""
        passes.append(_latency_pass_s(into))
        for file in into.glob("*/derived.json"):
            file.unlink()

    ways = [
        Way("evalkit --help", (*EVALKIT, "--help")),
        Way("first run", run, partial(shutil.rmtree, into, ignore_errors=True)),
        Way("second run", run),
        Way("first report", report, before_report),
        Way("second report", report),
    ]
    costs = measured(ways, rounds, warm=rounds > 1)
    sys.stdout.write(table(title, costs, "first run"))
    bare, first, second, again, read = costs.values()
    latency_s = statistics.median(passes[-rounds:])
    sys.stdout.write(
        f"second to first run: {second.wall_s / first.wall_s:.3f} of the time, {second.cpu_s / first.cpu_s:.3f} of the"
        f" processor time; report: {read.wall_s / again.wall_s:.3f} and {read.cpu_s / again.cpu_s:.3f};"
        f" latency pass: {latency_s:.2f} s; second run over evalkit --help and the latency pass:"
        f" {second.wall_s - bare.wall_s - latency_s:.2f} s\n"
    )


def _latency_pass_s(into: Path) -> float:
    """Return the seconds from the start of the latency pass of the newest run to its end; 0 without one."""
    newest = max(into.glob("2*"))
    events = [json.loads(line) for line in (newest / "log.jsonl").read_text("utf-8").splitlines()]
    times = {event["message"].partition(" ")[0]: datetime.fromisoformat(event["time"]) for event in events}
    return (times["done:"] - times["latency"]).total_seconds() if "latency" in times else 0.0


def _untimed(quickstart: Path, folder: Path) -> Path:
    """Write the quickstart without its latency pass; return its path."""
    lines = quickstart.read_text("utf-8").replace("path: ", f"path: {quickstart.parent}/").splitlines()
    path = folder / "untimed.yaml"
    path.write_text("\n".join(line for line in lines if not line.startswith("latency")), encoding="utf-8")
    return path


def _write_large(folder: Path, queries: int) -> Path:
    """Write a collection with candidates and the scores of five rerankers; return the configuration."""
    draw = np.random.default_rng(5)
    frequency = 1 / np.arange(1, WORDS + 1) ** 0.9
    words = draw.choice(WORDS, (DOCUMENTS, 40), p=frequency / frequency.sum())
    relevant = draw.choice(DOCUMENTS, queries)
    (folder / "data" / "qrels").mkdir(parents=True)
    _write(folder / "data" / "corpus.jsonl", (_row(f"d{n:05}", words[n]) for n in range(DOCUMENTS)))
    asked = (_row(f"q{n:05}", draw.choice(words[relevant[n]], 4, replace=False)) for n in range(queries))
    _write(folder / "data" / "queries.jsonl", asked)
    judged = (f"q{n:05}\td{doc:05}\t1" for n in range(queries) for doc in {int(relevant[n]), *_others(draw)})
    _write(folder / "data" / "qrels" / "test.tsv", ("query-id\tcorpus-id\tscore", *judged))
    lists = np.array([draw.choice(DOCUMENTS, DEPTH, replace=False) for _ in range(queries)])
    lists[:, 0] = np.where((lists == relevant[:, None]).any(axis=1), lists[:, 0], relevant)
    _write_run(folder / "bm25.trec", lists, np.tile(np.arange(DEPTH, 0.0, -1.0), (queries, 1)))
    for number in range(RERANKERS):
        lift = (1.0 + 0.3 * number) * (lists == relevant[:, None])
        _write_run(folder / f"sys{number}.trec", lists, draw.normal(size=lists.shape) + lift)
    replayed = "".join(
        f"  sys{n}: {{backend: replay, path: {folder}/sys{n}.trec}}\n" for n in range(RERANKERS)
    )
    config = folder / "c.yaml"
    config.write_text(
        f"name: large\ndatasets: [{{source: beir_folder, path: {folder}/data, name: large}}]\n"
        f"retriever: {{kind: trec_run, path: {folder}/bm25.trec, tag: bm25, depth: {DEPTH}}}\n"
        f"rerankers:\n{replayed}depths: [10, 20, 50, 100]\nmetrics: [nDCG@10, MRR@10, R@100]\n",
        encoding="utf-8",
    )
    return config


def _others(draw: np.random.Generator) -> list[int]:
    return [int(doc) for doc in draw.choice(DOCUMENTS, 5)]


def _row(name: str, words: NDArray[Any]) -> str:
    return json.dumps({"_id": name, "title": "", "text": " ".join(f"w{word}" for word in words)})


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_run(path: Path, lists: NDArray[Any], scores: NDArray[Any]) -> None:
    rows = (
        f"q{query:05} Q0 d{doc:05} 1 {score:.6f} x"
        for query, (docs, own) in enumerate(zip(lists, scores, strict=True))
        for doc, score in zip(docs, own, strict=True)
    )
    _write(path, rows)


if __name__ == "__main__":
    main()
