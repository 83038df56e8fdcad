"""ERR: the expected reciprocal rank of the document at which a user stops.

Chapelle, Metzler, Zhang and Grinspan, "Expected reciprocal rank for graded relevance", CIKM 2009. The user stops at a
document of grade g with probability ``(2**g - 1) / 2**4``, as in TREC's gdeval, which knows grades from 0 to 4. A
fractional grade has the probability that this formula gives.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from evalkit.errors import InputError
from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.per_query import sums
from evalkit.metrics.ranked import Placed, RankedGrades
from evalkit.records import Grades, Qrels, grade_text

HIGHEST_GRADE = 4
"""The highest grade of gdeval's scale; the probabilities depend on it."""


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the sum over the documents of P(the user reaches it) times P(the user stops there) over its rank."""
    found = _relevant(ranked).within(metric.cutoff)
    stops = _stop_probability(found.grade)
    return sums(ranked, found, _reach_probability(found, stops) * stops / found.place)


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    """Sum over the ties of P(the user reaches the tie) times what its documents are expected to add.

    The order of a tie does not change the probability that the user passes all of it.
    """
    found = _relevant(ranked)
    stops = _stop_probability(found.grade)
    reached = _reach_probability(found, stops)
    first, relevant = found.groups()
    cutoff = np.inf if metric.cutoff is None else metric.cutoff
    added = np.where(found.above < cutoff, stops / (found.above + 1.0), 0.0)
    starts = np.flatnonzero((first == np.arange(len(first))) & (found.tied > 1) & (found.above < cutoff))
    for row in starts.tolist():
        above, places = int(found.above[row]), int(found.tied[row])
        inside = places if metric.cutoff is None else min(places, metric.cutoff - above)
        passes = _expected_passes(stops[row : row + relevant[row]], places, inside)
        added[row] = (-np.diff(passes) / np.arange(above + 1.0, above + inside + 1.0)).sum()
    first_of_tie = first == np.arange(len(first))
    return sums(ranked, found, np.where(first_of_tie, reached * added, 0.0))


def _expected_passes(stops: Values, tied: int, most: int) -> Values:
    """Return the mean probability over all orders of a tie that the user passes its first j documents.

    Let M(i, j) be the mean over all sets of j of the first i documents of the product of their probabilities to be
    passed. Document i is in a share j/i of these sets, so ``M(i, j) = (1 - j/i) M(i-1, j) + (j/i) q_i M(i-1, j-1)``:
    a weighted mean, which loses no digits. Documents that are not relevant come first: their M is 1.

    Parameters
    ----------
    stops
        ``(m,)`` probabilities to stop at the relevant documents of the tie.
    tied
        Number of documents of the tie.
    most
        The largest j.

    Returns
    -------
    ``(most + 1,)`` for j from 0.
    """
    mean = np.ones(most + 1)
    j = np.arange(1.0, most + 1.0)
    for i, stop in enumerate(stops.tolist(), start=tied - len(stops) + 1):
        share = np.minimum(j / i, 1.0)
        mean[1:] = (1.0 - share) * mean[1:] + share * (1.0 - stop) * mean[:-1]
    return mean


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    stops = _stop_probability(judged.grades)[:, None] * judged.within(metric.cutoff, rel=None)
    places, order = judged.places, judged.by_place()
    if order is not None:
        stops, places = (np.take_along_axis(values, order, axis=0) for values in (stops, places))
    value, reached = np.zeros(judged.shape), np.ones(judged.shape)
    for rows in judged.by_ordinal():
        query = judged.query[rows]
        value[query] += reached[query] * stops[rows] / places[rows]
        reached[query] *= 1.0 - stops[rows]
    return value


def _relevant(ranked: RankedGrades) -> Placed:
    return ranked.found.only(ranked.found.grade > 0)


def _stop_probability(grades: Grades) -> Values:
    """Return the probability of each document that the user stops there: 0 for grades of 0 and below."""
    return np.asarray((np.exp2(np.maximum(grades, 0)) - 1.0) / 2.0**HIGHEST_GRADE)


def _reach_probability(relevant: Placed, stops: Values) -> Values:
    """Return the ``(h,)`` probability that the user passes all documents of the query above."""
    reached = np.ones(len(stops))
    ordinal = relevant.ordinal()
    by_ordinal = ordinal.argsort(kind="stable")
    ends = np.bincount(ordinal, minlength=2).cumsum()[1:].tolist()
    for start, end in pairwise(ends):
        rows = by_ordinal[start:end]
        reached[rows] = reached[rows - 1] * (1.0 - stops[rows - 1])
    return reached


def _check_judgments(metric: Metric, qrels: Qrels) -> None:
    for query_id, docs in qrels.grades.items():
        for doc_id, grade in docs.items():
            if grade > HIGHEST_GRADE:
                raise InputError(
                    f"{metric.label!r} knows grades up to {HIGHEST_GRADE}; query {query_id!r}, document {doc_id!r}"
                    f" has the grade {grade_text(grade)}",
                    f"map the grades to 0 to {HIGHEST_GRADE}, or use a metric without such a limit",
                )


ERR = MetricDefinition(
    "ERR",
    typed=("expectedreciprocalrank",),
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.NEVER_LOWERS,
    check_judgments=_check_judgments,
)
