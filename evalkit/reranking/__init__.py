"""Candidates to calls to scores to a run: batching, sending, assembling."""

from evalkit.reranking.arms import Arm
from evalkit.reranking.arriving import Arrival, Arrivals
from evalkit.reranking.assembling import Row, ScoredCandidates, assemble, list_ranks_of, scored_run
from evalkit.reranking.batching import Batch, Caps, batch
from evalkit.reranking.delivering import Courier
from evalkit.reranking.embedding import embedded_ahead
from evalkit.reranking.outcomes import Attempt, CallContext, Outcome, find_fault, make_call
from evalkit.reranking.pooling import pools, send_pooled
from evalkit.reranking.sending import Sender
from evalkit.reranking.spending import Spending

__all__ = [
    "Arm",
    "Arrival",
    "Arrivals",
    "Attempt",
    "Batch",
    "CallContext",
    "Caps",
    "Courier",
    "Outcome",
    "Row",
    "ScoredCandidates",
    "Sender",
    "Spending",
    "assemble",
    "batch",
    "embedded_ahead",
    "find_fault",
    "list_ranks_of",
    "make_call",
    "pools",
    "scored_run",
    "send_pooled",
]
