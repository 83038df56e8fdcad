"""The grades of people alone and of one judge alone, with which differences are corrected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from evalkit.datasets.own_judgments import own_judgments
from evalkit.judging.dataset_raters import Source
from evalkit.judging.judged_pairs import HashOf, last_judgments
from evalkit.judging.rater_grades import PEOPLE, RaterGrades
from evalkit.records import Dataset, Qrels, Rater, current_judgments
from evalkit.records.chosen_judgments import QRELS, ChosenJudgments, JudgmentsOfSource, choose_judgments
from evalkit.records.combined_people import highest_grade
from evalkit.records.judgments import text_sha256
from evalkit.records.withheld_correction import WithheldCorrection, different_scales, same_grades

_ENOUGH = 100
"""Documents that people and a judge graded from which on equal grades are no chance."""
_SAME = 0.99
"""Share of equal grades above which people's are probably the judge's own."""
_MANY = 20
"""Grades above 0 from which on a rater would have given the largest one."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectionGrades:
    """The grades that a correction needs.

    Attributes
    ----------
    people, judge
        Those of people for the drawn queries, and those of the judge for all.
    withheld
        Why they correct nothing; None if nothing speaks against it.
    """

    people: RaterGrades
    judge: RaterGrades
    withheld: WithheldCorrection | None = None


def correction_grades(
    dataset: Dataset, sources: Sequence[Source], drawn: Sequence[str], judge: str
) -> CorrectionGrades | None:
    """Return people's grades of the drawn queries, and one judge's of all; None where one of both has none.

    People's grades are those that would count without any model: the dataset's own first, then those of each file.
    The judge comes with the pairs that it failed on, and its tag as an alias.

    Parameters
    ----------
    dataset
        The dataset.
    sources
        Its files with their judgments, in order of preference.
    drawn
        The queries that were drawn.
    judge
        Tag of the judge.
    """
    own: dict[str, dict[str, float]] = {}
    for rater, qrels in own_judgments(dataset).items():
        if rater.kind == "human":
            for query_id, docs in qrels.grades.items():
                own.setdefault(query_id, {}).update(docs)
    of_people = [
        JudgmentsOfSource(str(source.path), [one for one in judgments if one.rater.kind == "human"])
        for source, judgments in sources
    ]
    of_judge = [
        JudgmentsOfSource(str(source.path), judgments, None, of_judge=True)
        for source, judgments in sources
        if source.judge == judge
    ]
    by_people, found = _chosen(dataset, own, of_people), _chosen(dataset, {}, of_judge)
    people = Qrels(by_people.grades).restricted_to(drawn)
    if not people.grades or not found.grades:
        return None
    label = next((one.rater.label for one in found.shares if one.counted), judge)
    failed = _failed(dataset, of_judge, found)
    judged = Qrels(found.grades)
    return CorrectionGrades(
        RaterGrades(PEOPLE, "human", people),
        RaterGrades(label, "model", judged, frozenset({judge}), failed),
        _different_scales(by_people, people) or _same_grades(people, judged),
    )


def _failed(
    dataset: Dataset, sources: Sequence[JudgmentsOfSource], found: ChosenJudgments
) -> dict[str, frozenset[str]]:
    """Return query id -> documents whose last answer of a judge has no grade, in its current texts and settings."""
    texts, doc_hash = _texts(dataset), _doc_hash(dataset)
    failed: dict[str, set[str]] = {}
    for source in sources:
        current = current_judgments(tuple(source.judgments))
        last, _ = last_judgments(
            current, lambda query_id: text_sha256(texts[query_id]) if query_id in texts else None, doc_hash
        )
        for query_id, doc_id in last:
            if query_id in texts and doc_id not in found.grades.get(query_id, {}):
                failed.setdefault(query_id, set()).add(doc_id)
    return {query_id: frozenset(docs) for query_id, docs in failed.items()}


def _same_grades(people: Qrels, judge: Qrels) -> WithheldCorrection | None:
    """Return that people's grades are the judge's, where nearly all are equal; None where they are not.

    Pairs to which both give the most common grade are left out: in a deep pool most documents have nothing to do with
    the query, and every rater says so.
    """
    shared = [
        (grade, other)
        for query_id, docs in people.grades.items()
        for doc_id, grade in docs.items()
        if (other := judge.of(query_id).get(doc_id)) is not None
    ]
    counts = Counter(grade for grade, _ in shared)
    if len(shared) < _ENOUGH or len(counts) < 2:
        return None
    ((common, _),) = counts.most_common(1)
    others = [pair for pair in shared if pair != (common, common)]
    equal = sum(grade == other for grade, other in others)
    return same_grades(len(others)) if equal > _SAME * len(others) else None


@dataclass(frozen=True, slots=True)
class _Given:
    """What a rater gave: its name, the end of its stated scale, its largest grade and how many are above 0."""

    name: str
    stated: int | None
    largest: float
    above: int
    is_own: bool

    @property
    def known_end(self) -> float:
        """The end of its scale as far as it is known."""
        return self.largest if self.stated is None else self.stated

    @property
    def text(self) -> str:
        """The scale in words."""
        return f"{self.name} 0 to {math.ceil(self.known_end)}"

    def is_shorter(self, other: _Given) -> bool:
        """Return whether the scale of this rater ends, or very probably ends, below that of another one.

        A scale that is not stated is unknown, and a rater may never have given its largest grade. Many grades of the
        dataset's own below the end of a stated scale, or many grades of 1 and none above, are no chance.
        """
        if self.stated is not None:
            return self.stated < other.known_end
        if self.above < _MANY:
            return False
        if self.is_own and other.stated is not None:
            return self.largest < other.stated
        return self.largest <= 1 < other.known_end


def _different_scales(by_people: ChosenJudgments, drawn: Qrels) -> WithheldCorrection | None:
    """Return that the grades of drawn queries are on scales of different sizes; None where none is shorter.

    The largest grades are those of all queries.
    """
    given: dict[Rater, list[float]] = {}
    for query_id, docs in by_people.grades.items():
        for doc_id, grade in docs.items():
            given.setdefault(by_people.rater_of(query_id, doc_id) or QRELS, []).append(grade)
    counted = {
        by_people.rater_of(query_id, doc_id) or QRELS
        for query_id, docs in drawn.grades.items()
        for doc_id in docs
    }
    scales = [
        _Given(
            "the dataset's own" if rater == QRELS else rater.label,
            highest_grade(rater),
            max(grades),
            sum(grade > 0 for grade in grades),
            rater == QRELS,
        )
        for rater, grades in given.items()
        if rater in counted
    ]
    for one, other in combinations(sorted(scales, key=lambda scale: scale.known_end), 2):
        if one.is_shorter(other):
            return different_scales(f"{one.text}, {other.text}")
    return None


def _chosen(
    dataset: Dataset, own: dict[str, dict[str, float]], sources: Sequence[JudgmentsOfSource]
) -> ChosenJudgments:
    texts = _texts(dataset)
    return choose_judgments(
        own, sources, texts, lambda query_id: text_sha256(texts[query_id]), _doc_hash(dataset)
    )


def _texts(dataset: Dataset) -> dict[str, str]:
    return {query.query_id: query.instructed_text for query in dataset.queries}


def _doc_hash(dataset: Dataset) -> HashOf:
    corpus = dataset.corpus
    return lambda doc_id: text_sha256(corpus.text(doc_id)) if doc_id in corpus else None
