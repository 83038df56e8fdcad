"""One backend probed on a configuration's own data: service started, every promise asked for."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.checking import Finding, probe
from evalkit.config import Config
from evalkit.errors import InputError, UnknownNameError
from evalkit.experiment.arenas import prepare_arenas
from evalkit.experiment.passes import sample_batches
from evalkit.rerankers import open_reranker
from evalkit.reranking import Arm, Spending
from evalkit.server.process import served


def probe_reranker(config: Config, tag: str) -> Iterator[Finding]:
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
    if tag not in config.rerankers:
        raise UnknownNameError("reranker", tag, config.rerankers)
    alone = config.model_copy(update={"rerankers": {tag: config.rerankers[tag]}})
    arena = next(a for a in prepare_arenas(alone) if len(a.candidates))
    with served(alone) as reachable:
        settings = reachable.rerankers[tag]
        reranker = open_reranker(settings)
        try:
            arm = Arm.of(tag, reranker, settings, Spending(config.budget.usd if config.budget else None))
            requests = sample_batches(arena, arm.caps, config.seed)
            if not requests:
                raise InputError(
                    "no query has two candidates that fit into one call",
                    "give a dataset with more candidates, or raise batch_size",
                )
            yield from probe(arm, arena.dataset.name, requests)
        finally:
            reranker.close()
