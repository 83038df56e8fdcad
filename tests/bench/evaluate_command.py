"""``evalkit evaluate`` compared with ir_measures and a trec_eval in C, as whole processes: ``make bench``.

``python tests/bench/evaluate_command.py [QUERIES] [DEPTH] [ROUNDS]``. trec_eval is run if ``TREC_EVAL`` names its
program (built from https://github.com/usnistgov/trec_eval), else it is skipped, and this is said.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from whole_process import Way, measured, table

JUDGED, POOL = 40, 200_000


def write_files(folder: Path, queries: int, depth: int) -> tuple[Path, Path]:
    """Write judgments and a run without ties, and return their paths."""
    rng = np.random.default_rng(3)
    qrels, run = folder / "qrels.txt", folder / "run.txt"
    with qrels.open("w", encoding="utf-8") as judgments, run.open("w", encoding="utf-8") as rows:
        for number in range(queries):
            listed = rng.choice(POOL, depth, replace=False)
            scores = np.sort(rng.random(depth) * 30)[::-1]
            rows.writelines(
                f"q{number:05} Q0 D{doc:07} {rank} {score:.6f} bench\n"
                for rank, (doc, score) in enumerate(
                    zip(listed.tolist(), scores.tolist(), strict=True), start=1
                )
            )
            judged = np.unique(np.concatenate((listed[: JUDGED // 2], rng.choice(POOL, JUDGED // 2))))
            judgments.writelines(
                f"q{number:05} 0 D{doc:07} {rng.integers(0, 4)}\n" for doc in judged.tolist()
            )
    return qrels, run


def main(queries: int = 2_000, depth: int = 1_000, rounds: int = 5) -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory() as name:
        qrels, run = map(str, write_files(Path(name), queries, depth))
        metrics = ["nDCG@10", "AP@1000", "R@100"]
        flags = [part for metric in metrics for part in ("-m", metric)]
        program = Path(sys.executable).with_name("ir_measures")
        evaluate = [sys.executable, "-m", "evalkit", "evaluate", qrels]
        compressed = f"{run}.gz"
        with Path(run).open("rb") as rows, gzip.open(compressed, "wb", compresslevel=6) as file:
            shutil.copyfileobj(rows, file)
        ways = [
            Way("evalkit evaluate", [*evaluate, run, *flags]),
            Way("evalkit evaluate, run as gz", [*evaluate, compressed, *flags]),
            Way("ir_measures", [str(program), qrels, run, *metrics]),
        ]
        trec_eval = os.environ.get("TREC_EVAL") or shutil.which("trec_eval")
        if trec_eval:
            cuts = ["-m", "ndcg_cut.10", "-m", "map_cut.1000", "-m", "recall.100"]
            ways.append(Way("trec_eval", [trec_eval, *cuts, qrels, run]))
        else:
            sys.stdout.write("skipped: TREC_EVAL names no program\n")
        size = Path(run).stat().st_size + Path(qrels).stat().st_size
        title = f"{queries} queries x {depth} documents, {size / 1e6:.0f} MB of files"
        sys.stdout.write(table(title, measured(ways, rounds), "evalkit evaluate"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
