"""The reranker alone against the best fusion: chosen on the tuning queries, tested on the held-out ones."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats import sign_flip
from evalkit.tuning import Split, split_queries
from evalkit.tuning.fusion_choice import against_fusion

SPLIT = Split(np.arange(20), np.arange(20, 40))


def values(tuning: float, held_out: float, noise: float = 0.05) -> np.ndarray:
    """Return 40 values around one mean on the tuning queries and another on the held-out ones."""
    spread = noise * np.random.default_rng(3).standard_normal(40)
    return np.clip(np.where(np.arange(40) < 20, tuning, held_out) + spread, 0, 1)


def test_the_opponent_is_chosen_on_the_tuning_queries_alone() -> None:
    """Another fusion that is better on the held-out queries is not taken; the first of equal ones is."""
    found = against_fusion(
        values(0.5, 0.5),
        {"rrf": values(0.6, 0.2), "0.5 reranker": values(0.4, 0.9), "same": values(0.6, 0.2)},
        SPLIT,
    )
    assert found.fusion == "rrf"
    assert found.tuned == pytest.approx(values(0.6, 0.2)[:20].mean())
    assert found.held_out.estimate == pytest.approx(values(0.6, 0.2)[20:].mean())
    assert found.alone.estimate == pytest.approx(values(0.5, 0.5)[20:].mean())
    assert found.difference.estimate == pytest.approx(0.3)
    assert found.difference.n == 20


@pytest.mark.parametrize(
    ("alone", "fused", "verdict"),
    [(0.7, 0.4, "beats"), (0.4, 0.7, "is beaten by"), (0.5, 0.5, "no significant difference")],
)
def test_the_verdict_is_that_of_the_held_out_queries(alone: float, fused: float, verdict: str) -> None:
    """Whatever the tuning queries say."""
    noise = values(0.0, 0.0, 0.0) + np.random.default_rng(1).uniform(0, 0.2, 40)
    found = against_fusion(values(0.1, alone), {"rrf": values(0.9, fused, 0.0) + noise - 0.1}, SPLIT)
    assert found.verdict == verdict
    assert found.p is not None
    assert (found.p <= 0.05) == (verdict != "no significant difference")


def test_a_claim_needs_the_interval_and_the_test() -> None:
    """One query decides all: Student's interval is not enough where signs alone could have fallen so."""
    alone, fused = np.full(40, 0.5), np.full(40, 0.5)
    alone[20:25] = 0.7
    found = against_fusion(alone, {"rrf": fused}, SPLIT)
    assert found.difference.lower is not None
    assert found.difference.lower > 0
    assert found.p == sign_flip((alone - fused)[20:, None]).p[0]
    assert found.p > 0.05
    assert found.verdict == "no significant difference"


def test_without_held_out_queries_there_is_no_claim() -> None:
    """A single query is in the tuning half."""
    found = against_fusion(np.array([1.0]), {"rrf": np.array([0.0])}, split_queries(1, 0))
    assert (found.p, found.difference.estimate, found.verdict) == (None, None, "no significant difference")


def test_repeated_queries_are_one_cluster() -> None:
    """Every query many times is no more evidence: the claim of independent queries is withheld."""
    rng = np.random.default_rng(5)
    few = rng.normal(0.1, 0.2, 16)
    alone = np.repeat(0.5 + few, 30)
    fusions = {"rrf": np.full(480, 0.5)}
    clusters = np.repeat(np.arange(16), 30)
    split = split_queries(480, 0, clusters)
    independent = against_fusion(alone, fusions, split)
    together = against_fusion(alone, fusions, split, clusters)
    assert independent.verdict != "no significant difference"
    assert together.verdict == "no significant difference"
