"""Means of clustered observations: queries with the same text, or of one user, are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Clusters = NDArray[np.int64]
"""``(n,)`` index of each observation's cluster, from 0 without gaps."""


def count_clusters(clusters: Clusters | None, n: int) -> int:
    """Return the number of independent clusters among n observations: n without clusters."""
    return n if clusters is None else int(clusters.max(initial=-1)) + 1


def clusters_at(clusters: Clusters | None, rows: NDArray[np.int64]) -> Clusters | None:
    """Return the clusters of some observations, numbered anew without gaps; None if each is a cluster of its own."""
    if clusters is None:
        return None
    values, found = np.unique(clusters[rows], return_inverse=True)
    return found.astype(np.int64) if len(values) < len(found) else None


@dataclass(frozen=True, slots=True)
class MeanError:
    """A mean with its standard error.

    Attributes
    ----------
    error
        Standard error; nan if there are fewer than two clusters.
    degrees
        Degrees of freedom of Student's t distribution.
    n, clusters
        Number of observations, and of independent clusters; equal if the observations are independent.
    """

    mean: float
    error: float
    degrees: float
    n: int
    clusters: int


def mean_error(values: NDArray[np.float64], clusters: Clusters | None = None) -> MeanError:
    """Return the mean of ``(n,)`` values with its standard error, robust to dependence within clusters.

    Parameters
    ----------
    values
        ``(n,)`` observations, at least one.
    clusters
        Cluster of each observation; None if all are independent.

    Notes
    -----
    For a mean the bias-reduced cluster-robust variance (CR2) is ``sum(r_g**2 / (1 - w_g)) / n**2``, where r_g is the
    sum of the residuals of cluster g and w_g its share of the observations. The degrees of freedom are Satterthwaite's
    under independence. With clusters of one observation both are those of the usual t interval, and k copies of
    every observation give the error and the degrees of one copy.

    References
    ----------
    Bell and McCaffrey, "Bias reduction in standard errors for linear regression with multi-stage samples", Survey
    Methodology 28 (2002).
    """
    n, mean = len(values), float(values.mean())
    if clusters is None:
        error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
        return MeanError(mean, error, n - 1.0, n, n)
    shares = np.bincount(clusters) / n
    if len(shares) < 2:
        return MeanError(mean, math.nan, 0.0, n, len(shares))
    residuals = np.bincount(clusters, weights=values - mean)
    variance = float((residuals**2 / (1 - shares)).sum()) / n**2
    spread = shares**2 / (1 - shares)
    degrees = 1 / float((shares**2).sum() + spread.sum() ** 2 - (spread**2).sum())
    return MeanError(mean, math.sqrt(variance), degrees, n, len(shares))


def cluster_sums(values: NDArray[np.float64], clusters: Clusters | None) -> NDArray[np.float64]:
    """Return the ``(g, k)`` sums of ``(n, k)`` values over clusters; the values themselves without clusters."""
    if clusters is None:
        return values
    sums = np.zeros((int(clusters.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(sums, clusters, values)
    return sums
