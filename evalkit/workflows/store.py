"""Stored scores held against fresh ones: service started, a small sample asked for again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evalkit.backend_checks import DriftCheck, check_drift
from evalkit.backend_checks.pointwise import SAMPLED_DOCUMENTS
from evalkit.backend_checks.score_drift import StoredRequest, sample
from evalkit.backend_checks.test_calls import CheckCaller
from evalkit.config import Config
from evalkit.experiment.eval_sets import EvalSet, prepare_eval_sets
from evalkit.experiment.experiment_store import ExperimentStore, open_store
from evalkit.experiment.quality_pass import quality_lists
from evalkit.experiment.sessions import only, opened
from evalkit.reranking import Caps, RerankerSession, batch
from evalkit.results.folder import results_folder
from evalkit.server.subprocess_service import served


def drift_checks(
    config: Config, tags: Sequence[str] = (), into: str | Path | None = None
) -> Iterator[DriftCheck]:
    """Yield what is found of every reranker and dataset; nothing is stored.

    Parameters
    ----------
    config
        Names rerankers, datasets and, where it does, the store.
    tags
        Which rerankers; all of them where empty.
    into
        Parent of the result folders, as `run` was given it.

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
        open_store(some, results_folder(config.name, into), only_look=True) as store,
        served(some) as reachable,
        opened(reachable) as sessions,
    ):
        for session in sessions:
            for eval_set in eval_sets:
                caller = CheckCaller(session, eval_set.dataset.name)
                found = sample(list(_stored(config, eval_set, session, store)))
                yield check_drift(session.tag, eval_set.dataset.name, found, caller.must_score)


def _stored(
    config: Config, eval_set: EvalSet, session: RerankerSession, store: ExperimentStore
) -> Iterator[StoredRequest]:
    """Yield the requests of which all scores are stored: whole lists where they count, else their beginnings."""
    pointwise = session.reranker.pointwise
    size = min(SAMPLED_DOCUMENTS, session.caps.documents or SAMPLED_DOCUMENTS)
    caps = Caps(size, session.caps.bytes, session.caps.tokens) if pointwise else session.caps
    for _, candidates in quality_lists(config, eval_set, pointwise=pointwise):
        lists = candidates.cut(size) if pointwise else candidates
        known = dict(store.lists(session.tag, eval_set, lists, pointwise=pointwise))
        for item in batch(lists, eval_set.dataset, caps, pointwise=pointwise):
            stored = [known[item.request.query_id][rank - 1] for rank in item.ranks]
            whole = [one for one in stored if one is not None]
            if item.ranks[0] == 1 and len(whole) == len(stored):
                scores = np.array([one.score for one in whole])
                yield StoredRequest(item.request, scores, min(one.stored_s for one in whole))
