"""Losses of recall at every threshold and depth, compared with plain loops over queries and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.tuning.recall_losses import RankedScores
from evalkit.tuning.threshold_choice import ScoredLists, curves, thresholds_of

Lists = list[list[tuple[float, bool, int]]]
"""For each query its candidates: score, whether it is relevant, and rank in the first stage."""


@st.composite
def lists(draw: st.DrawFn) -> Lists:
    """Return lists of up to six candidates, with tied scores and queries without a relevant candidate."""
    found = []
    for size in draw(st.lists(st.integers(1, 6), min_size=1, max_size=5)):
        ranks = draw(st.permutations(range(1, size + 1)))
        rows = [(draw(st.integers(0, 4)) / 2, draw(st.booleans()), rank) for rank in ranks]
        found.append(sorted(rows, key=lambda row: -row[0]))
    return found


def scored(found: Lists, clusters: np.ndarray | None = None) -> ScoredLists:
    """Return the lists as columns."""
    columns = [[row[place] for rows in found for row in rows] for place in range(3)]
    offsets = np.cumsum([0, *map(len, found)])
    scores, relevant = np.array(columns[0]), np.array(columns[1], dtype=np.bool_)
    return ScoredLists(scores, relevant, offsets, clusters, np.array(columns[2]))


@given(lists(), st.integers(1, 6))
def test_losses_are_those_of_a_loop(found: Lists, depth: int) -> None:
    """Thresholds are the scores down to the depth; a query without a relevant candidate there does not count."""
    shallow = [[row for row in rows if row[2] <= depth] for rows in found]
    usable = [rows for rows in shallow if any(row[1] for row in rows)]
    losses = RankedScores.of(scored(found)).losses(depth)
    assert losses.thresholds.tolist() == sorted({row[0] for rows in shallow for row in rows})
    assert (losses.queries, losses.independent, losses.clustered) == (len(usable), len(usable), False)
    for threshold, loss in zip(losses.thresholds, losses.losses, strict=True):
        recalls = [
            sum(row[1] and row[0] >= threshold for row in rows) / sum(row[1] for row in rows)
            for rows in usable
        ]
        if usable:
            assert loss == pytest.approx(1 - sum(recalls) / len(recalls), abs=1e-12)


@given(lists())
def test_curves_are_those_of_a_loop(found: Lists) -> None:
    """Kept documents, precision and recall of each query at each threshold, those outside of the scores included."""
    columns = scored(found)
    thresholds = np.concatenate(([-np.inf], thresholds_of(columns), [9.0]))
    at = curves(columns, thresholds)
    for query, rows in enumerate(found):
        for place, threshold in enumerate(thresholds):
            kept = [row for row in rows if row[0] >= threshold]
            hits, relevant = sum(row[1] for row in kept), sum(row[1] for row in rows)
            assert at.kept[query, place] == len(kept)
            for value, whole in ((at.precision, len(kept)), (at.recall, relevant)):
                expected = hits / whole if whole else np.nan
                assert value[query, place] == pytest.approx(expected, nan_ok=True, abs=0)


def test_clusters_count_by_their_effective_number() -> None:
    """Two queries of one cluster and one alone are fewer than three; queries that drop out do not count."""
    found: Lists = [[(1.0, True, 1)], [(2.0, True, 1)], [(3.0, True, 2), (1.0, False, 1)]]
    ranked = RankedScores.of(scored(found, np.array([0, 0, 1])))
    assert (ranked.losses(1).queries, ranked.losses(1).independent, ranked.losses(1).clustered) == (
        2,
        1,
        True,
    )
    assert (ranked.losses(2).queries, ranked.losses(2).independent) == (3, 9 // 5)


def test_queries_of_lists_are_chosen_by_row() -> None:
    """Rows keep their order, and those with a relevant candidate are found."""
    found = scored([[(3.0, False, 1)], [(2.0, True, 1), (1.0, False, 2)], [(5.0, True, 1)]])
    assert found.best.tolist() == [3.0, 2.0, 5.0]
    assert found.relevant_counts.tolist() == [0, 1, 1]
    chosen = found.only(np.array([2, 1]))
    assert chosen.scores.tolist() == [5.0, 2.0, 1.0]
    assert chosen.ranks is not None
    assert chosen.ranks.tolist() == [1, 1, 2]
    assert found.with_relevant().scores.tolist() == [2.0, 1.0, 5.0]
