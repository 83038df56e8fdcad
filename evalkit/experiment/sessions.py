"""The rerankers of a configuration, opened as sessions and closed at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from evalkit.config import CascadeSettings, Config, RerankerSettings
from evalkit.errors import InputError, UnknownNameError
from evalkit.rerankers import open_reranker
from evalkit.reranking import Budget, RerankerSession


def only(config: Config, tags: Iterable[str]) -> Config:
    """Return the configuration with only some of its rerankers, and without runs.

    The baseline is the first stage where the configured one is left out.

    Raises
    ------
    UnknownNameError
        If a tag is not in the configuration.
    InputError
        If one of them is a cascade and its stages are not among them.
    """
    chosen = tuple(tags)
    for tag in chosen:
        if tag not in config.rerankers:
            raise UnknownNameError("reranker", tag, config.rerankers)
        settings = config.rerankers[tag]
        if isinstance(settings, CascadeSettings) and not set(settings.tags) <= set(chosen):
            stages = ", ".join(settings.tags)
            raise InputError(
                f"reranker {tag!r} is a cascade of {stages} and has no backend of its own",
                "use this command on its stages",
            )
    chosen_rerankers = {tag: config.rerankers[tag] for tag in chosen}
    compare = config.compare
    if compare.baseline not in {None, config.retriever.label, *chosen}:
        compare = compare.model_copy(update={"baseline": None})
    return config.model_copy(update={"rerankers": chosen_rerankers, "runs": {}, "compare": compare})


@contextmanager
def open_session(tag: str, settings: RerankerSettings, budget: Budget) -> Iterator[RerankerSession]:
    """Open one reranker under a tag."""
    session = RerankerSession.of(tag, open_reranker(settings), settings, budget)
    try:
        yield session
    finally:
        session.reranker.close()


@contextmanager
def opened(config: Config, spent_usd: float = 0.0) -> Iterator[list[RerankerSession]]:
    """Open every reranker that is called; they share one budget, of which `spent_usd` is spent already."""
    budget = Budget(config.budget.usd if config.budget else None, spent_usd)
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_session(tag, settings, budget))
            for tag, settings in config.called.items()
        ]
