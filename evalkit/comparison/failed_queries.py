"""Check that a claim does not rest on the queries that failed: failures may be the hardest queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import ComparisonSet
from evalkit.comparison.plan import Comparison, Plan
from evalkit.stats import sign_flip

_CLAIMS = ("better", "worse", "identical")


def holds_with_failures(comparison_set: ComparisonSet, plan: Plan, size: int, one: Comparison) -> Comparison:
    """Return a comparison; its verdict is withheld if failed queries that count against it would remove it.

    Parameters
    ----------
    comparison_set, plan
        The systems, and how they are compared.
    size
        Number of comparisons in the family, for Bonferroni's correction.
    one
        A comparison of the queries that both systems have.
    """
    if not one.left_out or one.verdict not in _CLAIMS:
        return one
    sign = {"better": 1, "worse": -1}.get(one.verdict, 0)
    if sign:
        differences, query_ids = _least_favourable(comparison_set, one, sign)
        clusters = comparison_set.clusters_of(query_ids)
        p = float(sign_flip(differences[:, None], plan.resamples, plan.seed, clusters=clusters).p[0])
        if sign * differences.mean() > 0 and p * size <= plan.alpha:
            return one
    return replace(one, verdict="undecided: failed queries")


def _least_favourable(
    comparison_set: ComparisonSet, one: Comparison, sign: int
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return ``(n,)`` differences over all queries, failures scored against the claim, and the query ids.

    A failed query of the system that is claimed to be better counts as 0; one of the other system counts as 1, or as
    the highest value seen where a metric has larger ones.
    """
    values = [
        dict(zip(entry.values.query_ids, entry.values.of(one.metric).tolist(), strict=True))
        for entry in (comparison_set.systems[one.baseline], comparison_set.systems[one.contender])
    ]
    highest = max(1.0, *(max(column.values(), default=0.0) for column in values))
    fill_baseline, fill_contender = (highest, 0.0) if sign > 0 else (0.0, highest)
    query_ids = tuple(dict.fromkeys([*values[0], *values[1]]))
    differences = [values[1].get(q, fill_contender) - values[0].get(q, fill_baseline) for q in query_ids]
    return np.array(differences), query_ids
