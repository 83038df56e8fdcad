"""The grades of single raters, and which of them an audit compares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from evalkit.errors import InputError, UnknownNameError
from evalkit.records import Judgment, Qrels, Rater, RaterKind, plain_grade
from evalkit.records.chosen_judgments import JudgmentsOfSource, choose_judgments

PEOPLE = "people"
"""Name of several people together."""


class MissingRatersError(InputError):
    """No model, or no person, has judged: there is nothing to compare."""


@dataclass(frozen=True, slots=True, eq=False)
class RaterGrades:
    """The grades of one rater, or of several people together.

    Attributes
    ----------
    name
        Label of the rater; of several people `PEOPLE`.
    kind
        Person or model; None where a file does not say.
    qrels
        Its grades. A pair without one is not in it.
    aliases
        Further names by which it can be asked for, such as the tag of a judge.
    failed
        Query id -> the documents that it was asked for and gave no grade, where that is known.
    """

    name: str
    kind: RaterKind | None
    qrels: Qrels
    aliases: frozenset[str] = frozenset()
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CurrentTexts:
    """The texts that judgments must be of to count.

    Attributes
    ----------
    query_ids
        The queries.
    query_hash, doc_hash
        Identifier -> hash of the text; None if there is none.
    """

    query_ids: Sequence[str]
    query_hash: Callable[[str], str | None]
    doc_hash: Callable[[str], str | None]


def grades_by_rater(judgments: Iterable[Judgment], texts: CurrentTexts | None = None) -> dict[Rater, Qrels]:
    """Return rater -> grades: the last judgment of a pair counts, and a failure has no grade.

    Parameters
    ----------
    judgments
        In the order of their files.
    texts
        Judgments of other texts, or of other queries, are left out; None where the texts are not known.
    """
    by_rater: dict[Rater, list[Judgment]] = {}
    for one in judgments:
        by_rater.setdefault(one.rater, []).append(one)
    found = {}
    for rater, own in by_rater.items():
        known = texts
        if known is None:
            own = [replace(one, query_sha256=None, doc_sha256=None) for one in own]  # noqa: PLW2901
            known = CurrentTexts(list(dict.fromkeys(one.query_id for one in own)), _no_hash, _no_hash)
        source = JudgmentsOfSource(rater.label, own)
        chosen = choose_judgments({}, [source], known.query_ids, known.query_hash, known.doc_hash)
        found[rater] = Qrels(chosen.grades)
    return found


def _no_hash(_identifier: str) -> None:
    return None


def has_both_kinds(raters: Iterable[RaterGrades]) -> bool:
    """Return whether a model and a person are among the raters, so that the model can be audited."""
    return {"human", "model"} <= {one.kind for one in raters}


def choose_judges(raters: Sequence[RaterGrades], named: str | None, where: str) -> list[RaterGrades]:
    """Return the raters to audit: the one that is named, else all models.

    Raises
    ------
    MissingRatersError
        If there is no model.
    UnknownNameError
        If no rater has the name.
    """
    if named is not None:
        return [_named(raters, named)]
    models = [one for one in raters if one.kind == "model"]
    if not models:
        other = "; or name the rater to audit with --judge NAME" if raters else ""
        raise MissingRatersError(
            f"{where}: no model has judged", f"let a judge grade: evalkit judge run CONFIG{other}"
        )
    return models


def choose_reference(
    raters: Sequence[RaterGrades], named: str | None, where: str, audited: Collection[str] = ()
) -> RaterGrades:
    """Return the rater to compare with: the one that is named, else all people together.

    Of several people's grades of a pair their mean counts, as among `ChosenJudgments`.

    Parameters
    ----------
    raters
        All raters.
    named
        Name of the one to compare with; None for all people.
    where
        What they judged, for messages.
    audited
        Names of the raters that are compared with it, which are no part of it.

    Raises
    ------
    MissingRatersError
        If there are no people, or none but those who are audited.
    InputError
        If the one that is named is audited.
    UnknownNameError
        If no rater has the name.
    """
    if named is not None:
        found = _named(raters, named)
        if found.name in audited:
            raise InputError(
                f"{where}: {found.name!r} would be compared with itself", "name another rater with --against"
            )
        return found
    people = [one for one in raters if one.kind == "human" and one.name not in audited]
    if not people:
        other = "other " if any(one.kind == "human" for one in raters) else ""
        raise MissingRatersError(
            f"{where}: no {other}person has judged",
            "let people judge (evalkit judge rate), or name the rater to compare with: --against NAME",
        )
    if len(people) == 1:
        return people[0]
    merged: dict[str, dict[str, list[float]]] = {}
    for person in people:
        for query_id, docs in person.qrels.grades.items():
            of_query = merged.setdefault(query_id, {})
            for doc_id, grade in docs.items():
                of_query.setdefault(doc_id, []).append(grade)
    means = {
        query_id: {doc_id: plain_grade(fmean(grades)) for doc_id, grades in docs.items()}
        for query_id, docs in merged.items()
    }
    return RaterGrades(PEOPLE, "human", Qrels(means))


def names_of(raters: Iterable[RaterGrades]) -> list[str]:
    """Return all names that a rater can be named by: labels, then names of models and tags of judges."""
    raters = list(raters)
    further = (name for one in raters for name in sorted(one.aliases))
    return list(dict.fromkeys((*(one.name for one in raters), *further)))


def raters_named(raters: Iterable[RaterGrades], name: str) -> list[RaterGrades]:
    """Return the raters that a name may mean."""
    return [one for one in raters if name == one.name or name in one.aliases]


def _named(raters: Sequence[RaterGrades], name: str) -> RaterGrades:
    found = raters_named(raters, name)
    if not found:
        raise UnknownNameError("rater", name, names_of(raters))
    if len(found) > 1:
        labels = ", ".join(repr(one.name) for one in found)
        raise InputError(f"{name!r} names several raters: {labels}", "use the whole name of one of them")
    return found[0]


def raters_of(
    grades: Mapping[Rater, Qrels], tags: Mapping[Rater, frozenset[str]] | None = None
) -> list[RaterGrades]:
    """Return raters with different names; raters with one label get a number.

    Parameters
    ----------
    grades
        Rater -> grades.
    tags
        Rater -> further names.
    """
    found: list[RaterGrades] = []
    used: dict[str, int] = {}
    for rater, qrels in grades.items():
        used[rater.label] = used.get(rater.label, 0) + 1
        number = used[rater.label]
        name = rater.label if number == 1 else f"{rater.label} ({number})"
        aliases = {rater.name} | (tags or {}).get(rater, frozenset())
        found.append(RaterGrades(name, rater.kind, qrels, frozenset(aliases)))
    return found
