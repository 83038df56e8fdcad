"""Whether the sign of a difference is settled on these queries, though some documents are unjudged.

The grades of unjudged documents are drawn from what judged ones show (see `UnseenGrades`); the difference of the two
systems, if all were judged, is then nearly normal. Its sign is settled with a probability: that a draw has the sign of
the mean. No hidden grade and no present order of the systems enters.

The next document is that whose grade accounts for most of the variance of the difference: how far its grade moves the
difference, times the spread of its grade. For a sum of discounted gains that is the difference of the two discounts
times the spread of the gain. It is computed by the metric itself with all other unjudged documents at their expected
grades.

A settled sign is one of these queries. It says nothing of other queries, and is no claim that a system is better.

References
----------
Carterette, Allan and Sitaraman, "Minimal test collections for retrieval evaluation", SIGIR 2006.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evalkit.comparison.comparison_set import System
from evalkit.comparison.counted_documents import CountedDocuments, Ints, Pairs
from evalkit.comparison.more_judgments import Cases, MoreJudgments, all_together
from evalkit.comparison.sensitivity import counted_ranks
from evalkit.comparison.unseen_grades import Floats, UnseenGrades
from evalkit.metrics import evaluate, parse_metric
from evalkit.records import Grades, Qrels, Run

SETTLED = 0.95
"""From this probability on, a sign is settled."""
FEWEST_JUDGED = 20
"""With fewer judged documents nothing is said: they do not show what grades the others may have."""
_DRAWS = (50, 200)
"""Fewest and most draws of all unjudged documents."""
_MOST_ROWS = 2**21
"""Grades of all draws, above which there are fewer draws."""
_ROWS_AT_ONCE = 2**18
_NO_DOCUMENT = "\0"
_NO_GRADE = 1e-9
"""A grade without weight, of a document that no system ranks: so queries without a relevant document have a value."""


@dataclass(frozen=True, slots=True)
class Settling:
    """How far the sign of a mean difference, contender minus baseline, is settled.

    Attributes
    ----------
    pairs
        The unjudged documents that the metric counts, those first that reduce the variance of the difference most.
    weights
        Of each document: standard deviation of the mean difference that its grade accounts for.
    difference, deviation
        Mean and standard deviation of the difference if all were judged.
    probability
        That it has the sign of `difference`; None with fewer than `FEWEST_JUDGED` judged documents, or if it is 0.
    more
        Judgments in this order until the probability is `SETTLED`, if they do not change the expected difference; 0 if
        it is, None if the probability is.
    """

    pairs: tuple[tuple[str, str], ...]
    weights: tuple[float, ...]
    difference: float
    deviation: float
    probability: float | None
    more: int | None

    @property
    def is_settled(self) -> bool:
        """Whether the sign is settled with a probability of `SETTLED` or more."""
        return self.probability is not None and self.probability >= SETTLED


def settling(
    baseline: Run, contender: Run, qrels: Qrels, metric: str, highest: float, seed: int = 0
) -> Settling:
    """Return how far the sign of the mean difference of two runs is settled, and what to judge next.

    Parameters
    ----------
    baseline, contender
        The ranked lists, without excluded documents. A query that neither ranks has no influence.
    qrels
        The judgments so far.
    metric
        Label of the metric.
    highest
        The highest grade that a document may get.
    seed
        Of the draws.
    """
    more = _opened(baseline, contender, qrels, metric)
    unseen = UnseenGrades.of(more.counted, highest)
    queries = len(more.counted.query_ids)
    weights = _weights(more, unseen, highest) / max(queries, 1)
    order = np.lexsort((unseen.pairs.doc, unseen.pairs.query, -weights.round(15)))
    drawn = _drawn(more, unseen, np.random.default_rng(seed)) if queries else np.zeros(_DRAWS[0])
    mean, deviation = float(drawn.mean()), float(drawn.std(ddof=1)) if len(unseen.pairs) else 0.0
    probability = _probability(mean, deviation) if unseen.seen >= FEWEST_JUDGED else None
    ids, names = more.counted.query_ids, more.counted.doc_names
    return Settling(
        pairs=tuple((ids[unseen.pairs.query[row]], names[unseen.pairs.doc[row]]) for row in order.tolist()),
        weights=tuple(weights[order].tolist()),
        difference=mean,
        deviation=deviation,
        probability=probability,
        more=None if probability is None else _more(weights[order], mean, deviation),
    )


def _opened(baseline: Run, contender: Run, qrels: Qrels, metric: str) -> MoreJudgments:
    """Return both systems with a value for every query that one of them ranks."""
    cutoff = counted_ranks(metric)
    runs = [run if parse_metric(metric).cutoff is None else run.cut(cutoff) for run in (baseline, contender)]
    ranked = dict.fromkeys(query_id for run in runs for query_id in run.query_ids)
    grades = {query_id: dict(qrels.of(query_id)) for query_id in ranked}
    for docs in grades.values():
        if max(docs.values(), default=0.0) <= 0:
            docs[_NO_DOCUMENT] = _NO_GRADE
    judged = Qrels(grades, qrels.subtopics, qrels.tokens)
    systems = [
        System(name, run, evaluate(run, judged, [parse_metric(metric)]))
        for name, run in zip(("baseline", "contender"), runs, strict=True)
    ]
    counted = CountedDocuments.of(systems[0], systems[1], judged, cutoff)
    return MoreJudgments(systems[0], systems[1], counted, judged, metric)


def _weights(more: MoreJudgments, unseen: UnseenGrades, highest: float) -> Floats:
    """Return ``(n,)`` how much of its query's difference each document accounts for, in standard deviations."""
    means, changes = unseen.means, np.zeros(len(unseen.pairs))
    for rows in _parts(unseen.pairs.query):
        ends = [more.differences(_with_one_at(unseen.pairs, means, rows, end)) for end in (highest, 0.0)]
        changes[rows] = np.nan_to_num(ends[0] - ends[1])
    return np.asarray(np.abs(changes) / (highest or 1.0) * unseen.spreads)


