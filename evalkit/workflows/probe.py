"""Checks of one backend on the data of a configuration: start its service, verify every declared property."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.backend_checks import CheckResult, ExchangedQueries, probe
from evalkit.config import Config
from evalkit.errors import InputError
from evalkit.experiment.eval_sets import prepare_eval_sets
from evalkit.experiment.exchanged_queries import exchange_queries
from evalkit.experiment.pointwise_sample import sample_batches
from evalkit.experiment.sessions import only, opened
from evalkit.server.subprocess_service import served


def probe_reranker(config: Config, tag: str) -> Iterator[CheckResult]:
    """Yield the results of all checks of one reranker.

    Parameters
    ----------
    config
        The configuration of the reranker, and of a dataset whose queries and candidates are sent.
    tag
        The reranker.

    Raises
    ------
    UnknownNameError
        If the configuration has no such reranker.
    InputError
        If it is a cascade, or no query has two candidates.
    CallError
        If a plain call fails.
    """
    alone = only(config, [tag])
    eval_set = next(one for one in prepare_eval_sets(alone) if len(one.candidates))
    settings = alone.rerankers[tag]
    with served(alone) as reachable, opened(reachable) as (session,):
        requests = sample_batches(eval_set, session.caps, config.seed)
        if not requests:
            raise InputError(
                "no query has two candidates that fit in one call",
                "use a dataset with more candidates, or raise batch_size",
            )
        exchanged = exchange_queries([eval_set], session.caps, config.seed, max(config.depths))
        if not settings.is_guarded:
            why = "this backend only looks scores up" if settings.score_check else "score_check is false"
            exchanged = ExchangedQueries(eval_set.dataset.name, (), missing=why)
        yield from probe(session, eval_set.dataset.name, requests, exchanged)
