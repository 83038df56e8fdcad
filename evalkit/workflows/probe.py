"""One backend probed on a configuration's own data: service started, every promise asked for."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.backend_checks import CheckResult, probe
from evalkit.config import Config
from evalkit.errors import InputError
from evalkit.experiment.eval_sets import prepare_eval_sets
from evalkit.experiment.quality_pass import sample_batches
from evalkit.experiment.sessions import only, opened
from evalkit.server.subprocess_service import served


def probe_reranker(config: Config, tag: str) -> Iterator[CheckResult]:
    """Yield what is found of one reranker.

    Parameters
    ----------
    config
        Names the reranker, and a dataset whose queries and candidates are sent.
    tag
        Which reranker.

    Raises
    ------
    UnknownNameError
        If the configuration has no such reranker.
    CallError
        If not even a plain call succeeds.
    """
    alone = only(config, [tag])
    eval_set = next(a for a in prepare_eval_sets(alone) if len(a.candidates))
    with served(alone) as reachable, opened(reachable) as (session,):
        requests = sample_batches(eval_set, session.caps, config.seed)
        if not requests:
            raise InputError(
                "no query has two candidates that fit into one call",
                "give a dataset with more candidates, or raise batch_size",
            )
        yield from probe(session, eval_set.dataset.name, requests)
