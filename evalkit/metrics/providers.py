"""Metrics that other packages compute through ir_measures: hand judgments and runs over, and read the values.

Queries and documents are handed over as numbers in order of first appearance. Programs of the field read meaning into
identifiers (a prefix before ``-``, only digits, an order by name), so that a value would depend on names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from evalkit.errors import InputError
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.provided import ProvidedMetric, find_provided
from evalkit.metrics.provider_checks import parameters
from evalkit.metrics.quiet_output import quiet
from evalkit.records import Qrels, Run, grade_text

_DIGITS = 8
"""Of a number that replaces an identifier: the order of numbers as text is that of first appearance."""
_NO_VALUE = float("nan")
"""What ir_measures returns for a query for which the package has no value; its own choice is 0."""


@dataclass(frozen=True, slots=True)
class _NumberedQuery:
    """A query as it is handed over: numbers as text in place of identifiers.

    Attributes
    ----------
    number
        Of the query.
    qrels
        ``(subtopic, document, grade)`` of each judgment; the subtopic is 0 in ordinary judgments. The grades are
        rounded down for a package that takes whole ones (`ProvidedMetric.takes_fractions`).
    docs
        The ranked list.
    """

    number: str
    qrels: tuple[tuple[str, str, float], ...]
    docs: tuple[str, ...]


def values(run: Run, qrels: Qrels, metric: Metric, query_ids: Sequence[str]) -> Values:
    """Return the ``(q,)`` values of a metric; 0 for a query that the run lacks, NaN where the package has no value.

    Raises
    ------
    InputError
        If the package fails on this data, or returns a number that is not finite.
    """
    record = _record(metric)
    queries = [_numbered(row, query_id, run, qrels, metric, record) for row, query_id in enumerate(query_ids)]
    present = [query for query in queries if query.docs]
    try:
        found = _computed(present, metric)
    except ZeroDivisionError:
        found = _one_by_one(present, metric)
    _check_finite(found, query_ids, metric)
    return np.array(
        [found.get(query.number, math.nan) if query.docs else 0.0 for query in queries], dtype=np.float64
    )


def check_judgments(metric: Metric, qrels: Qrels) -> None:
    """Check that a metric can be computed on judgments.

    Raises
    ------
    InputError
        If it needs judgments by subtopic and there are none, or a grade is above its ``max_rel``.
    """
    record = _record(metric)
    if record.by_subtopic and not qrels.subtopics:
        raise InputError(
            f"{metric.label!r} needs judgments by subtopic, and these have none",
            "use diversity judgments: a TREC file whose iteration column holds the subtopic",
        )
    highest = dict(metric.params).get("max_rel")
    if highest is None:
        return
    for query_id, docs in qrels.grades.items():
        for doc_id, grade in docs.items():
            if grade > int(str(highest)):
                raise InputError(
                    f"{metric.label!r} takes grades up to {highest}; query {query_id!r}, document {doc_id!r} has the"
                    f" grade {grade_text(grade)}",
                    "set max_rel to the highest grade of the scale",
                )


def _record(metric: Metric) -> ProvidedMetric:
    record = find_provided(metric.name)
    if record is None:
        raise InputError(f"no package computes {metric.label!r}")
    return record


def _condensed_here(metric: Metric) -> bool:
    """Return whether evalkit removes unjudged documents: ir_measures cannot where pyndeval computes."""
    return metric.judged_only and _record(metric).by_subtopic


def _measure(metric: Metric) -> Any:
    """Return ir_measures' object for a metric."""
    import ir_measures

    kinds = parameters(_record(metric))
    params = {
        name: float(str(value)) if kinds[name].dtype is float else value
        for name, value in metric.params
        if name != "judged_only" or not _condensed_here(metric)
    }
    if metric.cutoff is not None:
        params["cutoff"] = metric.cutoff
    measure = ir_measures.measures.registry[metric.name](**params)
    measure.DEFAULT = _NO_VALUE
    return measure


@cache
def _number(number: int) -> str:
    """Return a number as text; one text for all queries, which saves memory."""
    return str(number).zfill(_DIGITS)


def _numbered(
    row: int, query_id: str, run: Run, qrels: Qrels, metric: Metric, record: ProvidedMetric
) -> _NumberedQuery:
    """Return a query with its documents numbered in order of first appearance: judged ones, then retrieved ones."""
    judged = qrels.of(query_id)
    docs = run.docs(query_id)
    if _condensed_here(metric):
        docs = tuple(doc_id for doc_id in docs if judged.get(doc_id, -1) >= 0)
    number = {doc_id: _number(n) for n, doc_id in enumerate(dict.fromkeys(chain(judged, docs)))}
    subtopics = qrels.subtopics.get(query_id, {}) if record.by_subtopic else {"": judged}
    rows = tuple(
        (str(subtopic), number[doc_id], grade if record.takes_fractions else math.floor(grade))
        for subtopic, graded in enumerate(subtopics.values())
        for doc_id, grade in graded.items()
    )
    return _NumberedQuery(_number(row), rows, tuple(number[doc_id] for doc_id in docs))


def _computed(queries: Sequence[_NumberedQuery], metric: Metric) -> dict[str, float]:
    """Return the values of those queries that have one.

    Raises
    ------
    ZeroDivisionError
        If the value of a query is undefined in this way.
    InputError
        If the package fails in any other way.
    """
    import ir_measures

    if not queries:
        return {}
    measure = _measure(metric)
    judgments: Any = {query.number: {doc: grade for _, doc, grade in query.qrels} for query in queries}
    if _record(metric).by_subtopic:
        judgments = [
            ir_measures.Qrel(q.number, doc, int(grade), s) for q in queries for s, doc, grade in q.qrels
        ]
    # Scores are descending whole numbers: packages break ties in their own ways, some after rounding to float32.
    ranking = {
        query.number: {doc: float(len(query.docs) - place) for place, doc in enumerate(query.docs)}
        for query in queries
    }
    try:
        with quiet():
            provider = ir_measures.providers.registry[_record(metric).provider]
            found = list(provider.iter_calc([measure], judgments, ranking))
    except ZeroDivisionError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - packages raise what they like; some end the process
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{metric.label!r} cannot be computed on this data: {_record(metric).package} fails ({reason})",
            "use another metric, or check the parameters of this one",
        ) from None
    return {one.query_id: float(one.value) for one in found if one.value is not _NO_VALUE}


def _one_by_one(queries: Iterable[_NumberedQuery], metric: Metric) -> dict[str, float]:
    """Return the values of those queries for which the package does not divide by zero."""
    found: dict[str, float] = {}
    for query in queries:
        try:
            found |= _computed([query], metric)
        except ZeroDivisionError:
            continue
    return found


def _check_finite(found: dict[str, float], query_ids: Sequence[str], metric: Metric) -> None:
    for number, value in found.items():
        if not math.isfinite(value):
            raise InputError(
                f"{metric.label!r} has the value {value} for query {query_ids[int(number)]!r}:"
                f" {_record(metric).package} computes no finite number",
                "use another metric, or other parameters",
            )
