"""How many queries people have to judge, where a model judges all of them and its values are corrected."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.intervals import MIN_QUERIES
from evalkit.stats.power import POWER, chance_of_detecting, fewest_enough
from evalkit.stats.unseen_errors import LEAST_VARIANCE, UNSEEN, UNSEEN_BY_GATES

ASSUMED_CORRELATION = 0.7
"""Correlation of a judge's paired differences with those of people, where there is no pilot: the median over pairs of
systems on TREC DL 2019 was .71 for the weakest of four judges, and .85 for the best."""


ASSUMED_DEVIATION = 0.2
"""Standard deviation of paired differences in nDCG@10 where none are known: the median of 21 pairs of systems on TREC
DL 2019 (.11 to .27)."""


NO_NARROWER = 0.995
"""An interval of this width, by that of people alone, is shown as 1.00."""
FEWEST_OF_PILOT = 10
"""With fewer queries, a correlation and a standard deviation are assumed instead."""
_NUMBERS = (30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000)
"""Numbers of human-judged queries at which widths are shown."""


@dataclass(frozen=True, slots=True)
class PlannedWidth:
    """The expected half-width of an interval by the number of human-judged queries.

    Attributes
    ----------
    human
        The number.
    half_width
        With the judge's grades of all queries.
    alone
        Without a judge.
    """

    human: int
    half_width: float
    alone: float


@dataclass(frozen=True, slots=True)
class CorrectionPlan:
    """A dataset whose queries are all judged by a model, and some by people.

    Attributes
    ----------
    queries
        Number of queries that the judge grades, those of people included; of clusters if whole clusters are drawn.
    deviation
        Standard deviation of the differences under human grades.
    correlation
        Correlation of the differences under the judge's grades with those, of a pilot or `ASSUMED_CORRELATION`. One
        below 0 is worth nothing, as 0 is.
    """

    queries: int
    deviation: float
    correlation: float = ASSUMED_CORRELATION

    def width_ratio(self, human: int, unseen: float = UNSEEN) -> float:
        """Return the width of the interval by that of the same human-judged queries alone, 1 at most.

        With the best weight the variance is ``1 - correlation**2 (1 - human / queries)`` times that of humans alone.
        That the weight is estimated makes it larger by ``1 + 2 / human``. The allowance for what a draw does not show
        of the judge (see `corrected_means`) adds about ``(correlation (1 - human / queries))**2 / (2 sqrt(human))``.
        The variance is `LEAST_VARIANCE` of that of humans alone at least, in every draw, and at least what `unseen`
        losses in so many queries would add. As it varies from draw to draw by ``sqrt(2 / human)`` of itself, its mean
        is above the larger one of both.
        """
        from scipy.special import ndtr

        others, correlation = 1 - human / self.queries, max(self.correlation, 0.0)
        allowance = (correlation * others) ** 2 / (2 * math.sqrt(human))
        variance = (1 - correlation**2 * others) * (1 + 2 / human) + allowance
        spread = variance * math.sqrt(2 / human)
        least = max(LEAST_VARIANCE, min(unseen * self._unseen_variance(human), 1.0))
        above = (variance - least) / spread
        density = math.exp(-(above**2) / 2) / math.sqrt(2 * math.pi)
        mean = least + spread * (above * float(ndtr(above)) + density)
        return math.sqrt(min(1.0, mean))

    def differs_little(self, human: int, unseen: float = UNSEEN) -> bool:
        """Return whether systems differ so little that losses a draw may have none of leave nothing of a judge."""
        return self.width_ratio(human, unseen) >= NO_NARROWER > self.width_ratio(human, 0.0)

    def _unseen_variance(self, human: int) -> float:
        """Return the variance by a loss in one of the queries that a draw has none of, by that of humans alone.

        The largest of normal differences is about ``sqrt(2 log(2 human))`` standard deviations from their mean; one of
        a metric from 0 to 1 is 1 at most. Where it would be more than that of humans alone, it is 1.
        """
        size = max(1 - self.deviation * math.sqrt(2 * math.log(2 * human)), 0.0)
        alone = self.deviation * math.sqrt(human)
        return min(size / alone, 1.0) ** 2 if alone else 0.0

    def half_width(self, human: int, confidence: float = 0.95) -> float:
        """Return the expected half-width of the interval with so many human-judged queries, 2 or more."""
        from scipy.special import stdtrit

        error = self.deviation / math.sqrt(human) * self.width_ratio(human)
        return float(stdtrit(human - 1, 0.5 + confidence / 2)) * error

    def widths(self, *also: int) -> tuple[PlannedWidth, ...]:
        """Return the half-widths of 95 % intervals by rising numbers of human-judged queries, up to all of them.

        `also` are further numbers, of which those from 2 to all queries count.
        """
        numbers = {number for number in (*_NUMBERS, self.queries) if MIN_QUERIES <= number <= self.queries}
        numbers |= {number for number in also if 2 <= number <= self.queries}
        alone = CorrectionPlan(self.queries, self.deviation, 0.0)
        return tuple(
            PlannedWidth(number, self.half_width(number), alone.half_width(number))
            for number in sorted(numbers)
        )

    def worth(self, human: int) -> float:
        """Return how many human-judged queries without a judge would give the same standard error."""
        return human / self.width_ratio(human) ** 2

    def power(self, human: int, difference: float, alpha: float = 0.05, *, sides: int = 2) -> float:
        """Return the probability of detecting a difference, or with ``sides=1`` of passing a gate.

        See `chance_of_detecting`.
        """
        deviation = self.deviation * self.width_ratio(human, UNSEEN if sides == 2 else UNSEEN_BY_GATES)
        return chance_of_detecting(difference, deviation, human, alpha, sides=sides) or 0.0

    def human_for_width(self, half_width: float, confidence: float = 0.95) -> int | None:
        """Return the smallest number of human-judged queries for a half-width, `MIN_QUERIES` or more.

        None if it takes more than all queries.
        """
        return self._fewest(lambda human: self.half_width(human, confidence) <= half_width)

    def human_for_power(
        self, difference: float, alpha: float = 0.05, *, sides: int = 2, power: float = POWER
    ) -> int | None:
        """Return the smallest number of human-judged queries that detects a difference with a probability.

        A gate with the margin `difference` passes an unchanged system with that probability, with ``sides=1``. None if
        it takes more than all queries.
        """
        return self._fewest(lambda human: self.power(human, difference, alpha, sides=sides) >= power)

    def _fewest(self, is_enough: Callable[[int], bool]) -> int | None:
        if self.queries < MIN_QUERIES or not is_enough(self.queries):
            return None
        return fewest_enough(is_enough, MIN_QUERIES, self.queries)


def correlation_range(correlation: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a correlation of n pairs, 4 or more, by Fisher's transformation.

    References
    ----------
    Fisher, "On the probable error of a coefficient of correlation deduced from a small sample", Metron 1 (1921).
    """
    from scipy.special import ndtri

    centre = math.atanh(min(max(correlation, -1 + 1e-12), 1 - 1e-12))
    half = float(ndtri(0.5 + confidence / 2)) / math.sqrt(n - 3)
    return math.tanh(centre - half), math.tanh(centre + half)


def pilot_correlation(
    human: NDArray[np.float64], judged: NDArray[np.float64]
) -> tuple[float, float, float] | None:
    """Return the correlation of ``(n,)`` differences by people's grades and a judge's, with its 95 % interval.

    None with fewer than `FEWEST_OF_PILOT` queries, or where either does not vary.
    """
    if len(human) < FEWEST_OF_PILOT or not (np.ptp(human) and np.ptp(judged)):
        return None
    found = float(np.corrcoef(human, judged)[0, 1])
    return (found, *correlation_range(found, len(human)))
