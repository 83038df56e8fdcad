"""Thresholds at a depth: the guarantee where the same queries chose the depth, and a threshold of another depth.

``EVALKIT_RESAMPLES`` sets the draws. ``pytest -s`` prints the figures of the real collection.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.promises import Promise
from support.systems import system_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.datasets import load_dataset
from evalkit.formats import read_run
from evalkit.results.tuning_document import TunedDepth
from evalkit.retrievers import open_retriever, retrieve_candidates
from evalkit.retrievers.bm25 import Bm25
from evalkit.summaries.candidate_runs import first_stage_run
from evalkit.summaries.production_rules import kept_documents
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.summaries.tuning_depths import QueryHalves, among
from evalkit.tuning.depth_bands import band_of
from evalkit.tuning.threshold_choice import hoeffding_bentkus

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "1000"))
TARGET, CONFIDENCE = 0.9, 0.95


@cache
def p_value(lost: int, queries: int) -> float:
    """Return the p-value of a threshold that loses the relevant document of some queries."""
    if not queries:
        return 1.0
    return float(hoeffding_bentkus(np.array([lost / queries]), queries, 1 - TARGET)[0])


def p_values(rng: np.random.Generator, queries: int, deepest: int) -> NDArray[np.float64]:
    """Return ``(deepest,)`` p-values of a threshold that loses slightly too much at every depth.

    Each query has one relevant document, and its rank is log-uniform: every doubling of the depth adds as many queries,
    so the depths are as independent as nested candidates can be, and many have a number of queries at which the test
    is tight.
    """
    rank = np.sort(np.exp(rng.random(queries) * np.log(deepest + 1)).astype(np.int64))
    lost = np.concatenate(([0], np.cumsum(rng.random(queries) < 1 - TARGET + 1e-4)))
    seen = np.searchsorted(rank, np.arange(1, deepest + 1), side="right")
    return np.array([p_value(int(lost[n]), int(n)) for n in seen])


@pytest.mark.long
@pytest.mark.parametrize(("queries", "deepest"), [(150, 127), (150, 1000), (400, 1000)])
def test_the_guarantee_holds_at_the_depth_that_the_same_queries_chose(
    queries: int, deepest: int, report_promise: Callable[[Promise], None]
) -> None:
    """The queries choose the depth at which the threshold passes, if there is one: the worst that a choice can do.

    Without bands of depths the guarantee breaks more often than in .05 of the draws.
    """
    rng = np.random.default_rng(3)
    bands = {band_of(depth, deepest) for depth in range(1, deepest + 1)}
    before = now = 0
    for _ in range(DRAWS):
        found = p_values(rng, queries, deepest)
        before += bool((found <= 1 - CONFIDENCE).any())
        now += any(
            (found[band.lowest - 1 : band.highest] <= 1 - band.confidence(CONFIDENCE)).all() for band in bands
        )
    claim = "threshold below its guaranteed recall at a depth that the same queries chose: at most .05"
    world = f"{queries} queries, {deepest} depths, ranks log-uniform"
    report_promise(Promise(world, claim, before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= float(stats.binom.ppf(0.999, DRAWS, 1 - CONFIDENCE)) / DRAWS
    assert before / DRAWS > 1 - CONFIDENCE


def scifact(folder: Path, model: str) -> ComparisonSet:
    """Return SciFact with the scores of a model; its candidates are in the order of BM25."""
    block = {"source": "beir_folder", "path": str(folder / "collections" / "scifact"), "split": "test"}
    dataset = load_dataset(block)
    scored = read_run(folder / "runs" / f"scifact.bm25-top100.rerank-{model}.trec")
    found = retrieve_candidates(open_retriever(Bm25.Settings(), dataset), dataset, 1000)
    candidates = among(found, scored)
    system = system_of(among(scored, candidates), dataset.qrels)
    return ComparisonSet("scifact", dataset.qrels, {"r": system}, {}, candidates, 100)


@pytest.mark.parametrize("model", ["ms-marco-MiniLM-L-6-v2", "all-MiniLM-L6-v2"])
def test_a_threshold_is_wrong_at_another_depth(test_data: Path, model: str) -> None:
    """Tuned at depth 100 and used at depth 10, it keeps more of the documents than the goal needs.

    Tuned at depth 10 it drops more, and the held-out recall still reaches the goal.
    """
    found, plan = scifact(test_data, model), Plan("bm25", "nDCG@10", seed=20261123)
    halves = QueryHalves.of(found, plan)
    held_out = [q for q in found.qrels.answerable if q in halves.held_out]
    candidates = first_stage_run(found).cut(10)
    kept_share, recall = {}, {}
    for depth in (100, 10):
        threshold = find_threshold(found, "r", plan, Goal(), TunedDepth(depth, "given")).threshold
        kept = kept_documents(found, "r", 10, threshold)
        documents = sum(len(candidates.docs(q)) for q in held_out)
        kept_share[depth] = sum(len(kept.docs(q)) for q in held_out) / documents
        hits = [
            np.mean([d in kept.docs(q) for d in relevant])
            for q in held_out
            if (relevant := [d for d in candidates.docs(q) if found.qrels.of(q).get(d, 0) > 0])
        ]
        recall[depth] = float(np.mean(hits))
        sys.stdout.write(
            f"\n{model}: tuned at {depth}, used at 10: threshold {threshold!r}, kept {kept_share[depth]:.3f},"
            f" recall {recall[depth]:.3f}"
        )
    assert kept_share[10] < kept_share[100] - 0.02
    assert recall[10] >= TARGET
