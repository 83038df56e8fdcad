"""The rerankers of a configuration, opened for as long as they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from evalkit.config import Config
from evalkit.errors import UnknownNameError
from evalkit.rerankers import open_reranker
from evalkit.reranking import Arm, Spending


def only(config: Config, tags: Iterable[str]) -> Config:
    """Return a configuration with some of its rerankers alone.

    Raises
    ------
    UnknownNameError
        If it has no such reranker.
    """
    for tag in tags:
        if tag not in config.rerankers:
            raise UnknownNameError("reranker", tag, config.rerankers)
    return config.model_copy(update={"rerankers": {tag: config.rerankers[tag] for tag in tags}})


@contextmanager
def opened(config: Config, spent_usd: float = 0.0) -> Iterator[list[Arm]]:
    """Open every reranker; they share one budget, of which something may be spent."""
    spending = Spending(config.budget.usd if config.budget else None, spent_usd)
    arms: list[Arm] = []
    try:
        for tag, settings in config.rerankers.items():
            arms.append(Arm.of(tag, open_reranker(settings), settings, spending))
        yield arms
    finally:
        for arm in arms:
            arm.reranker.close()
