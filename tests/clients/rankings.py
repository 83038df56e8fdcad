"""What all clients have in common: how one is asked, and the ranking that it returns.

These modules run in the environments of the clients, outside of evalkit's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ranking = list[tuple[int, float | None]]
Ask = Callable[[str, str, dict[str, Any]], Ranking]


def of_results(results: Any, score: str = "relevance_score") -> Ranking:
    """Return index and score of results, whether they are objects or mappings."""
    return [(r["index"], r[score]) if isinstance(r, dict) else (r.index, getattr(r, score)) for r in results]


def returned(asked: dict[str, Any], results: Any, document: Callable[[Any], Any]) -> Any:
    """Return results after a check that each contains its document."""
    assert [document(r) for r in results] == [asked["documents"][r.index] for r in results]
    return results
