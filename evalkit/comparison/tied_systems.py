"""Which systems do not differ significantly: the pairs of contenders are a family of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.comparison.comparison_set import ComparisonSet
from evalkit.comparison.families import family_p_values
from evalkit.comparison.plan import Comparison, Plan
from evalkit.stats import MIN_QUERIES, count_clusters, mean_or_none

Ties = dict[str, tuple[str, ...]]
"""System -> the systems without a significant difference from it; both in the order of their means, highest first."""


def tied_with(comparison_set: ComparisonSet, plan: Plan) -> Ties:
    """Return the ties on one dataset; all pairs of systems are one family."""
    return tied_on_each([comparison_set], plan, [()])[0]


def tied_on_each(
    comparison_sets: Sequence[ComparisonSet], plan: Plan, compared: Sequence[Sequence[Comparison]]
) -> list[Ties]:
    """Return the ties on each dataset.

    Parameters
    ----------
    comparison_sets, plan
        The systems of each dataset, and how they are compared.
    compared
        The comparisons with the baseline on each dataset. Their answers are taken over, so that no system is both
        better than the baseline and tied with it. The other pairs of all datasets are one family.

    Notes
    -----
    A pair that is undecided, or has too few queries for a verdict, is not tied: nothing is known of its difference.
    Ties are not transitive: A may be tied with B and B with C, while A is significantly better than C.
    """
    known: list[dict[frozenset[str], float | None]] = [
        {
            frozenset((one.baseline, one.contender)): one.p_adjusted if _is_decided(one) else None
            for one in row
        }
        for row in compared
    ]
    asked = [
        [pair for pair in _pairs(one) if pair not in answers]
        for one, answers in zip(comparison_sets, known, strict=True)
    ]
    groups = [
        [one.pair(min(pair), max(pair), plan.primary) for pair in pairs]
        for one, pairs in zip(comparison_sets, asked, strict=True)
    ]
    tests = family_p_values(groups, plan)
    for answers, pairs, group, found in zip(known, asked, groups, tests, strict=True):
        answers |= {
            pair: adjusted
            if count_clusters(paired.clusters, len(paired.differences)) >= MIN_QUERIES
            else None
            for pair, paired, (_, adjusted) in zip(pairs, group, found, strict=True)
        }
    return [_ties(one, answers, plan) for one, answers in zip(comparison_sets, known, strict=True)]


def _is_decided(one: Comparison) -> bool:
    return one.n > 0 and not one.undecided and one.verdict != "too few queries"


def _pairs(comparison_set: ComparisonSet) -> list[frozenset[str]]:
    names = list(comparison_set.systems)
    return [frozenset((a, b)) for place, a in enumerate(names) for b in names[place + 1 :]]


def _ties(comparison_set: ComparisonSet, adjusted: Mapping[frozenset[str], float | None], plan: Plan) -> Ties:
    means = {name: mean_or_none(one.values.of(plan.primary)) for name, one in comparison_set.systems.items()}
    names = sorted(means, key=lambda name: -(means[name] or 0.0))

    def tied(pair: frozenset[str]) -> bool:
        p = adjusted[pair]
        return p is not None and p > plan.alpha

    return {
        name: tuple(other for other in names if other != name and tied(frozenset((name, other))))
        for name in names
    }
