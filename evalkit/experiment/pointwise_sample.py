"""The sample of the pointwise check: lists of a few queries, which are calls of the quality pass where possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evalkit.backend_checks.pointwise import SAMPLED_DOCUMENTS, SAMPLED_QUERIES
from evalkit.experiment.context import Experiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.records import RerankRequest
from evalkit.reranking import Caps, batch

LONGEST_SHARED = 100
"""Documents of the longest call of the quality pass that also serves the pointwise check."""


def sample_batches(
    eval_set: EvalSet,
    caps: Caps,
    seed: int,
    depth: int = SAMPLED_DOCUMENTS,
    queries: int = SAMPLED_QUERIES,
) -> list[RerankRequest]:
    """Return requests for a sample of queries with their first candidates, as many as fit into one call.

    They are the first calls of the quality pass for these queries, unless those have very many documents.
    """
    sent = eval_set.sent_run(depth)
    longest = depth
    if eval_set.passages is not None:
        longest = max((len(passages) for _, passages, _ in sent), default=depth)
    size = min(longest, caps.documents or longest)
    size = size if size <= LONGEST_SHARED else SAMPLED_DOCUMENTS
    shallow = sent.cut(size)
    caps = replace(caps, documents=size)
    requests = [
        item.request
        for item in batch(shallow, eval_set.sent_dataset, caps, pointwise=True)
        if item.ranks[0] == 1 and len(item.request.documents) > 1
    ]
    rng = np.random.default_rng(seed)
    return [requests[i] for i in sorted(rng.permutation(len(requests))[:queries].tolist())]


def shared_queries(
    experiment: Experiment, tag: str, eval_set: EvalSet, caps: Caps, sample: Sequence[RerankRequest]
) -> set[str]:
    """Return the queries of a sample whose request is one that the quality pass would send, with all its pairs unknown.

    Empty for a local model: its quality pass may run elsewhere, and its calls cost nothing.
    """
    if not experiment.config.rerankers[tag].traffic().billed:
        return set()
    own = eval_set.sent_run(experiment.depth).restricted_to({request.query_id for request in sample})
    rows = experiment.store.rows(tag, eval_set, own, pointwise=True)
    known = {query_id: row.known_ranks for query_id, row in rows.items()}
    planned = {item.request for item in batch(own, eval_set.sent_dataset, caps, pointwise=True, known=known)}
    return {request.query_id for request in sample if request in planned}
