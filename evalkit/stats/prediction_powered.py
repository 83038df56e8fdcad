"""Means under human grades, estimated from few queries that people judged and many that a model judged as well.

Per query there are values under human grades for a random draw of the queries, and values under the grades of one judge
for all queries. The judge may be biased in any way: what it predicts is corrected by how far it is off in the draw.

Each query i of the draw gets a weight w_i from all other ones (leave one cluster out): the coefficient of the
regression of human on judged values, by ``1 + n / N``, cut to [0, 1]. The estimate is ``W mean_N(f) + mean_n(y_i -
w_i f_i)`` with the mean weight W. As w_i does not depend on query i, every term ``w_i (mean(f) - f_i)`` has the
mean 0, and the estimate has no bias, whatever the judge is and however few queries there are.

With f less its mean over all queries, and residuals ``r_i = y_i - w_i f_i``, the variance is ``W**2 var(f) / N +
var(r) / n``: the mean over the N queries is common to all terms and counts once with the mean weight. Two terms i
and j of the draw are nearly uncorrelated: w_i depends on query j and w_j on query i, which adds
``E[f**2 r]**2 / (var(f)**2 n**2)``, of the order 1 / n of the whole. As the w_i are fitted without query i, the
residuals are those of prediction, and not too small as those of a fit are.

Measured for 21 pairs of systems of TREC DL 2019 with 50 human-judged and 1,000 other queries, UMBRELA with GPT-4o,
without the rules below: leaving one out, the interval is .555 as wide as that of humans alone and holds the truth in
.949; with two folds it is .558 and .949; with var(f) of all queries in place of that of the regression .588 and .948;
with weights that are used where they were fitted .551 and .944. Leaving one out also depends on no seed and on no
order.

What a draw shows too little of, and the rules that allow for it, are in `evalkit.stats.unseen_errors`.

Where some queries are not in the mean, because they have no relevant document, the mean is the ratio ``R = E[y] /
E[a]`` with y = 0 there and a = 1 for all others. With the ratio R0 of the draw, human values are ``(y - R0 a) /
mean_n(a)``, judged ones the same with R0 under the judge's own grades, and R is R0 plus their corrected mean. This is
no approximation: ``R - E[y] / E[a]`` is the corrected mean of ``(y - a E[y] / E[a]) / mean_n(a)``, and what the judge
says of a is a prediction like f.

References
----------
Angelopoulos, Duchi, Zrnic, "PPI++: Efficient Prediction-Powered Inference", arXiv 2311.01453 (2023); Zrnic and
Candes, "Cross-prediction-powered inference", PNAS 121 (2024); Bell and McCaffrey 2002 (see `mean_error`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.records import SHARES, ValueRange
from evalkit.stats.clusters import (
    Clusters,
    MeanError,
    cluster_sums,
    clusters_at,
    count_clusters,
    mean_error,
)
from evalkit.stats.intervals import MIN_QUERIES
from evalkit.stats.skewness import SkewedMean
from evalkit.stats.unseen_errors import (
    allowance,
    cut_at_fences,
    growth_to,
    is_too_rarely_wrong,
    least_variances,
)

Values = NDArray[np.float64]

_ROUNDING = 1e-12
"""Human values that differ by less, relative to the largest of them, are equal."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedMeans:
    """Means of k columns, such as paired differences of k contenders, with their joint covariance.

    Attributes
    ----------
    means
        ``(k,)`` estimates of the means under human grades.
    covariance
        ``(k, k)`` covariance of the estimates; nan with fewer than two human clusters.
    weights
        ``(k,)`` average weight that the judge got, 0 to 1; 0 gives the plain mean of the human values.
    too_rarely_wrong
        ``(k,)`` whether the judge was not used, because the draw shows too few of its errors, or of the differences.
    third_cumulants
        ``(k,)`` third cumulants of the estimates, for bounds that allow for skewness.
    guarded
        ``(k,)`` least variances of the estimates for the claim that no more than a margin is lost.
    degrees
        Degrees of freedom of Student's t distribution: those of the human values alone.
    n, judged_only
        Number of queries with human values, and of those with values of the judge alone.
    averaged, clusters
        Number of the `n` queries that are in the mean, and of independent clusters among these.
    """

    means: Values
    covariance: Values
    weights: Values
    too_rarely_wrong: NDArray[np.bool_]
    third_cumulants: Values
    guarded: Values
    degrees: float
    n: int
    judged_only: int
    averaged: int
    clusters: int

    @property
    def has_few(self) -> bool:
        """Whether there are too few independent human-judged queries for a verdict."""
        return self.clusters < MIN_QUERIES

    @property
    def errors(self) -> Values:
        """``(k,)`` standard errors of the estimates."""
        return np.sqrt(np.diag(self.covariance))

    def of(self, column: int) -> MeanError:
        """Return one estimate with its standard error, for Student's interval and test.

        Its `n` and `clusters` count the human-judged queries that are in the mean.
        """
        error = math.sqrt(float(self.covariance[column, column])) if self.clusters > 1 else math.nan
        return MeanError(float(self.means[column]), error, self.degrees, self.averaged, self.clusters)

    def skewed(self, column: int) -> SkewedMean:
        """Return one estimate with its skewness, for an interval and the test of a difference."""
        return SkewedMean(self.of(column), float(self.third_cumulants[column]))

    def for_gate(self, column: int) -> SkewedMean:
        """Return one estimate for the claim that no more than a margin is lost; see `UNSEEN_BY_GATES`."""
        found = self.of(column)
        error = max(found.error, math.sqrt(float(self.guarded[column])))
        return SkewedMean(replace(found, error=error), float(self.third_cumulants[column]))


