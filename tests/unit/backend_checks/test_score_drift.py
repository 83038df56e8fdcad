"""StoredRequest scores held against fresh ones: what is sampled, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.backend_checks.score_drift import SAMPLED_QUERIES, DriftCheck, StoredRequest, check_drift, sample
from evalkit.records import RerankRequest

SCORES = np.array([0.9, 0.4, 0.1])


def stored(age: int) -> StoredRequest:
    """Return a request whose scores were stored on some day."""
    return StoredRequest(
        RerankRequest(f"q{age}", "q", ("a", "b", "c"), ("a", "b", "c")), SCORES, 86400.0 * age
    )


@pytest.mark.parametrize("number", [0, 1, 2, 5, 6, 7, 100])
def test_the_sample_reaches_from_the_oldest_to_the_newest(number: int) -> None:
    """Evenly, without repeating any, and no more than a few."""
    taken = sample([stored(age) for age in reversed(range(number))])
    ages = [one.oldest_s for one in taken]
    assert len(taken) == len(set(ages)) == min(number, SAMPLED_QUERIES)
    assert ages == sorted(ages)
    assert not ages or {ages[0], ages[-1]} == {0.0, 86400.0 * (number - 1)}


def check(moved: float, noise: float, since: int = 0) -> DriftCheck:
    """Check four queries against a server that moved those stored before some day, and has noise."""
    turn = iter(range(100))

    def ask(request: RerankRequest) -> np.ndarray:
        old = int(request.query_id[1:]) < since
        return SCORES + (moved if old else 0.0) + noise * (next(turn) % 2)

    return check_drift("r", "d", [stored(age) for age in range(4)], ask)


def test_what_moved_is_told_with_its_days() -> None:
    """Scores from before a change of the model do not hold; those after it do."""
    found = check(0.2, 0.0, since=2)
    assert found.verdict == "drifted"
    assert found.equal == 6
    assert "what moved was stored from 1970-01-01 to 1970-01-02" in found.evidence()


def test_noise_is_not_drift_and_drift_within_noise_is_not_claimed() -> None:
    """Beyond the noise of asking twice, and beyond what matters: only then it is drift."""
    assert check(0.0, 0.0).verdict == "holds"
    assert check(1e-4, 1e-7, since=4).verdict == "holds"
    assert check(0.3, 0.2, since=4).verdict == "unstable"
    assert check(0.3, 0.01, since=4).verdict == "drifted"
    assert check_drift("r", "d", [], lambda _: SCORES).verdict == "not testable"
