"""Score drift between two versions of a reranker, and thresholds carried from one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.comparison import ComparisonSet
from evalkit.comparison.threshold_transfer import ScoredPairs, carry_threshold, score_drift, usual_thresholds
from evalkit.records import RELEVANT_GRADE, Qrels
from evalkit.results.comparison_document import Transfer
from evalkit.summaries.opened_results import OpenedResult
from evalkit.summaries.tuning_labels import candidate_labels


def transfers(
    before: OpenedResult,
    after: OpenedResult,
    tags: tuple[str, str],
    comparison_sets: Sequence[ComparisonSet],
    thresholds: Sequence[float],
) -> tuple[Transfer, ...]:
    """Return, for each dataset, the drift of the scores and the carried thresholds; nothing for ranks as scores.

    Parameters
    ----------
    before, after, tags
        The results of both versions, and the tag of the reranker in each.
    comparison_sets
        The datasets on which both versions were measured.
    thresholds
        Thresholds of the old version; quantiles of its scores where empty.
    """
    if not (before.manifest.rerankers[tags[0]].has_scores and after.manifest.rerankers[tags[1]].has_scores):
        return ()
    kinds = (before.manifest.rerankers[tags[0]].score_kind, after.manifest.rerankers[tags[1]].score_kind)
    seed = before.config.seed
    return tuple(
        _transfer(comparison_set, both, (tags[1], kinds), thresholds, seed)
        for comparison_set, both in _both(before, after, tags, comparison_sets)
    )


_Pair = tuple[str, str]
"""Query and document."""
_Both = Sequence[tuple[_Pair, float, float]]
"""Pairs with their scores before and after."""


def _transfer(
    comparison_set: ComparisonSet,
    both: _Both,
    scorer: tuple[str, tuple[str, str]],
    thresholds: Sequence[float],
    seed: int,
) -> Transfer:
    """Return the drift and the carried thresholds; whose grades count for relevance is as in `candidate_labels`."""
    labels = candidate_labels(comparison_set, comparison_set.deepest or 1)
    every, judged = _pairs(both, comparison_set.qrels), None
    if labels.why_not is not None:
        every = _pairs(both, Qrels({}))
    elif labels.rests_on is not None:
        qrels = labels.comparison_set.qrels
        judged = _pairs([one for one in both if one[0][0] in qrels.grades], qrels)
    return Transfer(
        dataset=comparison_set.dataset,
        reranker=scorer[0],
        kinds=scorer[1],
        drift=score_drift(every),
        thresholds=tuple(
            carry_threshold(every, threshold, seed=seed, judged=judged)
            for threshold in thresholds or usual_thresholds(every)
        ),
        why_not=labels.why_not,
        rests_on=labels.rests_on,
    )


def scored_pairs(
    before: OpenedResult, after: OpenedResult, tags: tuple[str, str], comparison_sets: Sequence[ComparisonSet]
) -> Iterator[tuple[ComparisonSet, ScoredPairs]]:
    """Yield each dataset with the pairs that both versions scored; datasets without such pairs are skipped."""
    for comparison_set, both in _both(before, after, tags, comparison_sets):
        yield comparison_set, _pairs(both, comparison_set.qrels)


def _both(
    before: OpenedResult, after: OpenedResult, tags: tuple[str, str], comparison_sets: Sequence[ComparisonSet]
) -> Iterator[tuple[ComparisonSet, _Both]]:
    for comparison_set in comparison_sets:
        old = _scores_of(before, comparison_set, tags[0])
        new = dict(_scores_of(after, comparison_set, tags[1]))
        both = [(pair, score, new[pair]) for pair, score in old if pair in new]
        if both:
            yield comparison_set, both


def _scores_of(
    result: OpenedResult, comparison_set: ComparisonSet, tag: str
) -> Sequence[tuple[_Pair, float]]:
    """Return the pairs of one reranker at the depth of the comparison, with their scores."""
    columns = result.folder.read_scores_of(comparison_set.dataset, tag)
    chosen = np.isnan(columns["depth"]) | (columns["depth"] == comparison_set.depth)
    chosen &= ~np.isnan(columns["score"])
    query_ids, doc_ids, scores = (columns[name][chosen].tolist() for name in ("query_id", "doc_id", "score"))
    return list(zip(zip(query_ids, doc_ids, strict=True), scores, strict=True))


def _pairs(both: _Both, judged: Qrels) -> ScoredPairs:
    numbers = {
        query_id: place for place, query_id in enumerate(dict.fromkeys(pair[0] for pair, _, _ in both))
    }
    relevant = [judged.of(query_id).get(doc_id, 0) >= RELEVANT_GRADE for (query_id, doc_id), _, _ in both]
    return ScoredPairs(
        query=np.array([numbers[query_id] for (query_id, _), _, _ in both], dtype=np.int64),
        before=np.array([score for _, score, _ in both]),
        after=np.array([score for _, _, score in both]),
        relevant=np.array(relevant, dtype=np.bool_),
    )
