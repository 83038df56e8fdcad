"""What a correction rests on: a random draw of queries that people judged, and one judge's grades of all queries."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import orjson
from numpy.typing import NDArray

from evalkit.comparison.counted_lists import counted_pool
from evalkit.metrics import evaluate, parse_metric
from evalkit.plurals import queries_of
from evalkit.records import Qrels, Run
from evalkit.stats import Clusters

Values = NDArray[np.float64]
RERUN_EARLIER = "rerun the earlier version with the present draw and the present grades"
"""What to do where two versions have different draws."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The queries that were drawn for people, and what identifies the grades; two sides of one are corrected alike.

    Attributes
    ----------
    judge, drawn, others, enlarged, declared
        See `Correction`.
    digest
        Hash of the grades of people and of the judge.
    """

    judge: str
    drawn: tuple[str, ...]
    others: tuple[str, ...]
    digest: str
    enlarged: int = 0
    declared: bool = field(default=False, compare=False)

    @property
    def query_ids(self) -> tuple[str, ...]:
        """``(n + N,)`` ids of all queries: first those that were drawn."""
        return (*self.drawn, *self.others)


def differing_text(one: Draw, other: Draw) -> str:
    """Return what two draws do not have in common, so that the difference of their sides is not corrected."""
    if set(one.drawn) != set(other.drawn):
        return f"different human samples (of {len(one.drawn)} and of {queries_of(len(other.drawn))})"
    return "one human sample, but different grades of people or of the judge"


@dataclass(frozen=True, eq=False)  # no slots, so that the draw is computed once
class Correction:
    """The grades that a dataset's comparisons are corrected with.

    Attributes
    ----------
    judge
        Name of the judge.
    drawn, others
        Ids of the queries that were drawn at random for people, and of all others.
    people
        The grades of people alone, for drawn queries, with the lengths of documents for metrics at a budget of tokens.
    judged
        The grades of the judge alone, for all queries; likewise.
    declared
        Whether the user states that the draw was random: evalkit did not make it.
    failed
        Query id -> the documents that the judge answered without a grade, such as refusals.
    tag
        Tag of the judge in the configuration.
    enlarged
        How often the draw was enlarged after people had judged documents of it; see `evalkit.comparison.looks`.
    """

    judge: str
    drawn: tuple[str, ...]
    others: tuple[str, ...]
    people: Qrels
    judged: Qrels
    declared: bool = False
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tag: str = ""
    enlarged: int = 0

    @property
    def query_ids(self) -> tuple[str, ...]:
        """``(n + N,)`` ids of all queries: first those that were drawn."""
        return (*self.drawn, *self.others)

    @cached_property
    def draw(self) -> Draw:
        """What another side must have in common for its difference to be corrected."""
        digest = hashlib.sha256()
        for qrels in (self.people, self.judged):
            for query_id in sorted(qrels.grades):
                rows = sorted((doc_id, float(grade)) for doc_id, grade in qrels.of(query_id).items())
                digest.update(orjson.dumps([query_id, rows]))
            digest.update(b"\n")
        digest.update(
            orjson.dumps(sorted((query_id, sorted(docs)) for query_id, docs in self.failed.items()))
        )
        return Draw(
            self.judge, self.drawn, self.others, digest.hexdigest()[:32], self.enlarged, self.declared
        )

    def unrated(self, runs: Sequence[Run], metric: str) -> Iterator[tuple[str, str]]:
        """Yield the pairs of drawn queries that people still have to judge: all that a metric counts in any run."""
        for query_id, pool in counted_pool(runs, self.drawn, metric, self.people.tokens).items():
            judged = self.people.of(query_id)
            yield from ((query_id, doc_id) for doc_id in pool if doc_id not in judged)

    def unanswered(self, runs: Sequence[Run], metric: str) -> Iterator[tuple[str, str]]:
        """Yield the pairs that the judge was never asked for, of all queries: a failure is an answer, too.

        While there are any, its values may mean one thing for drawn queries and another one for the others.
        """
        for query_id, pool in counted_pool(runs, self.query_ids, metric, self.judged.tokens).items():
            answered = self.judged.of(query_id).keys() | self.failed.get(query_id, frozenset())
            yield from ((query_id, doc_id) for doc_id in pool if doc_id not in answered)

    def is_complete(self, run: Run, metric: str) -> bool:
        """Return whether people and the judge have answered for all that a metric counts in a run."""
        return not any(True for find in (self.unrated, self.unanswered) for _ in find([run], metric))

    def counted_grades(self, runs: Sequence[Run], metric: str) -> Qrels:
        """Return those of the judge's grades that a metric counts in some runs; see `judged_within`."""
        return self.judged_within(counted_pool(runs, self.query_ids, metric, self.judged.tokens))

    def judged_within(self, pools: Mapping[str, Collection[str]]) -> Qrels:
        """Return those of the judge's grades that are of documents in the pool of their query.

        Further grades depend on what the judge was sent before, such as the pools of other systems or a choice by
        influence. They would change ideal rankings and numbers of relevant documents at some queries only. A query
        whose pool has no grade at all is left out; one without a pool stays, without grades.
        """
        graded = {
            query_id: {
                doc_id: grade
                for doc_id, grade in self.judged.of(query_id).items()
                if doc_id in pools.get(query_id, ())
            }
            for query_id in self.query_ids
        }
        known = {query_id: docs for query_id, docs in graded.items() if docs or not pools.get(query_id)}
        return Qrels(known, tokens=self.judged.tokens)

    def values(self, run: Run, unscored: Sequence[str], metric: str, judged: Qrels) -> CorrectedValues:
        """Return the values of a system under grades of people, and under those of the judge.

        A query without a relevant document has no value: it is drawn, and not averaged. Whether it has one is for the
        grades of people to say; what the judge says is a prediction.

        Parameters
        ----------
        run
            Its ranked lists.
        unscored
            Queries without scores: their values are unknown.
        metric
            The metric.
        judged
            The judge's grades that count; see `counted_grades`.
        """
        human = _known(run, self.people, metric, self.drawn, self.drawn, unscored)
        by_judge = _known(run, judged, metric, self.query_ids, judged.grades, unscored)
        return CorrectedValues(human[:, 0], human[:, 1], by_judge[:, 0], by_judge[:, 1])


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedValues:
    """The values of one system.

    Attributes
    ----------
    human
        ``(n,)`` under grades of people; 0 where there is none, nan where the system has no scores or it is unknown.
    has_human
        ``(n,)`` 1 where people's grades give a value: a document is relevant; else 0, or nan.
    judged, has_judged
        ``(n + N,)`` the same under grades of the judge; nan where it or the system failed.
    """

    human: Values
    has_human: Values
    judged: Values
    has_judged: Values


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSide:
    """The values of two systems under one judge's grades, on drawn and other queries.

    Attributes
    ----------
    judge
        Name of the judge.
    query_ids
        ``(n + N,)`` ids: first those of the drawn queries.
    baseline, contender
        ``(n + N,)`` values; 0 where a system has none.
    averaged
        ``(n,)`` 1 for drawn queries with values under people's grades, else 0.
    has_judged
        ``(n + N,)`` 1 for queries with values under the judge's grades, else 0; between them where it failed.
    clusters
        ``(n + N,)`` cluster of each query; None if all are independent.
    declared, enlarged
        See `Correction`.
    ungraded
        Queries that the judge has no grade for: it failed on all of their documents.
    unlike
        Queries that people have not judged and at which the metric counts different lists: that the judge gives both
        the same value does not show that they are equal.
    """

    judge: str
    query_ids: tuple[str, ...]
    baseline: Values
    contender: Values
    averaged: Values
    has_judged: Values
    clusters: Clusters | None = None
    declared: bool = False
    ungraded: frozenset[str] = frozenset()
    enlarged: int = 0
    unlike: frozenset[str] = frozenset()

    @property
    def differences(self) -> Values:
        """``(n + N,)`` contender minus baseline."""
        return self.contender - self.baseline


def _known(
    run: Run,
    qrels: Qrels,
    metric: str,
    query_ids: Sequence[str],
    graded: Sequence[str] | Mapping[str, object],
    unscored: Sequence[str],
) -> Values:
    """Return the value of each query and whether it has one: 0 and 0 if not, nan where it is unknown."""
    values = dict.fromkeys(qrels.answerable, np.nan)  # a metric may be unknown at some queries
    values |= evaluate(run, qrels, [parse_metric(metric)]).by_query(metric)
    known, lost = set(graded), set(unscored)
    rows = [
        (np.nan, np.nan)
        if query_id in lost or query_id not in known
        else (values.get(query_id, 0.0), float(query_id in values))
        for query_id in query_ids
    ]
    return np.array(rows).reshape(-1, 2)
