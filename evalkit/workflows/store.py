"""Drift of a backend: a sample of stored scores compared with new scores of the same pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evalkit.backend_checks import DriftCheck, check_drift
from evalkit.backend_checks.check_calls import CheckCaller
from evalkit.backend_checks.score_drift import sample
from evalkit.config import Config
from evalkit.experiment.drift_pass import stored_requests
from evalkit.experiment.eval_sets import prepare_eval_sets
from evalkit.experiment.experiment_store import read_store
from evalkit.experiment.sessions import only, opened
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
                stored = stored_requests(
                    config, eval_set, session.tag, session.caps, known, pointwise=session.reranker.pointwise
                )
                found = sample(list(stored))
                yield check_drift(session.tag, eval_set.dataset.name, found, asker.must_score)
