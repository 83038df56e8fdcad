"""Numbers of candidates in words."""

from __future__ import annotations

import pytest

from evalkit.report.candidate_counts import candidate_count, most_candidates, reached
from evalkit.results.manifest import CandidateLists


@pytest.mark.parametrize(
    ("lengths", "depth", "count", "most", "deepest"),
    [
        ([50, 50], 100, "50", "50", 50),
        ([12, 50], 100, "12 to 50", "up to 50", 50),
        ([12, 50], 20, "12 to 20", "up to 20", 20),
        ([12, 50], 10, "10", "10", 10),
        ([], 100, "up to 100", "up to 100", 100),
        (None, 100, "up to 100", "up to 100", 100),
    ],
)
def test_counts_are_those_of_the_lists(
    lengths: list[int] | None, depth: int, count: str, most: str, deepest: int
) -> None:
    """One number where all lists have it, else the range or the most; what is unknown is at most the depth."""
    lists = None if lengths is None else CandidateLists.of_lengths(lengths)
    assert candidate_count(depth, lists) == count
    assert most_candidates(depth, lists) == most
    assert reached(depth, lists) == deepest
