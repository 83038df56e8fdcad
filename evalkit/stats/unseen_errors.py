"""What a draw of human-judged queries shows too little of: a judge's rare and large errors, and losses that both miss.

Names are those of `evalkit.stats.prediction_powered`. A judge that is nearly always right, and rarely wrong by a lot,
would make the interval too short where the draw has few or none of its errors. Five rules are against that. The judge
is not used where fewer than `FEWEST_DIFFERING` queries of the draw have noticeably different human values, or where it
errs noticeably at fewer than `FEWEST_ERRORS` and at fewer than half as many as differ. The variance is at least
`LEAST_VARIANCE` times that of the human values alone: also a judge whose errors look small in the draw may miss rare
losses that the draw does not hold. Its values are cut at fences, `_FENCE` interquartile ranges outside the quartiles of
those that differ from the median (Tukey). The fences are made of all n + N queries, drawn or not, so that cut values
are predictions like others, and the estimate keeps no bias. Where f varies less in the draw than it does over all
queries, the residuals do not show all of its errors: the variance of their mean is then larger by W**2 times what is
missing from that of f.

The fifth rule is for losses of which the draw has none. If they are at c of n queries, that has the probability
exp(-c). The variance is at least what they would add, ``c u**2 / n**2``, where u is how much larger than those in the
draw a difference can be; that of people alone is enough, as they do not see such losses either. c is `UNSEEN`, and
`UNSEEN_BY_GATES` for the claim that no more than a margin is lost.

Measured with gross errors at 2 to 10 % of the queries, 24 worlds of 30 and 50 human-judged queries: intervals hold in
.949 to .986 (humans alone .934 to .959). Where a judge sees none of the large losses at 2 to 5 % of the queries, 10
worlds, they hold in .959 to .996 (.938 to .954), and gates pass a loss of the margin at most .01 more often than with
humans alone. Where these losses have the whole range of the metric, and five to nine standard deviations of the other
differences, 24 worlds, gates pass at most .02 more often; *better* is false at most .04 more often with 50 human-judged
queries and .005 with 30, and intervals hold at most .04 and .002 less often.

A rule that refuses a judge whose errors in the draw are made of a few large ones does harm: draws without any of them
remain, and those are the ones that mislead.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import Clusters, cluster_sums

Values = NDArray[np.float64]

FEWEST_ERRORS = 10
"""Fewest human-judged queries at which a judge that is nearly always right has to err, for a correction by it."""
FEWEST_DIFFERING = 10
"""Fewest human-judged queries with noticeably different values, for a correction by a judge."""
LEAST_VARIANCE = 0.42
"""Least variance of a corrected mean, by that of the human values alone."""
UNSEEN = 1.5
"""Losses in n queries of which a draw of n may have none: so it is with 22 % of draws."""
UNSEEN_BY_GATES = 3.0
"""The same for claims that nothing is lost: 5 % of draws (the rule of three)."""
_NOTICEABLE = 0.2
"""An error or a difference counts if it is larger than this share of the standard deviation of the human values."""
_FENCE = 1.0
"""Interquartile ranges outside the quartiles at which values of a judge are cut."""


def cut_at_fences(judged: Values) -> Values:
    """Return the values of a judge, each column cut at its fences."""
    low, high = np.empty((2, judged.shape[1]))
    for column, values in enumerate(np.sort(judged.T, axis=1)):
        median = values[[(len(values) - 1) // 2, len(values) // 2]].mean()
        differing = values[values != median]  # where lists are the same, both systems have the same value
        lower = upper = median
        if len(differing):
            around = np.array([-(-len(differing) // 4) - 1, len(differing) // 4])
            lower, upper = differing[around].mean(), differing[::-1][around].mean()
        width = _FENCE * (upper - lower)
        low[column], high[column] = min(median, lower - width), max(median, upper + width)
    return np.clip(judged, low, high)


def is_too_rarely_wrong(human: Values, mistakes: Values, clusters: Clusters | None) -> NDArray[np.bool_]:
    """Return for each column whether too few clusters differ, or show how the judge errs."""
    y_sums = cluster_sums(human - human.mean(axis=0), clusters)
    mistake_sums = cluster_sums(mistakes - mistakes.mean(axis=0), clusters)
    least = _NOTICEABLE * y_sums.std(axis=0) * (1 + 1e-9)  # but for errors of rounding
    differing, wrong = (
        (np.abs(sums - np.median(sums, axis=0)) > least).sum(axis=0) for sums in (y_sums, mistake_sums)
    )
    few: NDArray[np.bool_] = (wrong < FEWEST_ERRORS) & (2 * wrong < differing)
    few |= differing < FEWEST_DIFFERING
    return few


def allowance(variances: Values, weights: Values, drawn_f: Values, expected_f: Values) -> Values:
    """Return the ``(k,)`` factors by which errors of the residuals grow for what the draw does not show of the judge.

    `variances` are those of the means of residuals; `drawn_f` is the covariance of the judge's means over the draw, and
    `expected_f` what all queries say that it is.
    """
    unseen = weights**2 * np.maximum(np.diag(expected_f - drawn_f), 0.0)
    factors: Values = np.sqrt(
        1 + np.divide(unseen, variances, out=np.zeros_like(unseen), where=variances > 0)
    )
    return factors


def least_variances(human: Values, of_people: Values, largest: float, clusters: int) -> tuple[Values, Values]:
    """Return the ``(k,)`` least variances of corrected means: for intervals, and for the claims of gates.

    Parameters
    ----------
    human
        ``(n, k)`` values of the draw.
    of_people
        ``(k,)`` variances of their means.
    largest
        The largest size of a difference; where it is infinite, nothing is known of losses that the draw has none of.
    clusters
        Number of independent clusters of the draw.
    """
    size = np.zeros(human.shape[1])
    if math.isfinite(largest):
        size = np.maximum(largest - np.abs(human - human.mean(axis=0)).max(axis=0), 0.0)
    of_one_loss: Values = size**2 / clusters**2
    unseen, guarded = (np.minimum(of_people, times * of_one_loss) for times in (UNSEEN, UNSEEN_BY_GATES))
    return np.maximum(LEAST_VARIANCE * of_people, unseen), guarded


def growth_to(variances: Values, least: Values) -> Values:
    """Return the ``(k,)`` factors by which standard errors grow to the least ones."""
    ratios = np.divide(least, variances, out=np.zeros_like(variances), where=variances > 0)
    factors: Values = np.sqrt(np.maximum(ratios, 1.0))
    return factors
