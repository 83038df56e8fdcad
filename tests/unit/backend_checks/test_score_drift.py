"""Stored scores compared with new ones: what is sampled, and what the evidence says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.backend_checks.score_drift import SAMPLED_QUERIES, DriftCheck, StoredRequest, check_drift, sample
from evalkit.backend_checks.score_scale import NOISE_FACTOR, TOLERANCE
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


def test_what_moved_is_reported_with_its_days() -> None:
    """Scores from before a change of the model do not hold; those after it do."""
    found = check(0.2, 0.0, since=2)
    assert found.verdict == "drifted"
    assert found.equal == 6
    assert "the changed scores were stored from 1970-01-01 to 1970-01-02" in found.evidence()


def test_noise_is_not_drift_and_drift_within_noise_is_not_claimed() -> None:
    """Beyond the noise of asking twice, and beyond what matters: only then it is drift."""
    assert check(0.0, 0.0).verdict == "holds"
    assert check(1e-4, 1e-7, since=4).verdict == "holds"
    assert check(0.3, 0.2, since=4).verdict == "unstable"
    assert check(0.3, 0.01, since=4).verdict == "drifted"
    assert check_drift("r", "d", [], lambda _: SCORES).verdict == "not testable"


def test_equal_scores_hold_whatever_their_spread() -> None:
    """Bit for bit the same is the same, where there is only one score, too, and no spread to measure by."""
    one = StoredRequest(RerankRequest("q", "q", ("a",), ("a",)), np.array([0.5]), 0.0)
    found = check_drift("r", "d", [one], lambda _request: np.array([0.5]))
    assert (found.verdict, found.moved, found.again, found.moved_times_s) == ("holds", 0.0, 0.0, None)
    assert (found.queries, found.pairs, found.equal) == (1, 1, 1)


@pytest.mark.parametrize(("moved", "verdict"), [(1e-9, "holds"), (1e-3, "drifted")])
def test_rounding_is_no_drift_of_equal_scores(moved: float, verdict: str) -> None:
    """Where all stored scores are equal, or there is one, single precision is what a change is measured by."""
    equal = np.array([0.5, 0.5])
    two = StoredRequest(RerankRequest("q", "q", ("a", "b"), ("a", "b")), equal, 0.0)
    assert check_drift("r", "d", [two], lambda _request: equal + moved).verdict == verdict
    one = StoredRequest(RerankRequest("q", "q", ("a",), ("a",)), equal[:1], 0.0)
    found = check_drift("r", "d", [one], lambda _request: equal[:1] + moved)
    assert found.verdict == ("holds" if verdict == "holds" else "not testable")


def test_nothing_stored_is_no_verdict() -> None:
    """Without a stored score nothing is asked, and nothing is said to hold."""
    asked: list[RerankRequest] = []

    def ask(request: RerankRequest) -> np.ndarray:
        asked.append(request)
        return SCORES

    found = check_drift("r", "d", [], ask)
    assert found.verdict == "not testable"
    assert found.evidence() == "no stored scores to compare"
    assert not asked


def test_each_request_is_sent_twice() -> None:
    """The second answer separates noise from a change of the model."""
    asked: list[str] = []

    def ask(request: RerankRequest) -> np.ndarray:
        asked.append(request.query_id)
        return SCORES

    check_drift("r", "d", [stored(1), stored(2)], ask)
    assert asked == ["q1", "q1", "q2", "q2"]


def test_the_evidence_counts_pairs_that_are_the_same() -> None:
    """Of twelve pairs the nine of later days are equal; the day is named once where it is one day."""
    found = check(0.2, 0.0, since=1)
    assert found.evidence().startswith("9 of 12 pairs of 4 queries are bitwise equal; largest difference")
    assert found.evidence().endswith("the changed scores were stored on 1970-01-01")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_a_sample_of_many_of_one_age_repeats_none(ages: list[int]) -> None:
    """Equal ages are ordered by the query."""
    rows = [
        StoredRequest(RerankRequest(f"q{i}", "q", ("a",), ("a",)), np.array([0.5]), float(age))
        for i, age in enumerate(ages)
    ]
    taken = [one.request.query_id for one in sample(rows)]
    assert len(taken) == len(set(taken)) == min(len(rows), SAMPLED_QUERIES)
    assert taken == [one.request.query_id for one in sample(rows[::-1])]


def one_request(scores: list[float], new: list[float], second: list[float]) -> DriftCheck:
    """Check one request with these stored scores against a server that gives other scores in its two calls."""
    names = tuple(f"d{place}" for place in range(len(scores)))
    answers = iter([np.array(new), np.array(second)])
    row = StoredRequest(RerankRequest("q", "q", names, names), np.array(scores), 0.0)
    return check_drift("r", "d", [row], lambda _request: next(answers))


SIXTY_FOURTHS = st.integers(-64, 64).map(lambda number: number / 64)


@given(
    st.lists(st.tuples(*[SIXTY_FOURTHS] * 3), min_size=2, max_size=6),
    st.sampled_from([2.0**-10, 0.5, 4.0, 2.0**10]),
)
def test_the_verdict_does_not_depend_on_the_unit_of_the_scores(
    rows: list[tuple[float, float, float]], factor: float
) -> None:
    """Logits and probabilities of one model get one verdict: distances are measured by the spread."""
    before, scaled = (
        one_request(*[[unit * row[i] for row in rows] for i in range(3)]) for unit in (1, factor)
    )
    assert before.verdict == scaled.verdict
    assert before.equal == scaled.equal


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "holds"), (1.1, "drifted")])
def test_a_difference_counts_from_a_share_of_the_spread_on(share: float, verdict: str) -> None:
    """Just below the tolerance the stored scores hold, just above it they do not."""
    scores = [0.9, 0.4, 0.1]
    spread = one_request(scores, scores, scores).spread
    assert spread == pytest.approx(np.std(scores, ddof=1))
    new = [scores[0] + share * TOLERANCE * spread, *scores[1:]]
    assert one_request(scores, new, new).verdict == verdict


@pytest.mark.parametrize(("times", "verdict"), [(0.9, "holds"), (1.1, "drifted")])
def test_a_difference_counts_only_beyond_a_multiple_of_the_noise(times: float, verdict: str) -> None:
    """A server whose repeated calls differ has to differ several times as much from what was stored."""
    scores = [9.0, 4.0, 1.0]
    spread = one_request(scores, scores, scores).spread
    assert spread is not None
    noise = 0.9 * TOLERANCE * spread
    new = [scores[0] + times * NOISE_FACTOR * noise, *scores[1:]]
    assert one_request(scores, new, [new[0] - noise, *new[1:]]).verdict == verdict
