"""Decisions from results that exist already: compare, gate, rank. Nothing here calls a reranker."""

from evalkit.deciding.comparing import compare, compare_results, compare_runs
from evalkit.deciding.gating import GateResult, gate
from evalkit.deciding.ranking import leaderboard
from evalkit.deciding.tuning import tune_depth, tune_threshold

__all__ = [
    "GateResult",
    "compare",
    "compare_results",
    "compare_runs",
    "gate",
    "leaderboard",
    "tune_depth",
    "tune_threshold",
]
