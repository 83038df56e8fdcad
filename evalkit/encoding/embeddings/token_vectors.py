"""Support for late interaction: length limits by role, and query expansion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.packing import Padded

Task = Literal["query", "document"]
"""Role of a text."""

POSITIONS = "query_expansion_positions"
"""Feature in which sentence-transformers marks the expansion tokens of a query."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Query expansion of a late-interaction model: tokens added to short queries, and scored like words.

    Attributes
    ----------
    length
        Minimum tokens of a query.
    token_id
        The added token.
    attended
        Whether other tokens attend to the added ones.
    on_left
        Whether tokens are added before the query rather than after it.
    """

    length: int
    token_id: int
    attended: bool
    on_left: bool

    @classmethod
    def of(cls, features: Mapping[str, Any]) -> Expansion | None:
        """Return the expansion that the library applied to a short query; None if there is none.

        Parameters
        ----------
        features
            The library's features of one short query: ``(1, t)`` tensors.
        """
        if POSITIONS not in features or not features[POSITIONS].any():
            return None
        (added,), (ids,), (mask,) = features[POSITIONS], features["input_ids"], features["attention_mask"]
        return cls(len(added), int(ids[added][0]), bool(mask[added].all()), bool(added[0]))

    def applied(self, batch: Padded) -> tuple[Padded, NDArray[np.bool_]]:
        """Return the expanded queries, and ``(b, t)`` whether a token was added."""
        missing = max(self.length - batch.ids.shape[1], 0)
        width = ((0, 0), (missing, 0) if self.on_left else (0, missing))
        ids, mask = np.pad(batch.ids, width), np.pad(batch.mask, width)
        segments = None if batch.segments is None else np.pad(batch.segments, width)
        added = (mask == 0) & (np.arange(ids.shape[1]) < self.length)
        ids = np.where(added, self.token_id, ids)
        return Padded(ids, np.where(added, 1, mask) if self.attended else mask, segments), added


def length_of(module: Any, task: str) -> int | None:
    """Return the length limit of a sentence-transformers module for a role; None if the role has none of its own."""
    limit: int | None = getattr(module, f"{task}_length", None)
    expansion = getattr(module, "query_expansion", None) if task == "query" else None
    if expansion is not None and expansion["strategy"] == "fixed":
        return int(expansion["length"])
    if expansion is not None and limit is not None:
        return max(limit, int(expansion["length"]))
    return limit
