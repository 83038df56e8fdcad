"""Cascades in the latency pass: the whole cascade is timed, to check the latency composed of its stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalkit.config import CascadeSettings, Config, RerankerSettings, Traffic
from evalkit.experiment.cascade_pass import cascades_of
from evalkit.experiment.context import Experiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.latency import LatencyCell, plan_cells, without_finished
from evalkit.rerankers import Reranker
from evalkit.rerankers.cascade import Cascade
from evalkit.reranking import RerankerSession


def timed_cascades(config: Config) -> list[str]:
    """Return the cascades that are timed: those of which no stage costs money, is rate-limited, or is a look-up.

    Calls of a cascade do not count towards the budget and the rate limits of its stages. A stage costs money if it has
    a price or an API key.
    """
    if config.latency is None:
        return []
    return [tag for tag, settings in cascades_of(config) if all(map(_is_free, _leaves(settings)))]


def _is_free(settings: RerankerSettings) -> bool:
    traffic = settings.traffic()
    limited = traffic.requests_per_minute is not None or traffic.tokens_per_minute is not None
    paid = traffic.billed and (
        traffic.price is not None or getattr(settings, "key_variables", None) is not None
    )
    return settings.timed and not paid and not limited


def _leaves(settings: RerankerSettings) -> Iterator[RerankerSettings]:
    """Yield the rerankers that a cascade calls, also over other cascades."""
    if not isinstance(settings, CascadeSettings):
        yield settings
        return
    for stage in settings.stage_settings():
        yield from _leaves(stage)


def cascade_sessions(config: Config, sessions: Mapping[str, RerankerSession]) -> list[RerankerSession]:
    """Return a session for each timed cascade over the open rerankers; it is not closed, as they are."""
    open_rerankers: dict[str, Reranker] = {tag: session.reranker for tag, session in sessions.items()}
    timed, made = timed_cascades(config), []
    for tag, settings in cascades_of(config):
        open_rerankers[tag] = Cascade(settings, [open_rerankers[stage] for stage in settings.tags])
        if tag in timed:
            retries = max(one.traffic().retries for one in _leaves(settings))
            made.append(RerankerSession(tag, open_rerankers[tag], Traffic(retries=retries)))
    return made


def cascade_cells(experiment: Experiment, eval_set: EvalSet) -> list[LatencyCell]:
    """Return the timed calls of cascades that are left: one call in flight, with as many documents as the depth."""
    config = experiment.config
    tags = timed_cascades(config)
    if config.latency is None or not tags:
        return []
    alone = {"batch_sizes": (experiment.depth,), "concurrency": (1,), "length_buckets": 1}
    settings = config.latency.model_copy(update={**alone, "offline": None, "server": None})
    cells = plan_cells(settings, tags, eval_set.dataset, eval_set.candidates, config.seed)
    return without_finished(cells, experiment.recorder.timed(eval_set.dataset.name))
