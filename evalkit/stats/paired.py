"""Paired randomisation test of systems over the same queries, and Holm's adjustment of p-values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import Clusters, cluster_sums
from evalkit.stats.tail_probability import tail_probability

RESAMPLES = 9999
"""Default number of random sign vectors."""
FEW_EXCEEDING = 10
"""A p-value that rests on fewer random sign vectors than this is too coarse for a strict level."""
_CHUNK = 64
"""Sign vectors in memory at once: few, so that they stay in the cache of the processor. A multiple of 4, as the
generator draws four signs at once and drops the rest at the end of a chunk."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """P-values of a sign-flip randomisation test of several mean differences.

    Attributes
    ----------
    p
        ``(k,)`` unadjusted two-sided p-value of each mean difference.
    p_max_t
        ``(k,)`` p-values adjusted for multiple comparisons by maxT: the probability, if no system differs, that the
        largest |t| of all columns is at least that of this column.
    exact
        Whether all sign vectors were enumerated.
    """

    p: NDArray[np.float64]
    p_max_t: NDArray[np.float64]
    exact: bool


def sign_flip(
    differences: NDArray[np.float64],
    resamples: int = RESAMPLES,
    seed: int = 0,
    *,
    clusters: Clusters | None = None,
    level: float | None = None,
) -> SignFlip:
    """Test whether mean paired differences are zero, by flipping the signs of queries.

    If two systems are exchangeable, each query's difference is equally likely with the opposite sign. All columns get
    the same signs, which preserves their dependence.

    Parameters
    ----------
    differences
        ``(n, k)`` one row per query, one column per pair of systems.
    resamples
        Number of random sign vectors; if ``2**n`` is not larger, all sign vectors are enumerated instead.
    seed
        Seed of the random sign vectors.
    clusters
        Cluster of each query, ``(n,)``: all queries of a cluster get the same sign. None if all are independent.
    level
        The smallest level that a p-value is compared with, such as alpha by the number of comparisons. Where random
        sign vectors are too few to resolve it, p-values that rest on fewer than `FEW_EXCEEDING` of them are estimated
        in the tail. None to leave them as they are.

    Returns
    -------
    SignFlip
        P-values are ``(b + 1) / (resamples + 1)`` for random and ``b / 2**n`` for enumerated sign vectors, where b
        sign vectors give a difference at least as large as the observed one; never 0.

    References
    ----------
    Smucker, Allan, Carterette, "A comparison of statistical significance tests for IR evaluation",
    CIKM 2007; Boytsov, Belova, Westfall, "Deciding on an adjustment for multiplicity in IR experiments",
    SIGIR 2013 (maxT).
    """
    differences = cluster_sums(differences, clusters)
    n, k = differences.shape
    exact = n < 63 and 2**n <= resamples
    # |t| is an increasing function of |sum| / scale, and flipping signs does not change scale.
    scale = np.sqrt((differences**2).sum(axis=0))
    observed = np.abs(differences.sum(axis=0))
    ratio = _divide(observed, scale)
    exceeding, exceeding_max, total = np.zeros(k), np.zeros(k), 0
    for signs in _all_signs(n) if exact else _random_signs(n, resamples, seed):
        sums = np.abs(signs @ differences)
        # The tolerance counts sums that differ only by rounding as equal.
        exceeding += (sums >= observed * (1 - 1e-12)).sum(axis=0)
        largest = _divide(sums, scale).max(axis=1, initial=0.0)
        exceeding_max += (largest[:, None] >= ratio * (1 - 1e-12)).sum(axis=0)
        total += len(signs)
    extra = 0 if exact else 1
    p = (exceeding + extra) / (total + extra)
    if not exact and level is not None and level * (resamples + 1) < FEW_EXCEEDING:
        p = _refined(p, exceeding, differences, level, seed)
    return SignFlip(p, (exceeding_max + extra) / (total + extra), exact)


def _refined(
    p: NDArray[np.float64],
    exceeding: NDArray[np.float64],
    differences: NDArray[np.float64],
    level: float,
    seed: int,
) -> NDArray[np.float64]:
    """Return the p-values, with those that rest on too few sign vectors estimated in the tail."""
    refined = p.copy()
    rng = np.random.default_rng([seed, 1])
    for column in np.flatnonzero(exceeding < FEW_EXCEEDING):
        refined[column] = tail_probability(differences[:, column], rng, negligible=level / 100)
    return refined


def _divide(sums: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``sums / scale``, and 0 where scale is 0."""
    return np.divide(sums, scale, out=np.zeros_like(sums), where=scale > 0)


def _all_signs(n: int) -> Iterator[NDArray[np.float64]]:
    for start in range(0, 2**n, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, 2**n))
        yield np.where((numbers[:, None] >> np.arange(n)) & 1, -1.0, 1.0)


def _random_signs(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    # The signs of `default_rng(seed).integers(0, 2, dtype=np.int8)`, which are the top bits of the generator's bytes.
    bits = np.random.PCG64(seed)
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = bits.random_raw(-(-rows * n // 8)).astype("<u8").view(np.int8)[: rows * n]
        yield (drawn >> 7 | 1).astype(np.float64).reshape(rows, n)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values adjusted for multiple comparisons by Holm's step-down method.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