def corrected_means(
    human: Values,
    judged: Values,
    clusters: Clusters | None = None,
    answerable: tuple[Values, Values] | None = None,
    limits: ValueRange = SHARES,
) -> CorrectedMeans:
    """Return means under human grades from a random draw with human values and all queries with values of a judge.

    Parameters
    ----------
    human
        ``(n, k)`` values under human grades of the queries that were drawn at random: all that were drawn. A query that
        was skipped or half judged is not left out, because what people skip is not random: there is no estimate then.
    judged
        ``(n + N, k)`` values of the same kind under the grades of one judge: first of the same n queries, also there
        under that judge's grades alone, then of all others. The function from query to value is the same for all.
    clusters
        ``(n + N,)`` cluster of each query: whole clusters were drawn. None if all are independent.
    answerable
        ``(n,)`` under human grades, 1 for a query that is in the mean and 0 for one that is not, and ``(n + N,)`` the
        same under the judge's. Values are 0 where it is 0. None if all queries are in the mean.
    limits
        The values that a metric can have for a query: a difference is no larger than its range. Where that is infinite,
        nothing is known of losses that the draw has none of.

    Returns
    -------
    CorrectedMeans
        With N = 0 the means, errors and degrees are those of `mean_error`, of the queries that are in the mean.

    Raises
    ------
    ValueError
        If a value is not finite (see `fill_failed` for queries that the judge failed on), shapes differ, no query has
        human values or is in the mean, or a cluster has queries of both kinds.

    Notes
    -----
    The module describes the estimate, its variance, and when a judge is not used. An error of 0 is no evidence: all
    human values of a column are equal, but for rounding, and the judge has no weight. Weights of queries
    (`DrawnWeights`) are not known here: means that weight traffic have no correction.
    """
    n = len(human)
    of_human, of_all = _checked(human, judged, clusters)
    averaged, of_judge = (np.ones(n), np.ones(len(judged))) if answerable is None else answerable
    if not averaged.any():
        raise ValueError("no drawn query is in the mean")
    counted = np.flatnonzero(averaged)
    plain = mean_error(human[counted, 0], clusters_at(of_human, counted))
    ratios = human.sum(axis=0) / averaged.sum()
    spread = np.ptp(human[counted], axis=0)
    is_equal = spread <= _ROUNDING * np.abs(human).max(axis=0)
    share = float(averaged.mean())
    uncut = _linear(judged[:n], of_judge[:n], ratios, share)
    judged = _linear(cut_at_fences(judged), of_judge, ratios, share)
    human = np.where(is_equal, 0.0, _linear(human, averaged, ratios, share))
    f = np.where(np.ptp(judged, axis=0) > 0, judged - judged.mean(axis=0), 0.0)
    found = _estimates(human, f, (human - uncut, limits.width / share), averaged, (of_human, of_all))
    counts = n, len(judged) - n, plain.n, plain.clusters
    return CorrectedMeans(ratios + found[0], *found[1:], plain.degrees, *counts)


def _linear(values: Values, part: Values, ratios: Values, share: float) -> Values:
    """Return the terms whose mean is how far a ratio is from the ratio of the draw."""
    terms: Values = (values - ratios * part[:, None]) / share
    return terms


def fill_failed(judged: Values) -> Values:
    """Return the values of a judge with the mean of the known ones of a column in place of nan.

    A query that the judge failed on keeps its place among the drawn or the other queries: the mean says nothing of it,
    which costs width and makes no bias, whatever the judge fails on. A column without known values is 0.
    """
    known = ~np.isnan(judged)
    means = np.where(known, judged, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, judged, means)


def _checked(
    human: Values, judged: Values, clusters: Clusters | None
) -> tuple[Clusters | None, Clusters | None]:
    """Return the clusters of the human-judged and of all queries, each from 0 without gaps; check all shapes."""
    n = len(human)
    if not n or human.ndim != 2 or judged.ndim != 2 or human.shape[1] != judged.shape[1] or len(judged) < n:
        raise ValueError(
            f"values of shape {human.shape} and {judged.shape}: (n, k) and (n + N, k) are needed"
        )
    if not np.isfinite(human).all():
        raise ValueError("a drawn query has no human value: the estimate needs all of them")
    if not np.isfinite(judged).all():
        raise ValueError("a query has no value of the judge: use fill_failed")
    if clusters is None:
        return None, None
    if len(clusters) != len(judged):
        raise ValueError(f"clusters of {len(clusters)} queries, values of {len(judged)}")
    if np.isin(clusters[:n], clusters[n:]).any():
        raise ValueError("a cluster has drawn and other queries: whole clusters have to be drawn")
    of_human, of_all = (np.unique(part, return_inverse=True)[1] for part in (clusters[:n], clusters))
    return of_human.astype(np.int64), of_all.astype(np.int64)


