"""Score drift between two versions of a reranker, and thresholds carried from one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalkit.comparison import ComparisonSet
from evalkit.comparison.threshold_transfer import ScoredPairs, carry_threshold, score_drift, usual_thresholds
from evalkit.results.comparison_document import Transfer
from evalkit.summaries.opened_results import OpenedResult

if TYPE_CHECKING:
    import pandas as pd


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
    return tuple(
        Transfer(
            dataset=comparison_set.dataset,
            reranker=tags[1],
            kinds=kinds,
            drift=score_drift(pairs),
            thresholds=tuple(
                carry_threshold(pairs, threshold, seed=before.config.seed)
                for threshold in thresholds or usual_thresholds(pairs)
            ),
        )
        for comparison_set, pairs in scored_pairs(before, after, tags, comparison_sets)
    )


def scored_pairs(
    before: OpenedResult, after: OpenedResult, tags: tuple[str, str], comparison_sets: Sequence[ComparisonSet]
) -> Iterator[tuple[ComparisonSet, ScoredPairs]]:
    """Yield each dataset with the pairs that both versions scored; datasets without such pairs are skipped."""
    old, new = before.folder.read_scores(), after.folder.read_scores()
    for comparison_set in comparison_sets:
        both = _scores_of(old, comparison_set, tags[0]).merge(
            _scores_of(new, comparison_set, tags[1]), on=["query_id", "doc_id"]
        )
        if not both.empty:
            yield comparison_set, _pairs(both, comparison_set)


def _scores_of(scores: pd.DataFrame, comparison_set: ComparisonSet, tag: str) -> pd.DataFrame:
    """Return query, document and score of one reranker's pairs at the depth of the comparison."""
    chosen = scores[(scores["dataset"] == comparison_set.dataset) & (scores["reranker"] == tag)]
    chosen = chosen[chosen["depth"].isna() | (chosen["depth"] == comparison_set.depth)]
    return chosen.loc[chosen["score"].notna(), ["query_id", "doc_id", "score"]]


def _pairs(both: pd.DataFrame, comparison_set: ComparisonSet) -> ScoredPairs:
    import numpy as np
    import pandas as pd

    relevant = [
        comparison_set.qrels.of(query_id).get(doc_id, 0) > 0
        for query_id, doc_id in zip(both["query_id"], both["doc_id"], strict=True)
    ]
    return ScoredPairs(
        query=pd.factorize(both["query_id"])[0].astype(np.int64),
        before=both["score_x"].to_numpy(dtype=np.float64),
        after=both["score_y"].to_numpy(dtype=np.float64),
        relevant=np.array(relevant, dtype=np.bool_),
    )
