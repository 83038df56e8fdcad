"""Candidates to calls to scores to a run: batching, sending, assembling."""

from evalkit.reranking.assembling import ScoredCandidates, assemble, scored_run
from evalkit.reranking.batching import Batch, batch
from evalkit.reranking.sending import CallContext, Outcome, Sender, find_fault, request_scores

__all__ = [
    "Batch",
    "CallContext",
    "Outcome",
    "ScoredCandidates",
    "Sender",
    "assemble",
    "batch",
    "find_fault",
    "request_scores",
    "scored_run",
]
