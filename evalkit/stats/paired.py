"""Paired comparison of two systems over the same queries: mean difference, interval, randomisation test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 9999
_CHUNK = 512
"""Sign vectors held in memory at once."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """P-values of a sign-flip randomisation test of several mean differences.

    Attributes
    ----------
    p
        ``(k,)`` two-sided p-value of each mean difference on its own.
    p_max_t
        ``(k,)`` p-values adjusted for all of them by the greatest |t|: the chance that any would
        look this different if none were.
    exact
        Whether all sign vectors were enumerated.
    """

    p: NDArray[np.float64]
    p_max_t: NDArray[np.float64]
    exact: bool


def sign_flip(differences: NDArray[np.float64], resamples: int = RESAMPLES, seed: int = 0) -> SignFlip:
    """Test whether mean paired differences are zero, by flipping the signs of queries.

    If two systems are exchangeable, each query's difference could as well have had the other sign. All
    columns get the same signs, so their dependence is kept.

    Parameters
    ----------
    differences
        ``(n, k)`` one row per query, one column per pair of systems.
    resamples
        Sign vectors drawn; all ``2**n`` are enumerated where that is no more.
    seed
        Of the draw.

    Returns
    -------
    SignFlip
        P-values are ``(b + 1) / (resamples + 1)`` where drawn, ``b / 2**n`` where enumerated: never 0.

    References
    ----------
    Smucker, Allan, Carterette, "A comparison of statistical significance tests for IR evaluation",
    CIKM 2007; Boytsov, Belova, Westfall, "Deciding on an adjustment for multiplicity in IR experiments",
    SIGIR 2013 (maxT).
    """
    n, k = differences.shape
    exact = n < 63 and 2**n <= resamples
    scale = np.sqrt((differences**2).sum(axis=0))  # |t| grows with |sum| / scale, and signs leave scale alone
    observed = np.abs(differences.sum(axis=0))
    ratio = _divide(observed, scale)
    at_least, at_least_max, drawn = np.zeros(k), np.zeros(k), 0
    for signs in _all_signs(n) if exact else _drawn_signs(n, resamples, seed):
        sums = np.abs(signs @ differences)
        # What is equal but for the order of summing is equal.
        at_least += (sums >= observed * (1 - 1e-12)).sum(axis=0)
        greatest = _divide(sums, scale).max(axis=1, initial=0.0)
        at_least_max += (greatest[:, None] >= ratio * (1 - 1e-12)).sum(axis=0)
        drawn += len(signs)
    extra = 0 if exact else 1
    return SignFlip((at_least + extra) / (drawn + extra), (at_least_max + extra) / (drawn + extra), exact)


def _divide(sums: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(sums, scale, out=np.zeros_like(sums), where=scale > 0)


def _all_signs(n: int) -> Iterator[NDArray[np.float64]]:
    for start in range(0, 2**n, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, 2**n))
        yield np.where((numbers[:, None] >> np.arange(n)) & 1, -1.0, 1.0)


def _drawn_signs(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        size = (min(_CHUNK, resamples - start), n)
        yield np.where(rng.integers(0, 2, size, dtype=np.int8), -1.0, 1.0)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values adjusted for their number by Holm's step-down method.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
