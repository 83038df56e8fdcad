"""``evalkit report`` of a large result as a whole process: ``large_report.py [QUERIES] [RERANKERS]``; ``make bench``.

The result is that of a real run: replayed lists of 100 candidates, four depths, three metrics, an unjudged majority.
"""

from __future__ import annotations

import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from whole_process import cost_of, table

QUERIES, RERANKERS, DOCUMENTS, DEPTH = 7_000, 5, 20_000, 100
LIMIT = "20 s and 3 GB on a machine half as fast as the one of these figures"


def write_collection(root: Path, queries: int, rerankers: int) -> None:
    """Write documents, queries, judgments, candidates and the lists of rerankers of growing quality."""
    rng = np.random.default_rng(5)
    words = np.array([f"w{n}" for n in range(30_000)])
    shares = 1 / np.arange(1, len(words) + 1) ** 0.9
    data = root / "data"
    (data / "qrels").mkdir(parents=True)
    tokens = rng.choice(len(words), (DOCUMENTS, 40), p=shares / shares.sum())
    with (data / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for number, row in enumerate(tokens):
            text = " ".join(words[row])
            file.write(json.dumps({"_id": f"d{number:05}", "title": "", "text": text}) + "\n")
    relevant = rng.choice(DOCUMENTS, queries)
    with (data / "queries.jsonl").open("w", encoding="utf-8") as file:
        for number, doc in enumerate(relevant):
            text = " ".join(words[rng.choice(tokens[doc], 4, replace=False)])
            file.write(json.dumps({"_id": f"q{number:05}", "text": text}) + "\n")
    with (data / "qrels" / "test.tsv").open("w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for number, doc in enumerate(relevant):
            others = {int(other): 1 for other in rng.choice(DOCUMENTS, 5)}
            for judged, grade in {**others, int(doc): int(rng.integers(1, 3))}.items():
                file.write(f"q{number:05}\td{judged:05}\t{grade}\n")
    candidates = np.argpartition(rng.random((queries, DOCUMENTS), dtype=np.float32), DEPTH)[:, :DEPTH]
    missing = np.flatnonzero((candidates != relevant[:, None]).all(axis=1))
    candidates[missing, rng.integers(0, DEPTH, len(missing))] = relevant[missing]
    write_lists(root / "bm25.trec", candidates, np.tile(np.arange(DEPTH, 0.0, -1), (queries, 1)))
    for number in range(rerankers):
        found = (candidates == relevant[:, None]) * (1.0 + 0.3 * number)
        write_lists(root / f"sys{number}.trec", candidates, rng.normal(size=candidates.shape) + found)
    lines = [f"  sys{number}: {{backend: replay, path: sys{number}.trec}}\n" for number in range(rerankers)]
    (root / "c.yaml").write_text(
        "name: large\n"
        "datasets: [{source: beir_folder, path: data, split: test, name: large}]\n"
        f"retriever: {{kind: trec_run, path: bm25.trec, tag: bm25, depth: {DEPTH}}}\n"
        f"rerankers:\n{''.join(lines)}"
        f"depths: [10, 20, 50, {DEPTH}]\nmetrics: [nDCG@10, MRR@10, R@100]\n",
        encoding="utf-8",
    )


def write_lists(path: Path, candidates: np.ndarray, scores: np.ndarray) -> None:
    """Write a TREC run, best first."""
    with path.open("w", encoding="utf-8") as file:
        for query, (docs, of_query) in enumerate(zip(candidates, scores, strict=True)):
            for rank, place in enumerate(np.argsort(-of_query), 1):
                file.write(f"q{query:05} Q0 d{docs[place]:05} {rank} {of_query[place]:.6f} {path.stem}\n")


def main() -> None:
    """Run once, then print what a report of the result takes."""
    given = [int(word) for word in sys.argv[1:]]
    queries, rerankers = (*given, *(QUERIES, RERANKERS)[len(given) :])
    evalkit = [sys.executable, "-m", "evalkit"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # In another process: a command begins with the peak memory of the process that starts it.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(write_collection, root, queries, rerankers).result()
        results = root / "results"
        costs = {"run": cost_of([*evalkit, "run", str(root / "c.yaml"), "--into", str(results)])}
        (result,) = results.glob("2*")
        # A report from the raw files alone: that of the run is not read.
        (result / "derived.json").unlink()
        costs |= {name: cost_of([*evalkit, "report", str(result)]) for name in ("report", "report again")}
    title = f"{rerankers} rerankers, {queries} queries, {DEPTH} candidates, 4 depths; the aim is {LIMIT}"
    sys.stdout.write(table(title, costs, "report"))


if __name__ == "__main__":
    main()
