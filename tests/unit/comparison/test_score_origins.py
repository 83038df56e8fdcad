"""Where scores came from: a gate decides on scores of its run, and on others only as far as they prove something."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.score_origins import (
    HOUR_S,
    AcceptedScores,
    DriftSample,
    ScoreOrigin,
    combined,
    duration,
    judge_origin,
    together,
)

DAY = AcceptedScores(max_age_s=24 * HOUR_S)
CHECKED = AcceptedScores(drift_queries=20)
CACHED = ScoreOrigin(fresh=10, older=90, age_s=3600.0)
DRIFT = DriftSample(queries=20, of_queries=97, pairs=400, verdict="holds", evidence="largest difference 0")
COUNTS = st.integers(0, 1000)
AGES = st.none() | st.floats(0, 1e6)
ORIGINS = st.builds(ScoreOrigin, fresh=COUNTS, older=COUNTS, undated=COUNTS, age_s=AGES)


@given(fresh=COUNTS, older=COUNTS, undated=COUNTS, age_s=st.none() | st.floats(0, 1e6))
def test_without_rules_only_scores_of_the_run_itself_are_accepted(
    fresh: int, older: int, undated: int, age_s: float | None
) -> None:
    """One older score among thousands is enough to refuse all, however young it is."""
    basis = judge_origin(ScoreOrigin(fresh, older, undated=undated, age_s=age_s), AcceptedScores(), 0.05)
    assert basis.is_accepted == (older == 0)
    assert basis.kind == ("cached" if older else "this run")


def test_an_unknown_origin_is_refused() -> None:
    """Whatever the rules accept."""
    for accepted in (AcceptedScores(), DAY, CHECKED):
        assert not judge_origin(None, accepted, 0.05).is_accepted


def test_content_that_is_known_needs_no_call() -> None:
    """A run file or a model's files are the same wherever their hash is; the sentence names it."""
    basis = judge_origin(replace(CACHED, proven_by="run file a.trec, sha256 12ab"), AcceptedScores(), 0.05)
    assert (basis.kind, basis.is_accepted) == ("identified", True)
    assert "run file a.trec, sha256 12ab" in basis.sentence


@pytest.mark.parametrize(
    ("origin", "accepts"),
    [
        (CACHED, True),
        (replace(CACHED, age_s=24.0 * HOUR_S), True),
        (replace(CACHED, age_s=24.1 * HOUR_S), False),
        (replace(CACHED, undated=1), False),
        (replace(CACHED, age_s=None), False),
        (replace(CACHED, age_s=-60.0), False),
    ],
    ids=["young", "just young enough", "too old", "one imported", "no time", "from the future"],
)
def test_an_accepted_age_is_that_of_the_oldest_score(origin: ScoreOrigin, accepts: bool) -> None:
    """The sentence says the age. A score without a proven time has none, and a clock that went back proves nothing."""
    basis = judge_origin(origin, DAY, 0.05)
    assert (basis.kind == "recent") == accepts == basis.is_accepted
    assert not accepts or "old at the end of the run (accepted: 24 hours)" in basis.sentence


@pytest.mark.parametrize(
    ("drift", "accepts"),
    [
        (DRIFT, True),
        (None, False),
        (replace(DRIFT, queries=19), False),
        (replace(DRIFT, verdict="drifted"), False),
        (replace(DRIFT, verdict="unstable"), False),
        (replace(DRIFT, verdict="not testable"), False),
    ],
    ids=["unchanged", "no check", "too few", "drifted", "unstable", "not testable"],
)
def test_a_drift_check_stands_in_only_where_it_found_nothing(
    drift: DriftSample | None, accepts: bool
) -> None:
    """And only if it is as large as the rules ask for. What was found is in the sentence."""
    basis = judge_origin(replace(CACHED, drift=drift), CHECKED, 0.05)
    assert (basis.kind == "checked") == accepts == basis.is_accepted
    assert drift is None or drift.verdict == "holds" or drift.verdict in basis.sentence


@given(queries=st.integers(1, 200), alpha=st.floats(0.001, 0.4))
def test_the_share_that_a_check_may_miss_is_the_exact_binomial_bound(queries: int, alpha: float) -> None:
    """If that share of the queries had changed, a sample without one has the probability alpha: ``scipy`` agrees."""
    from scipy.stats import binomtest

    origin = replace(CACHED, drift=replace(DRIFT, queries=queries))
    sentence = judge_origin(origin, AcceptedScores(drift_queries=1), alpha).sentence
    share = float(sentence.partition("Up to ")[2].partition("%")[0]) / 100
    exact = binomtest(0, queries).proportion_ci(1 - 2 * alpha, method="exact").high
    assert share == pytest.approx(exact, rel=0.006)


@given(
    st.lists(
        st.builds(
            ScoreOrigin, fresh=COUNTS, older=COUNTS, undated=COUNTS, age_s=st.none() | st.floats(0, 1e6)
        ),
        min_size=1,
    )
)
def test_averaged_scores_are_as_old_as_the_oldest(origins: list[ScoreOrigin]) -> None:
    """Averaging makes nothing younger or better known than its worst part."""
    together = combined(origins)
    for accepted in (AcceptedScores(), DAY, CHECKED):
        all_accepted = all(judge_origin(one, accepted, 0.05).is_accepted for one in origins)
        assert judge_origin(together, accepted, 0.05).is_accepted == all_accepted
    assert together.pairs == sum(one.pairs for one in origins)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(22.4, "22 seconds"), (90, "1.5 minutes"), (5400, "1.5 hours"), (5 * 86400, "5 days")],
)
def test_durations_have_a_unit_that_people_use(seconds: float, text: str) -> None:
    """Three digits are enough."""
    assert duration(seconds) == text


def test_a_cascade_is_as_well_known_as_its_least_known_stage() -> None:
    """A stage of proven content adds no doubt; a cached stage makes the whole cached; a new one makes it new."""
    words = ScoreOrigin(0, 100, proven_by="evalkit 1")
    file = ScoreOrigin(100, proven_by="run file a")
    fresh = ScoreOrigin(100, ended="2026-01-01")
    assert judge_origin(together([words, file]), AcceptedScores(), 0.05).sentence == (
        "identified by its content (evalkit 1; run file a)"
    )
    assert judge_origin(together([words, fresh]), AcceptedScores(), 0.05).kind == "this run"
    assert judge_origin(together([fresh, CACHED]), AcceptedScores(), 0.05).kind == "cached"
    assert judge_origin(together([words, CACHED]), DAY, 0.05).kind == "recent"
    checked = replace(CACHED, drift=DRIFT)
    assert judge_origin(together([words, checked]), CHECKED, 0.05).kind == "checked"
    assert judge_origin(together([checked, CACHED]), CHECKED, 0.05).kind == "cached"


def test_averaged_runs_are_named_with_their_times() -> None:
    """How many, and from when to when: one of last month would show."""
    ends = ("2026-11-02T03:00:00+00:00", "2026-10-01T03:00:00+00:00")
    basis = judge_origin(combined([ScoreOrigin(10, ended=end) for end in ends]), AcceptedScores(), 0.05)
    times = "from 2026-10-01 at 03:00 UTC to 2026-11-02 at 03:00 UTC"
    assert basis.sentence == f"all 20 scores are from calls of these 2 runs, which ended {times}"
