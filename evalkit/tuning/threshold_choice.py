"""Choose a score threshold: with guaranteed recall, with expected recall, or by precision or F1 alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Clusters, clusters_at
from evalkit.stats.distributions import binomial_at_most
from evalkit.stats.ranks import share_of_pairs_above

Promise = Literal["guaranteed", "expected", "none"]
_MOST_THRESHOLDS = 2000
"""Maximum number of candidate thresholds; with more distinct scores, those at evenly spaced ranks are used."""
_AT_ONCE = 200
"""Thresholds whose p-values are computed at once."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredLists:
    """Scores and relevance of the candidates of some queries.

    Attributes
    ----------
    scores, relevant
        ``(r,)`` score of each candidate, descending within a query, and whether it is relevant.
    offsets
        ``(q + 1,)`` rows ``offsets[i]:offsets[i + 1]`` belong to query i.
    clusters
        ``(q,)`` cluster of each query; None if all are independent.
    ranks
        ``(r,)`` rank of each candidate in the first stage; None where depths make no difference.
    """

    scores: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    clusters: Clusters | None = None
    ranks: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        scores: Sequence[NDArray[np.float64]],
        relevant: Sequence[NDArray[np.bool_]],
        clusters: Clusters | None = None,
    ) -> ScoredLists:
        """Return the lists of queries from the ``(n,)`` scores and relevance of each query."""
        offsets = np.cumsum([0, *map(len, scores)])
        return cls(
            np.concatenate([np.empty(0), *scores]),
            np.concatenate([np.empty(0, dtype=np.bool_), *relevant]),
            offsets,
            clusters,
        )

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.offsets) - 1

    @property
    def owner(self) -> NDArray[np.int64]:
        """``(r,)`` number of the query of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def relevant_counts(self) -> NDArray[np.int64]:
        """``(q,)`` number of relevant candidates."""
        return np.bincount(self.owner[self.relevant], minlength=len(self))

    @property
    def best(self) -> NDArray[np.float64]:
        """``(q,)`` highest score of each query; each must have a candidate."""
        return self.scores[self.offsets[:-1]]

    def only(self, rows: NDArray[np.int64]) -> ScoredLists:
        """Return the queries in the given rows."""
        sizes = np.diff(self.offsets)[rows]
        offsets = np.concatenate(([0], sizes.cumsum()))
        taken = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], sizes)
        return ScoredLists(
            self.scores[taken],
            self.relevant[taken],
            offsets,
            clusters_at(self.clusters, rows),
            None if self.ranks is None else self.ranks[taken],
        )

    def with_relevant(self) -> ScoredLists:
        """Return the queries with a relevant candidate: recall is undefined for the others."""
        return self.only(np.flatnonzero(self.relevant_counts))

    @property
    def independent(self) -> int:
        """Effective number of independent queries, rounded down: clusters, fewer if their sizes differ.

        References
        ----------
        Kish, Survey Sampling (1965), section 11.7: ``sum(sizes)**2 / sum(sizes**2)``.
        """
        return effective_number(len(self), self.clusters)


def effective_number(queries: int, clusters: Clusters | None) -> int:
    """Return the effective number of independent queries; see `ScoredLists.independent`."""
    if clusters is None or not queries:
        return queries
    sizes = np.bincount(clusters)
    return int(queries**2 // (sizes**2).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Kept documents, precision and recall of every query at every threshold.

    Attributes
    ----------
    thresholds
        ``(t,)`` ascending; documents with this score or more are kept.
    kept
        ``(q, t)`` number of documents kept.
    precision
        ``(q, t)`` share of the kept documents that is relevant; NaN if none is kept.
    recall
        ``(q, t)`` share of the relevant candidates that is kept; NaN if no candidate is relevant.
    """

    thresholds: NDArray[np.float64]
    kept: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def f1(self) -> NDArray[np.float64]:
        """``(q, t)`` harmonic mean of precision and recall; 0 if nothing relevant is kept."""
        hits = np.nan_to_num(self.precision) * self.kept
        relevant = hits[:, :1]  # the lowest threshold keeps everything
        return np.asarray(2 * hits / np.maximum(self.kept + relevant, 1))

    @property
    def losses(self) -> NDArray[np.float64]:
        """``(t,)`` mean share of relevant candidates that is lost, over queries with a relevant candidate."""
        return np.asarray(1 - _mean(self.recall))

    @property
    def precisions(self) -> NDArray[np.float64]:
        """``(t,)`` mean precision over queries with a kept document; NaN if there are none."""
        return _mean(self.precision)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    defined = np.isfinite(values)
    counts = defined.sum(axis=0)
    sums = np.where(defined, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(sums, counts, out=np.full(values.shape[1], np.nan), where=counts > 0))


def thresholds_of(lists: ScoredLists) -> NDArray[np.float64]:
    """Return the candidate thresholds, ascending: the scores themselves, as nothing changes between two of them."""
    return evenly_spaced(np.sort(lists.scores))


