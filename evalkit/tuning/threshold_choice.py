"""Where to cut the scores: thresholds with a promise, and thresholds without one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Promise = Literal["guaranteed", "expected", "none"]
_MOST_THRESHOLDS = 2000
"""Thresholds looked at; beyond that, scores at evenly spaced ranks."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredLists:
    """The candidates of some queries, as a threshold sees them.

    Attributes
    ----------
    scores
        For each query ``(n,)`` scores, descending.
    relevant
        For each query ``(n,)`` whether a candidate is relevant.
    """

    scores: tuple[NDArray[np.float64], ...]
    relevant: tuple[NDArray[np.bool_], ...]

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.scores)

    def only(self, rows: Sequence[int] | NDArray[np.int64]) -> ScoredLists:
        """Return some of the queries."""
        return ScoredLists(tuple(self.scores[i] for i in rows), tuple(self.relevant[i] for i in rows))

    def with_relevant(self) -> ScoredLists:
        """Return the queries that have a relevant candidate: for the others recall is not defined."""
        return self.only([row for row, relevant in enumerate(self.relevant) if relevant.any()])


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """What every threshold does to every query.

    Attributes
    ----------
    thresholds
        ``(t,)`` ascending; documents with that score or more are kept.
    kept
        ``(q, t)`` documents kept.
    precision
        ``(q, t)`` share of them that is relevant; NaN where nothing is kept.
    recall
        ``(q, t)`` share of the relevant candidates that is kept; NaN where there is none.
    """

    thresholds: NDArray[np.float64]
    kept: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def f1(self) -> NDArray[np.float64]:
        """``(q, t)`` harmonic mean of both; 0 where nothing relevant is kept."""
        hits = np.nan_to_num(self.precision) * self.kept
        relevant = hits[:, :1]  # the lowest threshold keeps everything
        return np.asarray(2 * hits / np.maximum(self.kept + relevant, 1))

    @property
    def losses(self) -> NDArray[np.float64]:
        """``(t,)`` mean share of relevant candidates that is lost, over queries that have any."""
        return np.asarray(1 - _mean(self.recall))

    @property
    def precisions(self) -> NDArray[np.float64]:
        """``(t,)`` mean precision over queries of which anything is kept; NaN where that is none."""
        return _mean(self.precision)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.isfinite(values)
    counts = held.sum(axis=0)
    sums = np.where(held, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(sums, counts, out=np.full(values.shape[1], np.nan), where=counts > 0))


def thresholds_of(lists: ScoredLists) -> NDArray[np.float64]:
    """Return the scores themselves, ascending: between two of them nothing changes."""
    every = np.unique(np.concatenate(lists.scores)) if len(lists) else np.empty(0)
    if len(every) > _MOST_THRESHOLDS:
        every = every[np.unique(np.linspace(0, len(every) - 1, _MOST_THRESHOLDS).astype(np.int64))]
    return every


def curves(lists: ScoredLists, thresholds: NDArray[np.float64]) -> Curves:
    """Apply every threshold to every query."""
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
    """Return the highest threshold of which recall is promised, or None where too few queries can promise it.

    Learn-then-Test: from the lowest threshold upwards, as long as "the loss is above 1 - target" is rejected.

    Parameters
    ----------
    losses
        ``(t,)`` mean loss of recall at ascending thresholds.
    n
        Queries behind it.
    target
        Recall that is promised, on average over queries like these.
    confidence
        Chance over tuning sets with which the promise is kept.

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
    """Return p-values of "the expected loss is above `alpha`" for mean losses of `n` values in 0..1."""
    from scipy.special import rel_entr
    from scipy.stats import binom

    low = np.minimum(losses, alpha)
    hoeffding = np.exp(-n * (rel_entr(low, alpha) + rel_entr(1 - low, 1 - alpha)))
    bentkus = math.e * binom.cdf(np.ceil(n * losses - 1e-9), n, alpha)
    return np.asarray(np.minimum(np.minimum(hoeffding, bentkus), 1.0))


def expected_recall(losses: NDArray[np.float64], n: int, target: float) -> int | None:
    """Return the highest threshold whose recall is kept in expectation; None where too few queries can.

    Conformal risk control: the expected loss on a new query is at most ``1 - target``, averaged over tuning
    sets. Any one of them may break it.

    References
    ----------
    Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal risk control", ICLR 2024.
    """
    held = (n * losses + 1) / (n + 1) <= 1 - target + 1e-12
    passed = len(held) if held.all() else int(np.argmin(held))
    return passed - 1 if passed else None


def fewest_queries(target: float, confidence: float | None) -> int:
    """Return with how many queries a recall can be promised at all, if none of them loses anything."""
    if confidence is None:
        return math.ceil(1 / (1 - target) - 1 - 1e-9)
    return math.ceil(math.log(1 - confidence) / math.log(target) - 1e-9)


def short_number(threshold: float, below: float) -> float:
    """Return a number with few digits that keeps the same documents: at most `threshold`, above `below`."""
    for digits in range(2, 17):
        rounded = float(Context(prec=digits, rounding=ROUND_FLOOR).create_decimal(Decimal(threshold)))
        if below < rounded <= threshold:
            return rounded
    return threshold


def separation(answerable: NDArray[np.float64], unanswerable: NDArray[np.float64]) -> float | None:
    """Return the chance that an answerable query's best score is above an unanswerable one's (AUROC).

    Parameters
    ----------
    answerable, unanswerable
        Best score of each query. None where one of them is empty.
    """
    from scipy.stats import mannwhitneyu

    if not len(answerable) or not len(unanswerable):
        return None
    return float(mannwhitneyu(answerable, unanswerable).statistic) / (len(answerable) * len(unanswerable))
