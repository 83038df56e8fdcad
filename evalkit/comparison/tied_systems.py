"""Which systems do not differ significantly: the pairs of contenders are a family of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, Paired
from evalkit.comparison.corrected_pairs import compared_pairs, corrected_mean, difference_of
from evalkit.comparison.failed_queries import difference_holds, reason_of_pair
from evalkit.comparison.families import family_p_values, without_withheld
from evalkit.comparison.missing_queries import is_cut_off, lacks_too_many
from evalkit.comparison.plan import Comparison, Plan
from evalkit.stats import MIN_QUERIES, count_clusters

Ties = dict[str, tuple[str, ...]]
"""System -> the systems without a significant difference from it; both in the order of their means, highest first."""
Pairs = dict[frozenset[str], float | None]
"""Two systems -> the adjusted p-value of their difference; None where nothing is known of it."""


@dataclass(frozen=True, slots=True)
class OrderedSystems:
    """The systems of one dataset, the highest mean first; those whose files lack too many queries are the last.

    Attributes
    ----------
    tied
        System -> those without a significant difference from it.
    better
        System -> those that are significantly better.
    unknown
        The systems whose files lack too many queries: their place says nothing.
    """

    tied: Ties
    better: Ties
    unknown: frozenset[str]


def order_systems(comparison_set: ComparisonSet, plan: Plan) -> OrderedSystems:
    """Return the order of the systems of one dataset; all pairs of them are one family."""
    (tested,) = _pair_tests([comparison_set], plan, [{}])
    names = _ordered(comparison_set, plan)

    apart = [(min(pair), max(pair)) for pair, p in tested.items() if p is not None and p <= plan.alpha]
    better: set[tuple[str, str]] = set()
    for pair, paired in zip(apart, compared_pairs(comparison_set, apart, plan.primary), strict=True):
        found = difference_of(paired)
        better.add(pair if found is not None and found.mean > 0 else pair[::-1])
    return OrderedSystems(
        _ties(names, tested, plan),
        {name: tuple(other for other in names if (name, other) in better) for name in names},
        frozenset(name for name in names if is_cut_off(comparison_set, name)),
    )


def tied_with(comparison_set: ComparisonSet, plan: Plan) -> Ties:
    """Return the ties on one dataset; all pairs of systems are one family."""
    return order_systems(comparison_set, plan).tied


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
        better than the baseline and tied with it, and so is what follows from them: a system that is better than the
        baseline is not tied with one that is worse. The other pairs of all datasets are one family.

    Notes
    -----
    A pair that is undecided, or has too few queries for a verdict, is not tied: nothing is known of its difference.
    Ties are not transitive: A may be tied with B and B with C, while A is significantly better than C.
    """
    tested = _pair_tests(comparison_sets, plan, [_answers(row) for row in compared])
    return [
        _ties(_ordered(one, plan), answers, plan)
        for one, answers in zip(comparison_sets, tested, strict=True)
    ]


def _answers(row: Sequence[Comparison]) -> Pairs:
    """Return what comparisons with one baseline say of pairs: of the baseline, and of a better and a worse system."""
    found: Pairs = {
        frozenset((one.baseline, one.contender)): one.p_adjusted if _is_decided(one) else None for one in row
    }
    sides: dict[str, dict[str, float]] = {"better": {}, "worse": {}}
    for one in row:
        if one.verdict in sides and one.p_adjusted is not None:
            sides[one.verdict][one.contender] = one.p_adjusted
    for (above, p), (below, q) in product(sides["better"].items(), sides["worse"].items()):
        found[frozenset((above, below))] = max(p, q)
    return found


def _is_decided(one: Comparison) -> bool:
    return one.n > 0 and not one.undecided and one.verdict != "too few queries"


def _pair_tests(comparison_sets: Sequence[ComparisonSet], plan: Plan, known: Sequence[Pairs]) -> list[Pairs]:
    """Return the answers on all pairs of each dataset: the known ones, and those of one family of tests."""
    asked = [
        [pair for pair in _pairs(one) if pair not in answers and not lacks_too_many(one, *sorted(pair))]
        for one, answers in zip(comparison_sets, known, strict=True)
    ]
    groups = [
        compared_pairs(one, [(min(pair), max(pair)) for pair in pairs], plan.primary)
        for one, pairs in zip(comparison_sets, asked, strict=True)
    ]
    tests, size = family_p_values(groups, plan), sum(map(len, groups))
    known_pairs = [
        [
            _is_known(one, plan, size, paired, adjusted, pair)
            for pair, paired, (_, adjusted) in zip(pairs, group, found, strict=True)
        ]
        for one, pairs, group, found in zip(comparison_sets, asked, groups, tests, strict=True)
    ]
    tests = without_withheld(tests, [[not flag for flag in flags] for flags in known_pairs])
    return [
        dict.fromkeys(_pairs(one))
        | answers
        | {
            pair: adjusted if is_known else None
            for pair, is_known, (_, adjusted) in zip(pairs, flags, found, strict=True)
        }
        for one, answers, pairs, flags, found in zip(
            comparison_sets, known, asked, known_pairs, tests, strict=True
        )
    ]


def _is_known(
    comparison_set: ComparisonSet, plan: Plan, size: int, paired: Paired, p: float, names: frozenset[str]
) -> bool:
    """Return whether a pair has queries enough, judged by people, and a difference does not rest on missing ones."""
    is_corrected = paired.judged is not None and comparison_set.judged_by == "corrected"
    if not is_corrected and comparison_set.judged_by != "human":
        return False
    if count_clusters(paired.clusters, len(paired.differences)) < MIN_QUERIES:
        return False
    if p > plan.alpha:
        return True
    if is_corrected:
        return reason_of_pair(comparison_set, (min(names), max(names))) is None
    sign = 1 if paired.differences.mean() > 0 else -1
    return difference_holds(comparison_set, plan, size, (min(names), max(names)), sign)


def _pairs(comparison_set: ComparisonSet) -> list[frozenset[str]]:
    names = list(comparison_set.systems)
    return [frozenset((a, b)) for place, a in enumerate(names) for b in names[place + 1 :]]


def _ordered(comparison_set: ComparisonSet, plan: Plan) -> list[str]:
    """Return the systems by their means, the highest first; then those whose files lack too many queries."""
    corrected = {name: corrected_mean(comparison_set, name, plan.primary) for name in comparison_set.systems}

    def place(name: str) -> tuple[bool, bool, float]:
        known = list(comparison_set.systems[name].values.by_query(plan.primary).values())
        mean = float(np.mean(known)) if known else 0.0
        of_people = corrected[name]
        if of_people is not None and None not in corrected.values():
            mean = of_people.mean
        return is_cut_off(comparison_set, name), not known, -mean

    return sorted(comparison_set.systems, key=place)


def _ties(names: Sequence[str], adjusted: Mapping[frozenset[str], float | None], plan: Plan) -> Ties:
    def tied(pair: frozenset[str]) -> bool:
        p = adjusted[pair]
        return p is not None and p > plan.alpha

    return {
        name: tuple(other for other in names if other != name and tied(frozenset((name, other))))
        for name in names
    }
