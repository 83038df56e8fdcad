"""Numbers of candidates in words: lists may be shorter than the depth."""

from __future__ import annotations

from evalkit.results.manifest import CandidateLists


def candidate_count(depth: int, lists: CandidateLists | None) -> str:
    """Return how many candidates a query has at a depth: ``50``, ``12 to 50``, or ``up to 50`` where it is unknown."""
    if lists is None or not lists.longest_list:
        return f"up to {depth}"
    shortest, longest = min(lists.shortest_list, depth), min(lists.longest_list, depth)
    return f"{longest}" if shortest == longest else f"{shortest} to {longest}"


def most_candidates(depth: int, lists: CandidateLists | None) -> str:
    """Return how many candidates a query has at most: ``50``, or ``up to 50`` where some have fewer."""
    count = candidate_count(depth, lists)
    return count if count.isdigit() else f"up to {reached(depth, lists)}"


def reached(depth: int | None, lists: CandidateLists | None) -> int | None:
    """Return the most candidates that a query has at a depth."""
    return depth if depth is None or lists is None else min(depth, lists.longest_list or depth)