def evenly_spaced(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distinct values of an ascending array, at evenly spaced ranks if there are too many."""
    scores = ascending[np.diff(ascending, prepend=-np.inf) > 0]
    if len(scores) > _MOST_THRESHOLDS:
        scores = scores[np.unique(np.linspace(0, len(scores) - 1, _MOST_THRESHOLDS).astype(np.int64))]
    return scores


def curves(lists: ScoredLists, thresholds: NDArray[np.float64]) -> Curves:
    """Return the result of applying every ascending threshold to every query."""
    owner = lists.owner
    # A candidate is kept by the thresholds down from its score: those before this index.
    passed = np.searchsorted(thresholds, lists.scores, side="right")

    def counts(rows: NDArray[np.bool_] | slice) -> NDArray[np.int64]:
        width = len(thresholds) + 1
        cells = np.bincount(owner[rows] * width + passed[rows], minlength=len(lists) * width)
        above = cells.reshape(len(lists), width)[:, :0:-1].cumsum(axis=1)
        return np.ascontiguousarray(above[:, ::-1])

    kept, hits = counts(slice(None)), counts(lists.relevant)
    relevant = lists.relevant_counts[:, None]
    shape = kept.shape
    precision = np.divide(hits, kept, out=np.full(shape, np.nan), where=kept > 0)
    recall = np.divide(hits, relevant, out=np.full(shape, np.nan), where=relevant > 0)
    return Curves(thresholds, kept, precision, recall)


def guaranteed_recall(losses: NDArray[np.float64], n: int, target: float, confidence: float) -> int | None:
    """Return the index of the highest threshold with guaranteed recall; None if no threshold passes.

    Learn-then-Test: go from the lowest threshold upwards while "the loss is above 1 - target" is rejected.

    Parameters
    ----------
    losses
        ``(t,)`` mean loss of recall at ascending thresholds.
    n
        Number of independent queries behind each mean; see `ScoredLists.independent`.
    target
        Guaranteed mean recall over queries of the same distribution.
    confidence
        Probability over tuning sets that the guarantee holds.

    References
    ----------
    Angelopoulos, Bates, Candes, Jordan, Lei, "Learn then Test: Calibrating predictive algorithms to achieve risk
    control" (2021), with the Hoeffding-Bentkus p-value of Bates et al., "Distribution-free, risk-controlling
    prediction sets" (2021).
    """
    passed = 0
    for start in range(0, len(losses), _AT_ONCE):  # the search mostly ends among the lowest thresholds
        rejected = hoeffding_bentkus(losses[start : start + _AT_ONCE], n, 1 - target) <= 1 - confidence
        passed += len(rejected) if rejected.all() else int(np.argmin(rejected))
        if not rejected.all():
            break
    return passed - 1 if passed else None


def hoeffding_bentkus(losses: NDArray[np.float64], n: int, alpha: float) -> NDArray[np.float64]:
    """Return ``(t,)`` p-values of "the expected loss is above `alpha`", for mean losses of `n` values in 0..1."""
    from scipy.special import rel_entr

    low = np.minimum(losses, alpha)
    hoeffding = np.exp(-n * (rel_entr(low, alpha) + rel_entr(1 - low, 1 - alpha)))
    bentkus = math.e * binomial_at_most(np.ceil(n * losses - 1e-9), n, alpha)
    return np.asarray(np.minimum(np.minimum(hoeffding, bentkus), 1.0))


def expected_recall(losses: NDArray[np.float64], n: int, target: float) -> int | None:
    """Return the index of the highest threshold that keeps the target recall in expectation; None if none does.

    Conformal risk control: the expected loss on a new query, averaged over tuning sets, is at most
    ``1 - target``. For a single tuning set it may be higher.

    References
    ----------
    Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal risk control", ICLR 2024.
    """
    within = (n * losses + 1) / (n + 1) <= 1 - target + 1e-12
    passed = len(within) if within.all() else int(np.argmin(within))
    return passed - 1 if passed else None


def fewest_queries(target: float, confidence: float | None) -> int:
    """Return the minimum number of queries for a recall target, reached if no query loses anything.

    With a `confidence` this is for `guaranteed_recall`, without one for `expected_recall`.
    """
    if confidence is None:
        return math.ceil(1 / (1 - target) - 1 - 1e-9)
    return math.ceil(math.log(1 - confidence) / math.log(target) - 1e-9)


def short_number(threshold: float, below: float) -> float:
    """Return the number with the fewest digits in ``(below, threshold]``: it keeps the same documents."""
    for digits in range(2, 17):
        rounded = float(Context(prec=digits, rounding=ROUND_FLOOR).create_decimal(Decimal(threshold)))
        if below < rounded <= threshold:
            return rounded
    return threshold


def separation(answerable: NDArray[np.float64], unanswerable: NDArray[np.float64]) -> float | None:
    """Return the probability that an answerable query's best score exceeds an unanswerable one's (AUROC).

    Parameters
    ----------
    answerable, unanswerable
        Best score of each query. The result is None if either is empty.
    """
    if not len(answerable) or not len(unanswerable):
        return None
    return share_of_pairs_above(answerable, unanswerable)
