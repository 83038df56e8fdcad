"""One family, one answer: corrected comparisons over contenders and datasets, ties, and what datasets share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.worlds import set_of_values

from evalkit.comparison import Plan, across_datasets, compare, compare_all, pool, tied_on_each, tied_with
from evalkit.comparison.families import joint_confidence, without_withheld
from evalkit.records import Query
from evalkit.stats import holm

PLAN = Plan("a", "nDCG@10", resamples=999)


def values(seed: int, n: int, *shifts: float, spread: float = 0.1) -> dict[str, np.ndarray]:
    """Return systems with a common part and noise of their own."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.2, 0.6, n)
    return {
        name: base + shift + rng.normal(0, spread, n) for name, shift in zip("abcdefgh", shifts, strict=False)
    }


@given(st.integers(0, 500), st.floats(0, 0.08))
def test_no_system_is_both_better_than_the_baseline_and_tied_with_it(seed: int, shift: float) -> None:
    """The answer on a contender and the baseline is the same in its row and in the ties, both ways round."""
    one = set_of_values(values(seed, 40, 0.0, shift, 2 * shift, -shift))
    compared = compare(one, PLAN)
    (tied,) = tied_on_each([one], PLAN, [compared])
    for row in compared:
        differs = row.verdict in {"better", "worse"}
        assert differs == ("a" not in tied[row.contender])
        assert differs == (row.contender not in tied["a"])


@settings(max_examples=30)
@given(st.integers(0, 500))
def test_a_system_above_the_baseline_is_not_tied_with_one_below_it(seed: int) -> None:
    """It follows from the two answers, whatever a test of the pair alone says: its family is another one."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.3, 0.6, 40)
    columns = {"a": base}
    for name in "bcdef":
        columns[name] = base + rng.choice([-0.06, 0.0, 0.06]) + rng.normal(0, 0.12, 40)
    one = set_of_values(columns)
    compared = compare(one, PLAN)
    (tied,) = tied_on_each([one], PLAN, [compared])
    sides = {kind: [row.contender for row in compared if row.verdict == kind] for kind in ("better", "worse")}
    for above in sides["better"]:
        assert set(tied[above]).isdisjoint(sides["worse"])
    for below in sides["worse"]:
        assert set(tied[below]).isdisjoint(sides["better"])


def test_many_systems_are_not_all_tied() -> None:
    """With 33 systems of two kinds far apart no pair across the kinds is tied, whatever the number of sign flips."""
    rng = np.random.default_rng(1)
    base = rng.uniform(0.2, 0.4, 54)
    columns = {f"s{i:02}": base + (0.4 if i < 16 else 0.0) + rng.normal(0, 0.05, 54) for i in range(33)}
    for resamples in (9999, 999):
        tied = tied_with(set_of_values(columns), replace(PLAN, baseline="s32", resamples=resamples))
        across = [(a, b) for a in tied for b in tied[a] if (a < "s16") != (b < "s16")]
        assert across == []


def test_datasets_are_one_family() -> None:
    """The adjusted p-values are Holm's over datasets times contenders; one dataset alone is as before."""
    sets = [set_of_values(values(seed, 60, 0.0, 0.03, 0.01), f"d{seed}") for seed in range(3)]
    together = [one for row in compare_all(sets, PLAN) for one in row]
    assert [one.p_adjusted for one in together] == pytest.approx(holm(np.array([one.p for one in together])))
    alone = compare(sets[0], PLAN)
    assert [one.p for one in alone] == [one.p for one in together[:2]]
    assert all((a.p_adjusted or 0) <= (b.p_adjusted or 0) for a, b in zip(alone, together, strict=False))


def test_maxt_corrects_for_the_number_of_datasets() -> None:
    """Each dataset's adjusted p-value is that of the dataset alone, times the number of datasets."""
    plan = replace(PLAN, correction="maxT")
    sets = [set_of_values(values(seed, 60, 0.0, 0.03, 0.01), f"d{seed}") for seed in range(2)]
    for row, one in zip(compare_all(sets, plan), sets, strict=True):
        alone = [min(1.0, 2 * (found.p_adjusted or 0.0)) for found in compare(one, plan)]
        assert [found.p_adjusted for found in row] == pytest.approx(alone)


def test_simultaneous_intervals_are_wider_with_the_family() -> None:
    """One contender has its own interval; with more contenders it grows by the level of Šidák."""
    (alone,) = compare(set_of_values(values(3, 60, 0.0, 0.0)), PLAN)
    assert (alone.joint_lower, alone.joint_upper) == (alone.lower, alone.upper)
    first, *_ = compare(set_of_values(values(3, 60, 0.0, 0.0, 0.0, 0.0, 0.0)), PLAN)
    half = stats.t.ppf(0.5 + joint_confidence(0.95, 4) / 2, 59) * (first.error or 0.0)
    assert first.joint_upper == pytest.approx((first.difference or 0.0) + half)
    assert joint_confidence(0.95, 4) ** 4 == pytest.approx(0.95)


