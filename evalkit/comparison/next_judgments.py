"""Which unjudged documents can change the difference of two systems most, so that they are judged first.

The order, and whether the sign is settled with a probability, are those of `settling`. How far each document can move
the present difference is computed by the metric itself, from grade 0 to the highest one.

Judgments that are gathered in this order settle the comparison on these queries. They are no random sample: no mean and
no agreement of raters can be estimated from them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.comparison.comparison_set import System, pair
from evalkit.comparison.counted_documents import CountedDocuments
from evalkit.comparison.more_judgments import MoreJudgments, each_alone
from evalkit.comparison.plan import Plan
from evalkit.comparison.sensitivity import counted_ranks, cut_at_metric, tipping_pairs
from evalkit.comparison.settling import Settling, settling
from evalkit.metrics import evaluate, parse_metric
from evalkit.records import Qrels, Run

_SMALLEST = 1e-12
"""A change of a value below this is one of rounding."""


@dataclass(frozen=True, slots=True)
class NextJudgment:
    """A document whose grade can change the difference.

    Attributes
    ----------
    rank_baseline, rank_contender
        Its ranks, from 1; None where a system does not rank it within the cutoff.
    change
        How the present mean difference, contender minus baseline, changes if it has the highest grade instead of 0.
    weight
        Standard deviation of the final mean difference that its grade accounts for; see `Settling`.
    """

    query_id: str
    doc_id: str
    rank_baseline: int | None
    rank_contender: int | None
    change: float
    weight: float


@dataclass(frozen=True, slots=True)
class NextJudgments:
    """What to judge next for a comparison.

    Attributes
    ----------
    metric
        The metric.
    queries
        Queries that have a value for both systems.
    difference
        The present mean difference, contender minus baseline; None without such queries.
    judgments
        The documents that can change the difference, the largest weights first.
    to_reverse
        Fewest documents that would reverse the sign if they had the highest grade, by a greedy search; None if not even
        all of them would, or if the difference is 0 or unknown.
    settled
        Whether no judgment of these documents can reverse the sign.
    expected
        The mean difference that is expected if all of them are judged.
    probability
        That the difference then has the sign of `expected`; see `Settling`.
    more
        Further judgments in this order until the sign is settled with the probability `SETTLED`; see `Settling`.
    """

    baseline: str
    contender: str
    metric: str
    queries: int
    difference: float | None
    judgments: tuple[NextJudgment, ...]
    to_reverse: int | None
    settled: bool
    expected: float
    probability: float | None
    more: int | None


def next_judgments(baseline: Run, contender: Run, qrels: Qrels, metric: str, highest: float) -> NextJudgments:
    """Return the unjudged documents that can change the difference of two runs.

    Parameters
    ----------
    baseline, contender
        The ranked lists, without excluded documents.
    qrels
        The judgments so far.
    metric
        Label of the metric.
    highest
        The highest grade that a document may get.
    """
    plan = Plan(baseline=baseline.tag, primary=metric)
    judged = set(qrels.answerable)
    systems = [
        cut_at_metric(System(name, run, evaluate(run, qrels, [parse_metric(metric)])), plan, qrels)
        for name, run in (("baseline", baseline), ("contender", contender))
    ]
    paired = pair(systems[0].values, systems[1].values, metric)
    difference = float(paired.differences.mean()) if len(paired.differences) else None
    present = dict(zip(paired.query_ids, paired.differences.tolist(), strict=True))
    ranked = dict.fromkeys((*baseline.query_ids, *contender.query_ids))
    without = [query_id for query_id in ranked if query_id not in judged]
    of_others = _of_unvalued([one.run for one in systems], without, qrels, metric, highest)
    changes = {**_of_valued(systems, qrels, metric, highest, present), **of_others}
    count = max(len(paired.query_ids), 1)
    settled = settling(baseline, contender, qrels, metric, highest)
    found = _in_order(changes, settled)
    to_reverse = _to_reverse(systems, qrels, metric, highest, difference)
    cutoff = counted_ranks(metric)
    return NextJudgments(
        baseline=baseline.tag,
        contender=contender.tag,
        metric=metric,
        queries=len(paired.query_ids),
        difference=difference,
        judgments=tuple(
            NextJudgment(
                *key, _rank(baseline, *key, cutoff), _rank(contender, *key, cutoff), change / count, weight
            )
            for key, change, weight in found
        ),
        to_reverse=to_reverse,
        settled=not found or (bool(difference) and to_reverse is None and not of_others),
        expected=settled.difference,
        probability=settled.probability,
        more=settled.more,
    )


def _in_order(
    changes: dict[tuple[str, str], float], settled: Settling
) -> list[tuple[tuple[str, str], float, float]]:
    """Return pair, change and weight of all documents that have an influence, the largest weights first."""
    weights = dict(zip(settled.pairs, settled.weights, strict=True))
    found = [(key, changes.get(key, 0.0), weights.get(key, 0.0)) for key in weights | changes]
    return [one for one in found if max(abs(one[1]), one[2]) > _SMALLEST]


def _counted(systems: Sequence[System], qrels: Qrels, metric: str) -> MoreJudgments:
    counted = CountedDocuments.of(systems[0], systems[1], qrels, counted_ranks(metric))
    return MoreJudgments(systems[0], systems[1], counted, qrels, metric)


def _of_valued(
    systems: Sequence[System], qrels: Qrels, metric: str, highest: float, present: dict[str, float]
) -> dict[tuple[str, str], float]:
    """Return pair -> change of its query's difference, of queries that have values."""
    if not present:
        return {}
    more = _counted(systems, qrels, metric)
    pairs = more.counted.all_unjudged
    values = more.differences(each_alone(pairs, highest)).tolist()
    query_ids, names = more.counted.query_ids, more.counted.doc_names
    keys = [
        (query_ids[query], names[doc])
        for query, doc in zip(pairs.query.tolist(), pairs.doc.tolist(), strict=True)
    ]
    return {
        key: value - present[key[0]]
        for key, value in zip(keys, values, strict=True)
        if key[0] in present and not np.isnan(value)
    }


