"""Any API without a dialect of its own: the configuration names its keys."""

from __future__ import annotations

import re
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.shape import Shape, dig, put, split_path
from evalkit.errors import CallError


class Generic(Dialect):
    """Any other rerank API: name its keys under ``shape:``.

    Parameters
    ----------
    shape
        Where the API keeps its parts; the names that most APIs use where None.
    key_header, key_prefix
        How it takes its key.
    is_sorted
        Whether its list comes best first.
    """

    instructed_models = re.compile("")  # a configuration names the field only where the API applies it
    served_under_name = False
    answers_at_root = True

    def __init__(
        self,
        shape: Shape | None = None,
        key_header: str = "Authorization",
        key_prefix: str = "Bearer ",
        *,
        is_sorted: bool = True,
    ) -> None:
        self.shape = shape or Shape()
        self.key_header = key_header
        self.key_prefix = key_prefix
        self.sorted = is_sorted

    def results_in(self, body: Any) -> Any:
        """Return the list of results, also of an object that has the scores and the indices in two lists.

        Raises
        ------
        CallError
            Kind ``reply``, if the two lists have different lengths.
        """
        shape = self.shape
        found = dig(body, shape.results)
        if isinstance(found, dict) and shape.score:
            found = _rows(found, shape.score, shape.index)
        return found if isinstance(found, list) else super().results_in(body)


def _rows(columns: dict[str, Any], score: str, index: str | None) -> Any:
    """Return a result for each score of a list of scores; `columns` itself if there is no such list."""
    scores = dig(columns, score)
    if not isinstance(scores, list) or any(
        isinstance(split_path(path)[0], int) for path in (score, index or score)
    ):
        return columns
    indices = dig(columns, index) if index else range(len(scores))
    if not isinstance(indices, list | range) or len(indices) != len(scores):
        count = len(indices) if isinstance(indices, list) else "no list of"
        raise CallError("reply", f"the reply contains {len(scores)} scores and {count} indices")
    rows: list[dict[str, Any]] = [{} for _ in scores]
    for row, value, position in zip(rows, scores, indices, strict=True):
        put(row, score, value)
        if index:
            put(row, index, position)
    return rows
