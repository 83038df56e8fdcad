"""Evidence of a lasting fall: what raises it, what does not, and from when on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from evalkit.stats import fall_evidence
from evalkit.stats.anytime import _VARIANCES, _log_evidence


def test_the_ratio_is_that_of_the_noncentral_t_distribution() -> None:
    """The closed form is the integral of the likelihood ratio of t over the prior of the effect."""
    rng = np.random.default_rng(0)
    observations = rng.normal(-0.02, 0.01, 6)
    excess = -0.01 - observations
    t = np.sqrt(6) * excess.mean() / excess.std(ddof=1)
    ratios = [
        integrate.quad(
            lambda z, g=variance: stats.nct.pdf(t, 5, z * np.sqrt(6 * g)) / stats.t.pdf(t, 5) * stats.norm.pdf(z),
            -8, 8, limit=200,
        )[0]
        for variance in _VARIANCES
    ]  # fmt: skip
    (found, *_) = np.exp(_log_evidence(excess, np.empty(0)))
    assert found == pytest.approx(np.mean(ratios), rel=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.05, -0.01, -0.01 - 1e-15])
def test_a_mean_within_the_margin_is_no_evidence(value: float) -> None:
    """Without any noise, too; rounding at the margin is not a fall."""
    assert fall_evidence(np.full(100, value), 0.01).e_value == 0.0


def test_a_fall_without_noise_is_found_after_some_nights() -> None:
    """Twice the margin: 11 nights from the start, 18 after fifty good ones; the evidence says since when."""
    assert fall_evidence(np.full(10, -0.02), 0.01).e_value < 20
    assert fall_evidence(np.full(11, -0.02), 0.01).e_value >= 20
    later = fall_evidence(np.append(np.zeros(50), np.full(18, -0.02)), 0.01)
    assert (later.e_value >= 20, later.since) == (True, 50)


def test_a_few_equal_nights_prove_little() -> None:
    """Their spread is 0, so that the t statistic alone would be infinite; a single good night is enough against it."""
    for nights in range(1, 6):
        assert fall_evidence(np.full(nights, -0.0105), 0.01).e_value < 1


def test_one_observation_is_no_evidence() -> None:
    """However large: its spread is unknown."""
    assert fall_evidence(np.array([-0.9]), 0.01).e_value <= 1


def test_evidence_has_no_scale() -> None:
    """Observations and margin in other units give the same."""
    rows = np.random.default_rng(1).normal(-0.02, 0.01, 20)
    assert fall_evidence(100 * rows, 1.0).e_value == pytest.approx(
        fall_evidence(rows, 0.01).e_value, rel=1e-4
    )
