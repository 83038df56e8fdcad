"""What a summary says of costs and depths where lists are shorter than the depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from support.documents import NO_INTERVAL, cost, summary

from evalkit.results.manifest import CandidateLists
from evalkit.results.summary_document import Ceiling, Summary


def with_lists(lengths: Sequence[int], depths: Sequence[int], documents: int) -> Summary:
    """Return the summary of lists at some depths, and of a reranker that was paid for a number of documents."""
    found = summary(costs=[cost("r", len(lengths), documents)], datasets=["d"])
    (facts,) = found.datasets
    ceilings = tuple(
        Ceiling("d", depth, NO_INTERVAL, {}, sum(min(n, depth) for n in lengths)) for depth in depths
    )
    return replace(
        found,
        datasets=(replace(facts, candidates=CandidateLists.of_lengths(lengths)),),
        ceilings=ceilings,
    )


@pytest.mark.parametrize(
    ("lengths", "depths", "documents", "known"),
    [
        ([50] * 4, [100], 200, {100: True, 50: True, 40: False}),
        ([50] * 4, [10, 100], 200, {100: True, 10: False}),  # one pass serves both depths
        ([50] * 4, [10, 100], 240, {100: False, 10: False}),  # a pass for each depth
        ([12, 50], [40, 100], 62, {100: True, 50: True, 40: False}),
        ([80] * 4, [50], 200, {50: True, 49: False, 100: True}),
    ],
)
def test_a_cost_is_that_of_one_pass_over_whole_lists(
    lengths: list[int], depths: list[int], documents: int, known: dict[int, bool]
) -> None:
    """The documents of the calls decide, not the depth: the cost of several passes is that of no depth."""
    found = with_lists(lengths, depths, documents)
    assert {depth: found.cost_at("d", "r", depth) is not None for depth in known} == known


def test_results_without_counts_of_pairs_are_read_as_before() -> None:
    """An earlier version recorded no pairs: more documents than the depth allows are several passes."""
    found = with_lists([50, 50], [100], 100)
    older = replace(found, ceilings=tuple(replace(one, pairs=None) for one in found.ceilings))
    assert older.cost_at("d", "r", 100) is not None
    assert older.cost_at("d", "r", 49) is None


def test_a_depth_reaches_no_further_than_the_longest_list() -> None:
    """Where lists are unknown, the depth is taken as it is."""
    found = with_lists([12, 50], [100], 62)
    assert [found.reached("d", depth) for depth in (10, 50, 100)] == [10, 50, 50]
    assert summary(datasets=["d"]).reached("d", 100) == 100
