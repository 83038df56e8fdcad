"""The order of a cascade for one query: every stage scores the best documents of the stage before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from evalkit.config import CascadeSettings

StageScores = Callable[[int, NDArray[np.int64]], NDArray[np.float64]]
"""Number of a stage, from 0, and positions of documents -> their scores by that stage."""


@dataclass(frozen=True, slots=True)
class CascadeRule:
    """What the stages of a cascade pass on.

    Attributes
    ----------
    keeps
        Documents that each stage but the last passes on.
    drops
        Whether documents that a later stage did not score are not returned.
    skip_margin
        Margin of the first stage from which the later stages are skipped; None for never.
    """

    keeps: tuple[int, ...]
    drops: bool = False
    skip_margin: float | None = None

    @classmethod
    def of(cls, settings: CascadeSettings) -> CascadeRule:
        """Return the rule that settings describe."""
        return cls(
            settings.keeps, settings.below == "dropped", settings.skip.margin if settings.skip else None
        )

    def skips(self, margin: float) -> bool:
        """Return whether the later stages are skipped for a query with this margin of the first stage."""
        return self.skip_margin is not None and margin >= self.skip_margin


@dataclass(frozen=True, slots=True, eq=False)
class CascadeOrder:
    """The ranking of one query.

    Attributes
    ----------
    order
        ``(m,)`` positions of the returned documents, best first.
    scores
        ``(n,)`` score of each document: 1 / rank, and 0 for a document that is not returned.
    skipped
        Whether the later stages were skipped.
    """

    order: NDArray[np.int64]
    scores: NDArray[np.float64]
    skipped: bool


def margin_of(scores: NDArray[np.float64]) -> float:
    """Return the highest score minus the second highest; infinite for fewer than two documents."""
    if len(scores) < 2:
        return np.inf
    second, first = np.partition(scores, len(scores) - 2)[-2:].tolist()
    return float(first - second)


def order_documents(doc_ids: Sequence[str], rule: CascadeRule, score: StageScores) -> CascadeOrder:
    """Return the ranking of one query.

    Scores of different stages cannot be compared, so the result has the order alone: a document's score is 1 / rank.
    Documents with the same score of the same stage are tied, and get the rank of the first of them.

    Parameters
    ----------
    doc_ids
        ``(n,)`` the documents, which break ties as everywhere: by doc_id, descending.
    rule
        What the stages pass on.
    score
        Gives the scores of a stage; a later stage is only asked for the documents that were passed on.
    """
    n = len(doc_ids)
    scores = score(0, np.arange(n))
    skipped = rule.skips(margin_of(scores))
    blocks = [_sorted(doc_ids, np.arange(n), scores)]
    for number, keep in enumerate(() if skipped else rule.keeps, start=1):
        positions, scores = blocks.pop(0)
        kept = positions[:keep]
        blocks.insert(0, (positions[keep:], scores[keep:]))
        blocks.insert(0, _sorted(doc_ids, kept, score(number, kept)))
    order = np.concatenate([positions for positions, _ in blocks])
    ranks = np.concatenate(_ranks(blocks)) if n else np.empty(0)
    if rule.drops:
        order, ranks = order[: rule.keeps[-1]], ranks[: rule.keeps[-1]]
    reciprocal = np.zeros(n)
    reciprocal[order] = 1.0 / ranks
    return CascadeOrder(order, reciprocal, skipped)


def _sorted(
    doc_ids: Sequence[str], positions: NDArray[np.int64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return positions and scores in the order of a run."""
    ids = [doc_ids[position] for position in positions.tolist()]
    by_id = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    order = np.array(sorted(by_id, key=lambda i: -scores[i]), dtype=np.int64)
    return positions[order], scores[order]


def _ranks(blocks: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
    """Return the rank of each document, from 1; ties within a block share the rank of their first document."""
    ranks, before = [], 0
    for positions, scores in blocks:
        starts = np.concatenate(([True], np.diff(scores) != 0))[: len(positions)]
        own = np.arange(1, len(positions) + 1)
        ranks.append(np.maximum.accumulate(np.where(starts, own, 0)).astype(np.float64) + before)
        before += len(positions)
    return ranks
