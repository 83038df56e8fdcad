"""Drift of a backend: a sample of stored scores compared with new scores of the same pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evalkit.backend_checks import DriftCheck, check_drift
from evalkit.backend_checks.check_calls import CheckCaller
from evalkit.backend_checks.pointwise import SAMPLED_DOCUMENTS
from evalkit.backend_checks.score_drift import StoredRequest, sample
from evalkit.config import Config
from evalkit.experiment.eval_sets import EvalSet, prepare_eval_sets
from evalkit.experiment.experiment_store import read_store
from evalkit.experiment.known_scores import KnownScores
from evalkit.experiment.quality_pass import quality_lists
from evalkit.experiment.sessions import only, opened
from evalkit.reranking import Caps, RerankerSession, batch
from evalkit.results.folder import results_folder
from evalkit.server.subprocess_service import served


def drift_checks(
    config: Config, tags: Sequence[str] = (), into: str | Path | None = None
) -> Iterator[DriftCheck]:
    """Yield one check for every reranker and dataset; nothing is stored.

    Parameters
    ----------
    config
        The configuration of the rerankers, the datasets and the store.
    tags
        The rerankers to check; all of them where empty.
    into
        Parent of the result folders; the same as in `run`.

    Raises
    ------
    UnknownNameError
        If the configuration has no such reranker.
    CallError
        If a call fails.
    StorageError
        If the store cannot be read.
    """
    some = only(config, tags or config.rerankers)
    eval_sets = prepare_eval_sets(some)
    with (
        read_store(some, results_folder(config.name, into)) as store,
        served(some) as reachable,
        opened(reachable) as sessions,
    ):
        known = store.lookup(started_s=0.0)
        for session in sessions:
            for eval_set in eval_sets:
                asker = CheckCaller(session, eval_set.dataset.name)
                found = sample(list(_stored(config, eval_set, session, known)))
                yield check_drift(session.tag, eval_set.dataset.name, found, asker.must_score)


def _stored(
    config: Config, eval_set: EvalSet, session: RerankerSession, known: KnownScores
) -> Iterator[StoredRequest]:
    """Yield requests whose scores are all stored: whole lists for listwise rerankers, else their first documents."""
    pointwise = session.reranker.pointwise
    size = min(SAMPLED_DOCUMENTS, session.caps.documents or SAMPLED_DOCUMENTS)
    caps = Caps(size, session.caps.bytes, session.caps.tokens) if pointwise else session.caps
    for _, candidates in quality_lists(config, eval_set, pointwise=pointwise):
        lists = candidates.cut(size) if pointwise else candidates
        by_query = dict(known.lists(session.tag, eval_set, lists, pointwise=pointwise))
        for item in batch(lists, eval_set.dataset, caps, pointwise=pointwise):
            stored = [by_query[item.request.query_id][rank - 1] for rank in item.ranks]
            whole = [one for one in stored if one is not None]
            if item.ranks[0] == 1 and len(whole) == len(stored):
                scores = np.array([one.score for one in whole])
                yield StoredRequest(item.request, scores, min(one.stored_s for one in whole))