def _parts(query: Ints) -> Iterator[Ints]:
    """Yield rows of some queries at a time, so that a case for each with all others of its query has room."""
    sizes = np.bincount(query)[query] if len(query) else query
    part = sizes.cumsum() // _ROWS_AT_ONCE
    for number in np.unique(part):
        yield np.flatnonzero(part == number)


def _with_one_at(pairs: Pairs, means: Floats, rows: Ints, grade: float) -> Cases:
    """Return a case for each of some rows: its document has a grade, the others of its query their expected ones."""
    first, last = (np.searchsorted(pairs.query, pairs.query[rows], side=side) for side in ("left", "right"))
    sizes = last - first
    case = np.repeat(np.arange(len(rows)), sizes)
    chosen = np.arange(len(case)) + np.repeat(first - (sizes.cumsum() - sizes), sizes)
    grades = np.where(chosen == rows[case], grade, means[chosen])
    return Cases(pairs.query[rows], case, pairs.doc[chosen], grades)


def _drawn(more: MoreJudgments, unseen: UnseenGrades, rng: np.random.Generator) -> Floats:
    """Return the mean difference of each draw of all unjudged documents."""
    queries = np.arange(len(more.counted.query_ids))
    fewest, most = _DRAWS
    draws = min(max(_MOST_ROWS // max(len(unseen.pairs), 1), fewest), most)
    at_once = min(max(_ROWS_AT_ONCE // max(len(unseen.pairs), 1), 1), draws)
    means: list[float] = []
    while len(means) < draws:
        count = min(at_once, draws - len(means))
        grades = [unseen.draw(rng) for _ in range(count)]
        found = more.differences(_side_by_side(queries, unseen.pairs, grades)).reshape(count, len(queries))
        means += np.nan_to_num(found).mean(axis=1).tolist()
    return np.array(means)


def _side_by_side(queries: Ints, pairs: Pairs, draws: list[Grades]) -> Cases:
    """Return a case for each draw and query, draw by draw."""
    one = all_together(queries, pairs, draws[0])
    shifts = np.repeat(np.arange(len(draws)) * len(queries), len(one.case))
    return Cases(
        np.tile(one.query, len(draws)),
        np.tile(one.case, len(draws)) + shifts,
        np.tile(one.doc, len(draws)),
        np.concatenate([all_together(queries, pairs, grades).grade for grades in draws]),
    )


def _probability(mean: float, deviation: float) -> float | None:
    """Return the probability of the sign of a mean; None if it is 0."""
    from scipy.special import ndtr

    if not mean:
        return None
    return float(ndtr(abs(mean) / deviation)) if deviation else 1.0


def _more(weights: Floats, mean: float, deviation: float) -> int:
    """Return the judgments after which a sign is settled, if the mean stays; each takes its part of the variance."""
    from scipy.special import ndtri

    allowed = (abs(mean) / float(ndtri(SETTLED))) ** 2
    shares = weights**2 / max(float((weights**2).sum()), math.ulp(0.0))
    left = deviation**2 * np.concatenate(([1.0], 1 - shares.cumsum()))
    enough = np.flatnonzero(left <= allowed)
    return int(enough[0]) if len(enough) else len(weights)
