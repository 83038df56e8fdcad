"""The rule on the share of queries that fall, and the share of falls that a sample cannot show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalkit.comparison.fallen_queries import judge_fallen, unseen_share, with_unseen_share, worst_of_clusters
from evalkit.comparison.gate_verdicts import GateFinding, judge_drop


def falls(count: int, n: int, size: float = 0.5) -> np.ndarray:
    """Return differences of which `count` are losses."""
    return np.where(np.arange(n) < count, -size, 0.0)


@given(n=st.integers(30, 500), k=st.integers(0, 60), most=st.floats(0.01, 0.4))
def test_verdicts_follow_from_the_exact_bounds(n: int, k: int, most: float) -> None:
    """PASS if the upper Clopper-Pearson bound is within the limit, FAIL if the lower one is above it."""
    k = min(k, n)
    found = judge_fallen(falls(k, n), "m", most, None, 0.05)
    lower = stats.beta.ppf(0.05, k, n - k + 1) if k else 0.0
    upper = stats.beta.ppf(0.95, k + 1, n - k) if k < n else 1.0
    assert (found.lower, found.upper) == (pytest.approx(lower), pytest.approx(upper))
    assert found.status == ("PASS" if upper <= most else "FAIL" if lower > most else "CANNOT TELL")
    assert (found.estimate, found.n) == (k / n, n)


def test_an_open_question_names_the_fewest_queries_that_pass() -> None:
    """One query fewer does not pass, even if no other query falls."""
    found = judge_fallen(falls(2, 96), "nDCG@10", 0.05, None, 0.05)
    assert found.sentence == (
        "nDCG@10 decreased in 2 of 96 queries. The share of all queries may be up to 6.41% (95% confidence);"
        " the limit is 5%. A PASS requires at least 124 queries, if no further query decreases"
    )
    assert judge_fallen(falls(2, 124), "m", 0.05, None, 0.05).status == "PASS"
    assert judge_fallen(falls(2, 123), "m", 0.05, None, 0.05).status == "CANNOT TELL"


def test_small_falls_do_not_count_where_a_size_is_given() -> None:
    """A loss of exactly the size counts, whatever the rounding of the subtraction."""
    differences = np.array([0.5 - 0.7, 0.1 - 0.25, *np.zeros(98)])
    assert judge_fallen(differences, "m", 0.05, None, 0.05).estimate == 0.02
    assert judge_fallen(differences, "m", 0.05, 0.15, 0.05).estimate == 0.02
    assert judge_fallen(differences, "m", 0.05, 0.2, 0.05).estimate == 0.01
    assert "decreased by 0.2 or more in 1 of 100" in judge_fallen(differences, "m", 0.05, 0.2, 0.05).sentence


def test_few_queries_carry_no_verdict() -> None:
    """Fewer than 30, and none at all."""
    assert judge_fallen(falls(0, 29), "m", 0.2, None, 0.05).status == "CANNOT TELL"
    assert judge_fallen(falls(0, 30), "m", 0.2, None, 0.05).status == "PASS"
    assert judge_fallen(falls(0, 0), "m", 0.2, None, 0.05).status == "INVALID"


def test_the_chance_of_an_unchanged_system_is_that_of_its_share() -> None:
    """The share that fell is taken for that of reruns; unknown where no query fell."""
    found = judge_fallen(falls(3, 200), "m", 0.05, None, 0.05)
    assert isinstance(found, GateFinding)
    most = max(k for k in range(200) if stats.beta.ppf(0.95, k + 1, 200 - k) <= 0.05)
    assert found.unchanged_passes == pytest.approx(stats.binom.cdf(most, 200, 0.015))
    unknown = judge_fallen(falls(0, 200), "m", 0.05, None, 0.05)
    assert isinstance(unknown, GateFinding)
    assert unknown.unchanged_passes is None


def test_the_unseen_share_is_the_exact_rule_of_three() -> None:
    """3.0 % of the queries at n = 100; more queries leave less unseen."""
    assert unseen_share(100, 0.05) == pytest.approx(0.0295, abs=5e-5)
    assert unseen_share(30, 0.05) == pytest.approx(stats.beta.ppf(0.95, 1, 30))


@pytest.mark.parametrize(
    ("differences", "status", "end"),
    [
        (np.zeros(100), "IDENTICAL",
         "No query decreased; up to 2.95% of all queries may (95% confidence)"),
        (np.linspace(-0.01, 0.05, 100), "PASS",
         "No query decreased by more than 0.0100; up to 2.95% of all queries may (95% confidence)"),
        (np.linspace(-0.3, -0.1, 100), "FAIL", "n=100 queries)"),
    ],
)  # fmt: skip
def test_a_pass_says_what_it_cannot_see(differences: np.ndarray, status: str, end: str) -> None:
    """The largest fall that was seen, and how many queries may fall further; a failure has the figures alone."""
    found = with_unseen_share(judge_drop(differences, "m", 0.02, 0.05), differences, 0.05)
    assert found.status == status
    assert found.sentence.endswith(end)
    assert found.unseen_share == unseen_share(100, 0.05)
    assert found.largest_fall == pytest.approx(max(0.0, -differences.min()))


def test_a_cluster_falls_with_its_worst_query() -> None:
    """Related queries are one case: the largest loss of a cluster counts."""
    differences = np.array([0.1, -0.3, 0.0, 0.2, -0.1])
    assert worst_of_clusters(differences, None) is differences
    assert worst_of_clusters(differences, np.array([0, 0, 1, 1, 2])).tolist() == [-0.3, 0.0, -0.1]