def _estimates(
    human: Values,
    f: Values,
    errors: tuple[Values, float],
    averaged: Values,
    clusters: tuple[Clusters | None, Clusters | None],
) -> tuple[Values, Values, Values, NDArray[np.bool_], Values, Values]:
    """Return means, covariance, mean weights, whether the judge errs too rarely, third cumulants, variances for gates.

    `errors` are the judge's mistakes in the draw, and the largest size of a difference.
    """
    mistakes, largest = errors
    (of_human, of_all), n, others = clusters, len(human), len(f) - len(human)
    weights = _weights(human, f, of_human)
    wrong = is_too_rarely_wrong(human, mistakes, of_human) & weights.any(axis=0)
    weights[:, wrong] = 0
    residuals = human - weights * f[:n]
    mean_weights = weights.mean(axis=0)
    means = residuals.mean(axis=0)
    covariance, third = _moments(residuals, of_human, averaged)
    of_people = np.diag(_moments(human, of_human, averaged)[0])
    least, guarded = least_variances(human, of_people, largest, count_clusters(of_human, n))
    if others and mean_weights.any():
        means = means + mean_weights * f[n:].mean(axis=0)
        covariance_f, third_f = _moments(f, of_all, np.ones(len(f)))
        share = len(f) / others  # from the mean over all queries to that over N of them
        drawn_f = _moments(f[:n], of_human, averaged)[0]
        wider = allowance(np.diag(covariance), mean_weights, drawn_f, covariance_f * (len(f) / n))
        covariance = covariance * np.outer(wider, wider)
        covariance = covariance + np.outer(mean_weights, mean_weights) * covariance_f * share
        third = third * wider**3 + mean_weights**3 * third_f * share**2
        factors = growth_to(np.diag(covariance), least)
        covariance = covariance * np.outer(factors, factors)
    return means, covariance, mean_weights, wrong, third, guarded


def _weights(human: Values, all_f: Values, clusters: Clusters | None) -> Values:
    """Return the ``(n, k)`` weight of the judge at each query, from all clusters but that of the query."""
    n, others = len(human), len(all_f) - len(human)
    f, largest = all_f[:n], np.abs(all_f).max(axis=0)
    ones = cluster_sums(np.ones((n, 1)), clusters)
    if not others or len(ones) < 3:
        return np.zeros_like(human)
    y_sums = cluster_sums(human - human.mean(axis=0), clusters)
    f_sums = cluster_sums(f - f.mean(axis=0), clusters)

    def of_the_rest(terms: Values) -> Values:
        rest: Values = terms.sum(axis=0) - terms
        return rest

    size, sizes = of_the_rest(ones), of_the_rest(ones**2)
    y_mean, f_mean = of_the_rest(y_sums) / size, of_the_rest(f_sums) / size
    with_y, with_f = of_the_rest(ones * y_sums), of_the_rest(ones * f_sums)
    product = of_the_rest(y_sums * f_sums) - y_mean * with_f - f_mean * with_y + y_mean * f_mean * sizes
    square = of_the_rest(f_sums**2) - 2 * f_mean * with_f + f_mean**2 * sizes
    rounding = 1e-10 * (f_sums**2).sum(axis=0) + 1e-24 * n * largest**2
    least = 1e-10 * np.sqrt((y_sums**2).sum(axis=0) * (f_sums**2).sum(axis=0))
    known = (square > rounding) & (product > least)
    slopes: Values = np.divide(product, square, out=np.zeros_like(product), where=known)
    weights: Values = np.clip(slopes / (1 + n / others), 0.0, 1.0)
    return weights if clusters is None else weights[clusters]


def _moments(values: Values, clusters: Clusters | None, averaged: Values) -> tuple[Values, Values]:
    """Return the ``(k, k)`` covariance of means as in `mean_error`, and their ``(k,)`` third cumulants."""
    n = len(values)
    sums = cluster_sums(values - values.mean(axis=0), clusters)
    sizes, of_mean = cluster_sums(np.column_stack([np.ones(n), averaged]), clusters).T
    shares = np.maximum(sizes / n, of_mean / averaged.sum())
    third: Values = (sums * sums * sums).sum(axis=0) / n**3
    if shares.max() >= 1:
        return np.full((values.shape[1],) * 2, math.nan), third
    scaled = sums / np.sqrt(1 - shares)[:, None]
    covariance: Values = np.einsum("gj,gk->jk", scaled, scaled) / n**2
    return covariance, third
