"""The scores of cascades, derived from those of their stages without a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.config import CascadeSettings, Config
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.event_log import logger
from evalkit.experiment.recorder import Recorder
from evalkit.records import Run
from evalkit.rerankers.cascade_order import CascadeOrder, CascadeRule, margin_of, order_documents
from evalkit.reranking import ScoredCandidates

StageLists = Mapping[str, NDArray[np.float64]]
"""Query id -> ``(n,)`` scores of its candidates, in first-stage order; without the queries that failed."""


def derive_cascades(run: StartedExperiment, eval_set: EvalSet) -> None:
    """Record the scores of every cascade at every depth, after the quality pass of its stages.

    A cascade at a depth is not the beginning of the same cascade at a larger one: which documents the first stage
    passes on depends on all candidates. So each depth is derived by itself.
    """
    dataset = eval_set.dataset.name
    for tag, settings in cascades_of(run.config):
        logger.info("deriving %s on %s", tag, dataset)
        for depth in run.config.depths:
            candidates = eval_set.candidates.cut(depth)
            stages = [stage_lists(run.recorder, dataset, one, depth, candidates) for one in settings.tags]
            scored = derive(tag, CascadeRule.of(settings), stages, candidates)
            run.recorder.add_scored(dataset, scored, depth, pairs=0)


def cascades_of(config: Config) -> Iterator[tuple[str, CascadeSettings]]:
    """Yield the cascades of a configuration; one that is the stage of another comes before it."""
    waiting = {tag: one for tag, one in config.rerankers.items() if isinstance(one, CascadeSettings)}
    while waiting:
        tag = next(tag for tag, one in waiting.items() if not waiting.keys() & set(one.tags))
        yield tag, waiting.pop(tag)


def stage_lists(recorder: Recorder, dataset: str, tag: str, depth: int, candidates: Run) -> StageLists:
    """Return the scores of a stage at a depth.

    A document that a stage, itself a cascade, has dropped gets 0, the same as in its response to a call.
    """
    found = recorder.scores_of(dataset, tag, depth)
    lists = {}
    for query_id, docs, _ in candidates:
        if query_id in found:
            ranks, scores = found[query_id]
            within = ranks <= len(docs)
            lists[query_id] = np.zeros(len(docs))
            lists[query_id][ranks[within] - 1] = scores[within]
    return lists


def derive(tag: str, rule: CascadeRule, stages: Sequence[StageLists], candidates: Run) -> ScoredCandidates:
    """Return what the cascade gives for lists that its stages have scored.

    A query fails if a stage that it needs has no scores for it. With ``skip``, a query may not need the later stages.

    Parameters
    ----------
    tag, rule
        The cascade.
    stages
        The scores of each stage. Those of a later stage are pointwise, so that they are the same for the documents
        that are passed on alone.
    candidates
        The candidate lists.
    """
    query_ids: list[str] = []
    doc_ids: list[str] = []
    ranks: list[int] = []
    scores: list[float] = []
    list_rank: list[int | None] = []
    failed: list[str] = []
    for query_id, docs, _ in candidates:
        found = _order(query_id, docs, rule, stages)
        if found is None:
            failed.append(query_id)
            continue
        place = {position: rank for rank, position in enumerate(found.order.tolist(), start=1)}
        for position in sorted(place):
            query_ids.append(query_id)
            doc_ids.append(docs[position])
            ranks.append(position + 1)
            scores.append(float(found.scores[position]))
            list_rank.append(place[position])
    return ScoredCandidates(
        tag,
        tuple(query_ids),
        tuple(doc_ids),
        np.array(ranks, dtype=np.int64),
        np.array(scores, dtype=np.float64),
        tuple(list_rank),
        tuple(failed),
        0,
    )


def _order(
    query_id: str, docs: Sequence[str], rule: CascadeRule, stages: Sequence[StageLists]
) -> CascadeOrder | None:
    """Return the ranking of a query; None if a stage that it needs failed."""
    first = stages[0].get(query_id)
    if first is None:
        return None
    if not rule.skips(margin_of(first)) and any(query_id not in stage for stage in stages[1:]):
        return None
    return order_documents(docs, rule, lambda number, positions: stages[number][query_id][positions])
