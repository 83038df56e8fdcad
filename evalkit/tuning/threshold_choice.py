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


@dataclass(frozen=True, slots=True, eq=False)
class ScoredLists:
    """Scores and relevance of the candidates of some queries.

    Attributes
    ----------
    scores
        For each query ``(n,)`` scores, descending.
    relevant
        For each query ``(n,)`` whether the candidate is relevant.
    clusters
        ``(q,)`` cluster of each query; None if all are independent.
    """

    scores: tuple[NDArray[np.float64], ...]
    relevant: tuple[NDArray[np.bool_], ...]
    clusters: Clusters | None = None

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.scores)

    def only(self, rows: Sequence[int] | NDArray[np.int64]) -> ScoredLists:
        """Return the queries in the given rows."""
        chosen = np.asarray(rows, dtype=np.int64)
        return ScoredLists(
            tuple(self.scores[i] for i in rows),
            tuple(self.relevant[i] for i in rows),
            clusters_at(self.clusters, chosen),
        )

    def where(self, keep: Sequence[NDArray[np.bool_]]) -> ScoredLists:
        """Return the lists with the selected candidates only; `keep` has one ``(n,)`` mask for each query."""
        return ScoredLists(
            tuple(scores[mask] for scores, mask in zip(self.scores, keep, strict=True)),
            tuple(relevant[mask] for relevant, mask in zip(self.relevant, keep, strict=True)),
            self.clusters,
        )

    def with_relevant(self) -> ScoredLists:
        """Return the queries with a relevant candidate: recall is undefined for the others."""
        return self.only([row for row, relevant in enumerate(self.relevant) if relevant.any()])

    @property
    def independent(self) -> int:
        """Effective number of independent queries, rounded down: clusters, fewer if their sizes differ.

        References
        ----------
        Kish, Survey Sampling (1965), section 11.7: ``sum(sizes)**2 / sum(sizes**2)``.
        """
        if self.clusters is None or not len(self):
            return len(self)
        sizes = np.bincount(self.clusters)
        return int(len(self) ** 2 // (sizes**2).sum())


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
    scores = np.unique(np.concatenate(lists.scores)) if len(lists) else np.empty(0)
    if len(scores) > _MOST_THRESHOLDS:
        scores = scores[np.unique(np.linspace(0, len(scores) - 1, _MOST_THRESHOLDS).astype(np.int64))]
    return scores


def curves(lists: ScoredLists, thresholds: NDArray[np.float64]) -> Curves:
    """Return the result of applying every threshold to every query."""
    shape = (len(lists), len(thresholds))
    kept = np.zeros(shape, dtype=np.int64)
    precision, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, (scores, relevant) in enumerate(zip(lists.scores, lists.relevant, strict=True)):
        kept[row] = len(scores) - np.searchsorted(scores[::-1], thresholds, side="left")
        hits = np.concatenate(([0], relevant.cumsum()))[kept[row]]
        np.divide(hits, kept[row], out=precision[row], where=kept[row] > 0)
        if relevant.any():
            recall[row] = hits / relevant.sum()
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
    rejected = hoeffding_bentkus(losses, n, 1 - target) <= 1 - confidence
    passed = len(rejected) if rejected.all() else int(np.argmin(rejected))
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
