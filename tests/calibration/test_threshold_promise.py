"""Whether thresholds keep their promise, on the real scores of a cross-encoder.

500 tuning sets are drawn with replacement from real queries, and the promise judged on all of them: there it is
a theorem. Beside it 500 split halves, where the held-out half is itself noisy and no theorem speaks, and the
naive cut-off, the highest threshold that reached the target on its own tuning queries. ``pytest -s`` prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise

from evalkit.datasets import load_dataset
from evalkit.formats import read_qrels, read_run
from evalkit.records import Qrels, Run
from evalkit.tuning.threshold_choice import (
    ScoredLists,
    curves,
    expected_recall,
    guaranteed_recall,
    thresholds_of,
)

SETS = 500
TARGET, CONFIDENCE = 0.9, 0.9
ROOT = Path(__file__).parents[2]


def lists_of(run: Run, qrels: Qrels) -> ScoredLists:
    """Return the scored candidates of the answerable queries that have a relevant one."""
    held = [
        (scores, np.array([qrels.of(q).get(d, 0) > 0 for d in docs]))
        for q, docs, scores in run
        if qrels.of(q)
    ]
    return ScoredLists.of(tuple(h[0] for h in held), tuple(h[1] for h in held)).with_relevant()


def place(losses: NDArray[np.float64], n: int, how: str) -> int | None:
    """Return the place of a threshold chosen in some way."""
    if how == "guaranteed":
        return guaranteed_recall(losses, n, TARGET, CONFIDENCE)
    if how == "expected":
        return expected_recall(losses, n, TARGET)
    return int(np.flatnonzero(losses <= 1 - TARGET)[-1])


def broken(lists: ScoredLists) -> dict[str, dict[str, tuple[float, float]]]:
    """Return way -> kind of set -> (how often the promise was broken, mean true loss)."""
    thresholds = thresholds_of(lists)
    recall = curves(lists, thresholds).recall
    n = len(lists)
    truth = 1 - recall.mean(axis=0)
    rng = np.random.default_rng(8)
    found: dict[str, dict[str, list[float]]] = {
        how: {"drawn": [], "halves": []} for how in ("guaranteed", "expected", "naive")
    }
    for _ in range(SETS):
        drawn, order = rng.integers(0, n, n), rng.permutation(n)
        for kind, rows, others in (
            ("drawn", drawn, None),
            ("halves", order[: n // 2], order[n // 2 :]),
        ):
            losses = 1 - recall[rows].mean(axis=0)
            against = truth if others is None else 1 - recall[others].mean(axis=0)
            for how, held in found.items():
                chosen = place(losses, len(rows), how)
                held[kind].append(0.0 if chosen is None else float(against[chosen]))
    return {
        how: {
            kind: (float(np.mean(np.array(v) > 1 - TARGET + 1e-12)), float(np.mean(v)))
            for kind, v in kinds.items()
        }
        for how, kinds in found.items()
    }


def check(name: str, lists: ScoredLists, report_promise: Callable[[Promise], None]) -> None:
    """Print the rates, and hold the guarantee to its word."""
    rates = broken(lists)
    delta = 1 - CONFIDENCE
    naive, guaranteed = (rates[how]["drawn"][0] for how in ("naive", "guaranteed"))
    claim = f"threshold below its guaranteed recall: at most {delta:.2f}".replace("0.", ".")
    report_promise(Promise(f"{name}, n = {len(lists)}", claim, naive, guaranteed, SETS))
    for how, kinds in rates.items():
        told = "  ".join(
            f"{kind}: broken {rate:.3f}, mean loss {loss:.3f}" for kind, (rate, loss) in kinds.items()
        )
        sys.stdout.write(f"\n{name:24} n={len(lists):4} {how:10} {told}")
    assert rates["guaranteed"]["drawn"][0] <= delta + 2 * np.sqrt(delta * (1 - delta) / SETS)
    assert rates["expected"]["drawn"][1] <= 1 - TARGET + 0.01
    assert rates["naive"]["drawn"][0] > rates["guaranteed"]["drawn"][0]


def test_the_guarantee_holds_for_a_cross_encoder(
    test_data: Path, report_promise: Callable[[Promise], None]
) -> None:
    """ms-marco-MiniLM-L-6's logits over SciFact: the promise is broken in at most one of ten tuning sets."""
    run = read_run(test_data / "runs" / "scifact.bm25-top100.rerank-ms-marco-MiniLM-L-6-v2.trec")
    check(
        "scifact: cross-encoder",
        lists_of(run, read_qrels(test_data / "collections" / "scifact" / "qrels" / "test.tsv")),
        report_promise,
    )


def test_the_guarantee_holds_on_the_bundled_collection(report_promise: Callable[[Promise], None]) -> None:
    """The same for the bundled bi-encoder scores."""
    run = read_run(next((ROOT / "configs").glob("quickstart*.trec.gz")))
    check("demo: MiniLM", lists_of(run, load_dataset("demo").qrels), report_promise)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_too_few_queries_promise_nothing(confidence: float) -> None:
    """With every relevant document at the top, the fewest queries that can promise are those of the theory."""
    needed = int(np.ceil(np.log(1 - confidence) / np.log(TARGET)))
    zero = np.zeros(3)
    assert guaranteed_recall(zero, needed, TARGET, confidence) == 2
    assert guaranteed_recall(zero, needed - 1, TARGET, confidence) is None
    assert (expected_recall(zero, 9, TARGET), expected_recall(zero, 8, TARGET)) == (2, None)