def _of_unvalued(
    runs: Sequence[Run], query_ids: Sequence[str], qrels: Qrels, metric: str, highest: float
) -> dict[tuple[str, str], float]:
    """Return pair -> difference of its query if it were the only relevant document, of queries without one."""
    cutoff = counted_ranks(metric)
    unjudged = {
        query_id: sorted(
            {doc for run in runs for doc in run.docs(query_id)[:cutoff]} - qrels.of(query_id).keys()
        )
        for query_id in query_ids
    }
    found: dict[tuple[str, str], float] = {}
    for place in range(max(map(len, unjudged.values()), default=0)):
        chosen = {query_id: docs[place] for query_id, docs in unjudged.items() if place < len(docs)}
        judged = Qrels(
            {query_id: {**qrels.of(query_id), doc_id: highest} for query_id, doc_id in chosen.items()}
        )
        values = [evaluate(run, judged, [parse_metric(metric)]) for run in runs]
        paired = pair(values[0], values[1], metric)
        found.update(
            ((query_id, chosen[query_id]), change)
            for query_id, change in zip(paired.query_ids, paired.differences.tolist(), strict=True)
        )
    return found


def _to_reverse(
    systems: Sequence[System], qrels: Qrels, metric: str, highest: float, difference: float | None
) -> int | None:
    """Return the fewest documents that reverse the sign if they have the highest grade."""
    if not difference:
        return None
    more = _counted(systems, qrels, metric)
    found = tipping_pairs(more, more.counted.all_unjudged, up=difference < 0, highest=highest)
    return None if found is None else len(found)


def _rank(run: Run, query_id: str, doc_id: str, cutoff: int) -> int | None:
    docs = run.docs(query_id)[:cutoff]
    return docs.index(doc_id) + 1 if doc_id in docs else None