def test_a_system_that_the_stepwise_correction_shows_has_an_interval_from_zero() -> None:
    """*Better* and a simultaneous interval that includes values below 0 do not occur together."""
    for seed in range(60):
        for one in compare(set_of_values(values(seed, 40, 0.0, 0.05, 0.05, 0.05)), PLAN):
            if one.verdict == "better" and (one.lower or 0.0) > 0:
                assert (one.joint_lower or 0.0) >= 0


def test_clusters_count_as_one_query_each() -> None:
    """Forty queries of twenty texts are too few, sixty of thirty are not; the row says how many clusters there are."""
    for n, verdict in ((40, "too few queries"), (60, "better")):
        queries = {f"q{i}": Query(f"q{i}", f"text {i // 2}") for i in range(n)}
        (one,) = compare(replace(set_of_values(values(1, n, 0.0, 0.3)), queries=queries), PLAN)
        assert (one.verdict, one.n, one.clusters) == (verdict, n, n // 2)


def test_variation_over_datasets_is_that_of_a_meta_analysis() -> None:
    """Cochran's Q, its p-value, I² and the range agree with the inverse-variance computation."""
    sets = [
        set_of_values(values(seed, 50, 0.0, shift), f"d{seed}") for seed, shift in enumerate((0.0, 0.1, 0.3))
    ]
    compared = compare_all(sets, PLAN)
    (found,) = across_datasets(compared, PLAN)
    means = np.array([row[0].difference for row in compared])
    weights = 1 / np.array([row[0].error for row in compared]) ** 2
    q = float((weights * (means - np.average(means, weights=weights)) ** 2).sum())
    assert (found.q, found.q_p) == pytest.approx((q, stats.chi2.sf(q, 2)))
    assert found.i_squared == pytest.approx(1 - 2 / q)
    assert (found.lowest, found.highest, found.datasets) == (means.min(), means.max(), 3)


def test_better_on_counts_datasets_that_are_sure() -> None:
    """Better on two of three datasets by far: at least two, never three; a worse contender counts on the other side."""
    sets = [
        set_of_values(values(seed, 80, 0.0, shift), f"d{seed}") for seed, shift in enumerate((0.2, 0.2, -0.2))
    ]
    (found,) = across_datasets(compare_all(sets, PLAN), PLAN)
    assert (found.better_on, found.worse_on) == (2, 1)


def test_a_claim_that_one_dataset_withholds_is_withheld_for_the_mean() -> None:
    """The pooled verdict takes over the reason."""
    sets = [set_of_values(values(seed, 60, 0.0, 0.3), f"d{seed}") for seed in range(2)]
    compared = compare_all(sets, PLAN)
    withheld = [[replace(compared[0][0], verdict="undecided: failed queries")], compared[1]]
    assert pool(sets, PLAN, compared)[0].verdict == "better"
    assert pool(sets, PLAN, withheld)[0].verdict == "undecided: failed queries"


def test_a_mean_makes_no_claim_from_failures_that_no_dataset_was_checked_for() -> None:
    """No dataset alone shows a difference, their mean does, and queries failed: the claim of the mean is withheld."""
    sets = [set_of_values(values(seed, 60, 0.0, 0.025), f"d{seed}") for seed in (12, 13, 14)]
    compared = compare_all(sets, PLAN)
    assert {row[0].verdict for row in compared} == {"not told apart"}
    assert pool(sets, PLAN, compared)[0].verdict == "better"
    failed = [[replace(row[0], left_out=5)] for row in compared]
    (one,) = pool(sets, PLAN, failed)
    assert (one.verdict, one.left_out) == ("undecided: failed queries", 15)


def test_pooled_values_of_0_and_1_have_an_interval_with_a_width() -> None:
    """Two datasets without a difference: the interval is that of Tango, narrower than that of one dataset."""
    ones = [set_of_values({"a": np.ones(50), "b": np.ones(50)}, f"d{i}") for i in range(2)]
    (alone,), (pooled,) = compare(ones[0], PLAN), pool(ones, PLAN)
    assert 0 < (pooled.upper or 0.0) < (alone.upper or 0.0)
    assert pooled.lower == pytest.approx(-(pooled.upper or 0.0))


def test_a_withheld_claim_makes_no_other_test_less_strict() -> None:
    """After a significant difference Holm's correction divides by less; not after one that is withheld."""
    tests = [[(0.001, 0.002), (0.03, 0.03)]]
    assert without_withheld(tests, [[False, False]]) == tests
    assert without_withheld(tests, [[True, False]]) == [[(0.001, 1.0), (0.03, 0.06)]]
    assert without_withheld(tests, [[False, True]]) == [[(0.001, 0.002), (0.03, 1.0)]]
