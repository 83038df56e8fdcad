"""Rerank candidates: split them into requests, send the calls, and assemble the scores into a run."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.reranking.assembly import Row, ScoredCandidates, assemble, list_ranks_of
    from evalkit.reranking.batching import Batch, Caps, batch, call_ends
    from evalkit.reranking.budget import Budget
    from evalkit.reranking.delivery import RetryingCaller
    from evalkit.reranking.embedding_ahead import embedded_ahead
    from evalkit.reranking.open_loop import Arrival, OpenLoop
    from evalkit.reranking.outcomes import Attempt, CallContext, Outcome, find_fault, make_call
    from evalkit.reranking.pooled_scoring import groups, send_pooled
    from evalkit.reranking.sender import Sender
    from evalkit.reranking.session import RerankerSession

__all__ = [
    "Arrival",
    "Attempt",
    "Batch",
    "Budget",
    "CallContext",
    "Caps",
    "OpenLoop",
    "Outcome",
    "RerankerSession",
    "RetryingCaller",
    "Row",
    "ScoredCandidates",
    "Sender",
    "assemble",
    "batch",
    "call_ends",
    "embedded_ahead",
    "find_fault",
    "groups",
    "list_ranks_of",
    "make_call",
    "send_pooled",
]

__getattr__ = load_on_use(__name__)
