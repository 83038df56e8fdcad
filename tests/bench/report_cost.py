"""What ``evalkit report`` costs as a whole process, by ``evalkit --help``: ``make bench``.

``python tests/bench/report_cost.py [QUERIES] [ROUNDS]``: the result of the quickstart, and one of
five replayed rerankers on synthetic queries, 1,500 unless another number is given. Everything is derived and drawn in
each round: without its record, a result is not known to be derived already.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from whole_process import Way, measured, table

SYSTEMS, DEPTH, DOCUMENTS, FURTHER = 5, 100, 20_000, 4
"""Size of the synthetic result; each query has `FURTHER` relevant documents that no list has."""
QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
LARGE = """\
name: large
datasets: [{source: beir_folder, path: data, split: test, name: large}]
retriever: {kind: trec_run, path: first.trec, tag: first, depth: 100}
depths: [10, 20, 50, 100]
metrics: [nDCG@10, MRR@10, R@100]
rerankers:
"""


def main(queries: int, rounds: int) -> None:
    """Print one table."""
    evalkit = [sys.executable, "-m", "evalkit"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_large(folder, queries)
        ways = [Way("evalkit --help", [*evalkit, "--help"])]
        for config in (QUICKSTART, folder / "large.yaml"):
            into = folder / config.stem
            made = [*evalkit, "run", str(config), "--into", str(into)]
            subprocess.run(made, check=True, capture_output=True)
            (result,) = (path for path in into.glob("2*") if path.is_dir())
            forget = partial((result / "derived.json").unlink, missing_ok=True)
            ways.append(Way(f"report, {config.stem}", [*evalkit, "report", str(result)], forget))
        title = f"evalkit report: the quickstart, and {SYSTEMS} rerankers x {queries} queries x {DEPTH}"
        sys.stdout.write(table(title, measured(ways, rounds), "evalkit --help"))


def write_large(folder: Path, queries: int) -> None:
    """Write a collection and runs: each list has one relevant document, which better systems rank higher."""
    draw = np.random.default_rng(5)
    data = folder / "data"
    (data / "qrels").mkdir(parents=True)
    words = draw.integers(0, 30_000, (DOCUMENTS, 20))
    rows = (
        {"_id": f"d{n}", "title": "", "text": " ".join(f"w{w}" for w in own)} for n, own in enumerate(words)
    )
    (data / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    texts = (json.dumps({"_id": f"q{n}", "text": f"w{n} w{n + 1}"}) + "\n" for n in range(queries))
    (data / "queries.jsonl").write_text("".join(texts), encoding="utf-8")
    candidates = np.argsort(draw.random((queries, DOCUMENTS // 10)), axis=1)[:, :DEPTH] * 10
    relevant = draw.integers(0, DEPTH, queries)
    judged = [f"q{n}\td{candidates[n, relevant[n]]}\t{draw.integers(1, 3)}\n" for n in range(queries)]
    judged += [
        f"q{n}\td{10 * place + 1}\t1\n" for n in range(queries) for place in draw.permutation(50)[:FURTHER]
    ]
    (data / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8"
    )
    write_run(folder, "first", candidates, np.tile(-np.arange(DEPTH, dtype=np.float64), (queries, 1)))
    config = LARGE
    for number in range(SYSTEMS):
        scores = draw.normal(size=candidates.shape)
        scores[np.arange(queries), relevant] += 1 + 0.3 * number
        write_run(folder, f"sys{number}", candidates, scores)
        config += f"  sys{number}: {{backend: replay, path: sys{number}.trec}}\n"
    (folder / "large.yaml").write_text(config, encoding="utf-8")


def write_run(folder: Path, tag: str, documents: np.ndarray, scores: np.ndarray) -> None:
    """Write ``(q, k)`` documents with their scores as a run."""
    order = np.argsort(-scores, axis=1)
    lines = [
        f"q{query} Q0 d{documents[query, place]} {rank} {scores[query, place]:.6f} {tag}\n"
        for query in range(len(documents))
        for rank, place in enumerate(order[query], 1)
    ]
    (folder / f"{tag}.trec").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*(int(given) for given in [*sys.argv[1:3], *["1500", "3"][len(sys.argv) - 1 :]]))
