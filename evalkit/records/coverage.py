"""Which judged queries a run has, and what is unusual in the judgments."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.errors import InputError
from evalkit.records.judged_columns import plain_grade
from evalkit.records.qrels import EXCLUDED_GRADE, Qrels
from evalkit.records.runs import Run

USUAL_GRADE = 10
"""Grades above this one are unusual: a year or a count in the wrong column."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The queries that a run and its judgments have in common, and those that only one of them has.

    Attributes
    ----------
    tag
        Tag of the run.
    averaged
        Number of judged queries with a relevant document: means are over these.
    missing
        Averaged queries that the run lacks; each counts as 0.
    unanswerable
        Judged queries without a relevant document; they are left out of means, whatever the run has for them.
    unjudged
        Queries of the run without judgments; they are ignored.
    excluded_documents
        Rows of the run whose document has `EXCLUDED_GRADE` for its query: they are taken out of the lists.
    unlike_documents
        The first document of the run and the first judged one of the same query, if no document of the run is judged:
        often the same ids are written in two ways. None if one is judged, or no query is both in the run and averaged.
    """

    tag: str
    averaged: int
    missing: tuple[str, ...]
    unanswerable: tuple[str, ...]
    unjudged: tuple[str, ...]
    excluded_documents: int = 0
    unlike_documents: tuple[str, str] | None = None

    @classmethod
    def of(cls, run: Run, qrels: Qrels) -> Coverage:
        """Compare the queries of a run and of its judgments, both as they were read: nothing taken out yet."""
        answerable, found = qrels.answerable, frozenset(run.query_ids)
        return cls(
            run.tag,
            len(answerable),
            tuple(query_id for query_id in answerable if query_id not in found),
            qrels.unanswerable,
            tuple(query_id for query_id in run.query_ids if query_id not in qrels.grades),
            _excluded_rows(run, qrels),
            _unlike_documents(run, qrels, frozenset(answerable)),
        )

    @property
    def complete(self) -> bool:
        """Whether the run has every averaged query."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class GradeFacts:
    """What is unusual in the grades of judgments.

    Attributes
    ----------
    negative, lowest
        Number of grades below 0, without `EXCLUDED_GRADE`, and the lowest of them; 0 without any.
    high, highest
        Number of grades above `USUAL_GRADE`, and the highest of them; 0 without any.
    by_subtopic
        Whether a document is judged for several subtopics of a query, so that its grade is the highest of several.
    """

    negative: int
    lowest: float
    high: int
    highest: float
    by_subtopic: bool

    @classmethod
    def of(cls, qrels: Qrels) -> GradeFacts:
        """Count the unusual grades of judgments as they were read."""
        grades = qrels.columns.grades
        negative = grades[(grades < 0) & (grades != EXCLUDED_GRADE)]
        high = grades[grades > USUAL_GRADE]
        return cls(
            len(negative),
            plain_grade(negative.min(initial=0)),
            len(high),
            plain_grade(high.max(initial=0)),
            any(
                sum(map(len, subtopics.values())) > len(qrels.of(query_id))
                for query_id, subtopics in qrels.subtopics.items()
            ),
        )


def check_overlap(run: Run, qrels: Qrels, hint: str | None = None) -> None:
    """Check that a run has at least one of the queries that means are over.

    Parameters
    ----------
    hint
        What to do, where the caller knows it.

    Raises
    ------
    InputError
        If it has none. The hint shows the first query of both: often the same ids are written in two ways.
    """
    answerable = qrels.answerable
    if not answerable or not frozenset(answerable).isdisjoint(run.query_ids):
        return
    judged = not frozenset(qrels.grades).isdisjoint(run.query_ids)
    which = "judged queries with a relevant document" if judged else "judged queries"
    first = repr(run.query_ids[0]) if run.query_ids else "no query at all"
    raise InputError(
        f"run {run.tag!r} contains none of the {which}",
        hint
        or "use a run and qrels of the same dataset, with the same query ids:"
        f" the run begins with {first}, the qrels with {answerable[0]!r}",
    )


def _unlike_documents(run: Run, qrels: Qrels, answerable: frozenset[str]) -> tuple[str, str] | None:
    if not run.doc_names or (qrels.columns.doc_names.codes_of(run.doc_names) >= 0).any():
        for query_id in run.query_ids:
            if (
                not qrels.of(query_id).keys().isdisjoint(run.docs(query_id))
            ):  # the usual run ends the search here
                return None
    first = next((q for q in run.query_ids if q in answerable and run.docs(q)), None)
    return None if first is None else (run.docs(first)[0], next(iter(qrels.of(first))))


def _excluded_rows(run: Run, qrels: Qrels) -> int:
    """Return how many rows of a run have a document that must not be in the list of its query."""
    if not (qrels.columns.grades == EXCLUDED_GRADE).any():
        return 0
    return sum(
        grades.get(doc_id) == EXCLUDED_GRADE
        for query_id, docs, _ in run
        if EXCLUDED_GRADE in (grades := qrels.of(query_id)).values()
        for doc_id in docs
    )
