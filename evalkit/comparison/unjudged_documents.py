"""Decide whether unjudged documents could change a verdict, and list those to judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.comparison.comparison_set import ComparisonSet, pair
from evalkit.comparison.counted_documents import CountedDocuments
from evalkit.comparison.more_judgments import MoreJudgments, all_together
from evalkit.comparison.plan import Comparison, Plan
from evalkit.comparison.sensitivity import Sensitivity, counted_ranks, cut_at_metric, unjudged_pairs
from evalkit.metrics import parse_metric
from evalkit.records import RELEVANT_GRADE, Qrels

SHARES_APART = 0.05
"""Above this difference of two shares of judged documents, the judged documents alone must confirm a claim."""
PLAUSIBLE = 0.05
"""A claim is withheld if unjudged documents reverse its sign with a higher probability than this."""
FEW_NON_RELEVANT = 0.01
"""With a smaller share of non-relevant judgments, the judgments list relevant documents only."""
_DRAWS = 8
"""Simulated sets of judgments. Queries are independent, so a few give the variance over all queries."""


@dataclass(frozen=True, slots=True)
class ToJudge:
    """An unjudged document that one of two systems ranks above the cutoff.

    Attributes
    ----------
    rank
        Its best rank.
    systems
        The systems that rank it above the cutoff.
    text
        Text of the query; None where it is not known.
    """

    query_id: str
    doc_id: str
    rank: int
    systems: tuple[str, ...]
    text: str | None = None


def lists_relevant_only(qrels: Qrels) -> bool:
    """Return whether almost no document is judged not relevant: then a relevance rate cannot be estimated."""
    grades = qrels.columns.grades
    return bool((grades < RELEVANT_GRADE).sum() < FEW_NON_RELEVANT * len(grades))


def unjudged_matter(comparison_set: ComparisonSet, metric: str) -> bool:
    """Return whether an unjudged document may be relevant, and the judgments say how often.

    They do not matter for the metric Judged, which is the share of judged documents itself.
    """
    known = comparison_set.unjudged != "unknown" or lists_relevant_only(comparison_set.qrels)
    return not known and parse_metric(metric).name != "Judged"


def reversal_probability(comparison_set: ComparisonSet, plan: Plan, contender: str) -> float | None:
    """Return the probability that unjudged documents reverse the sign of a difference.

    Unjudged documents above the cutoff of either system get grades drawn at random from those of the documents that
    are judged there. The mean difference is then normal, with the variance that the draws show within queries.

    Returns
    -------
    The probability; None if there is no difference, or nothing is judged or unjudged there.

    References
    ----------
    Rubin, "Multiple imputation for nonresponse in surveys" (1987).
    """
    from scipy.special import ndtr

    baseline, contending = (
        cut_at_metric(comparison_set.systems[name], plan, comparison_set.qrels)
        for name in (plan.baseline, contender)
    )
    qrels = comparison_set.qrels
    counted = CountedDocuments.of(baseline, contending, qrels, counted_ranks(plan.primary))
    unjudged, seen = counted.all_unjudged, counted.grades_seen
    paired = pair(baseline.values, contending.values, plan.primary)
    known = paired.differences
    if not len(unjudged) or not len(seen) or not len(known) or not known.mean():
        return None
    more = MoreJudgments(baseline, contending, counted, qrels, plan.primary)
    number = {query_id: row for row, query_id in enumerate(counted.query_ids)}
    queries = np.array([number[query_id] for query_id in paired.query_ids], dtype=np.int64)
    by_number = np.argsort(queries)
    rng = np.random.default_rng(plan.seed)
    draws = np.empty((_DRAWS, len(known)))
    for draw in draws:
        grades = rng.choice(seen, len(unjudged))
        draw[by_number] = more.differences(all_together(queries[by_number], unjudged, grades))
    draws = np.where(np.isnan(draws), known, draws)
    mean = float(draws.mean()) * float(np.sign(known.mean()))
    deviation = float(np.sqrt(draws.var(axis=0, ddof=1).sum())) / draws.shape[1]
    return float(ndtr(-mean / deviation)) if deviation else float(mean <= 0)


def with_unjudged(comparison_set: ComparisonSet, one: Comparison, found: Sensitivity) -> Comparison:
    """Return a comparison; its verdict is withheld if unjudged documents could change it.

    A claim is withheld if the shares of judged documents differ and the judged documents alone do not show the same
    sign, or if the reversal of its sign is plausible. *Not told apart* is withheld if the shares differ. The comparison
    of judged documents alone overestimates systems that the pool did not contain: it can withhold a claim, and never
    makes one.

    References
    ----------
    Fröbe et al., "Bootstrapped nDCG estimation in the presence of unjudged documents", ECIR 2023.
    """
    if not unjudged_matter(comparison_set, one.metric):
        return one
    apart = shares_apart(found)
    if one.verdict in {"better", "worse"}:
        unsure = (apart and not confirmed(one, found)) or (found.reversal or 0.0) > PLAUSIBLE
    else:
        unsure = apart and one.verdict == "not told apart"
    return replace(one, verdict="undecided: unjudged documents") if unsure else one


def pooled_with_unjudged(
    one: Comparison, comparison_set: ComparisonSet, of_dataset: Comparison, found: Sensitivity
) -> Comparison:
    """Return the comparison of several datasets; a claim is withheld if one of them could not be checked.

    The checks of `with_unjudged` are made for the claim of a dataset. A pooled claim needs the same claim from every
    dataset where a share of more than `SHARES_APART` is unjudged.
    """
    if one.verdict not in {"better", "worse"} or not unjudged_matter(comparison_set, one.metric):
        return one
    judged = min(found.judged_baseline, found.judged_contender)
    unchecked = judged < 1 - SHARES_APART and of_dataset.verdict != one.verdict
    return replace(one, verdict="undecided: unjudged documents") if unchecked else one


def shares_apart(found: Sensitivity) -> bool:
    """Return whether the shares of judged documents differ by more than `SHARES_APART`."""
    return abs(found.judged_baseline - found.judged_contender) > SHARES_APART


def confirmed(one: Comparison, found: Sensitivity) -> bool:
    """Return whether the difference over judged documents alone excludes 0 on the side of the difference.

    Metrics without a cutoff are never confirmed: they relate to all judged relevant documents, and a system from whose
    lists the judgments come has all of them.
    """
    if parse_metric(one.metric).cutoff is None:
        return False
    up = (one.difference or 0.0) > 0
    bound = found.condensed.lower if up else found.condensed.upper
    return bound is not None and (bound > 0 if up else bound < 0)


def to_judge(comparison_set: ComparisonSet, plan: Plan, contenders: Sequence[str]) -> Iterator[ToJudge]:
    """Yield the unjudged documents above the cutoff of the baseline or of the contenders, the highest ranks first."""
    names = [plan.baseline, *contenders] if contenders else []
    cutoff = counted_ranks(plan.primary)
    ranks: dict[tuple[str, str], dict[str, int]] = {}
    for name in names:
        system = comparison_set.systems[name]
        for query_id, doc_id in unjudged_pairs(system, comparison_set.qrels, cutoff):
            rank = system.run.docs(query_id).index(doc_id) + 1
            ranks.setdefault((query_id, doc_id), {})[name] = rank
    for (query_id, doc_id), found in sorted(ranks.items(), key=lambda row: (min(row[1].values()), row[0])):
        query = comparison_set.queries.get(query_id)
        text = None if query is None else query.instructed_text
        yield ToJudge(query_id, doc_id, min(found.values()), tuple(found), text)
