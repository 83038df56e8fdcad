"""``evalkit judge import``: judgments of another tool as lines of a judgment file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalkit.datasets import one_dataset, open_dataset
from evalkit.errors import InputError
from evalkit.formats import names_raters, read_judgment_lines, read_judgments
from evalkit.records import Dataset, Judgment, Rater, RaterKind, utc_text
from evalkit.records.qrels import EXCLUDED_GRADE
from evalkit.store import JudgmentFile


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    added, replaced, known
        Judgments that were new, that replaced another grade, and that were in the file already.
    excluded
        Judgments that exclude a document from a query's lists, which no rater gives.
    unknown_queries, unknown_documents
        Judgments of the file whose query, or whose document, the dataset does not have; None where no dataset is named.
    """

    added: int
    replaced: int
    known: int
    excluded: int
    unknown_queries: int | None = None
    unknown_documents: int | None = None


def import_judgments(
    file: Path,
    into: Path,
    rater: str | None,
    kind: RaterKind | None = None,
    *,
    replace_grades: bool = False,
    dataset: str | None = None,
    now: datetime | None = None,
) -> Imported:
    """Append the judgments of a file to a judgment file; what it holds already is not added again.

    Parameters
    ----------
    file
        In any format that evalkit reads.
    into
        The judgment file, which need not exist.
    rater
        Name of who judged; of a file that names its raters, the only one whose judgments are imported.
    kind
        What the rater is, for a file that does not name its raters.
    replace_grades
        Whether a grade of the same pair by the same rater is replaced by another one: a later line counts.
    dataset
        Dataset that the judgments are for; required for a file that names queries by their texts.
    now
        When (default: the clock).

    Raises
    ------
    InputError
        If the file cannot be read, no rater is known, the file names queries by their texts and no dataset has
        their ids, or a pair has another grade already and
        `replace_grades` is false; then nothing is written.
    """
    if file.resolve() == into.resolve():
        raise InputError(f"{file} cannot be imported into itself", "name another file with --into")
    opened = None if dataset is None else open_dataset(one_dataset(dataset))
    found, excluded = _read(file, rater, kind, opened, now or datetime.now(UTC))
    target = JudgmentFile(into)
    current = {(one.rater.key, one.pair): one.grade for one in target.read()}
    added: list[Judgment] = []
    replaced = known = 0
    for one in found:
        before = current.get(place := (one.rater.key, one.pair))
        if place in current and before == one.grade:
            known += 1
            continue
        if before is not None:
            if not replace_grades:
                raise _conflict(one, before, file, into)
            replaced += 1
        current[place] = one.grade
        added.append(one)
    if added:
        target.append(added)
    return Imported(len(added) - replaced, replaced, known, excluded, *_unknown(found, opened))


def _conflict(one: Judgment, before: float, file: Path, into: Path) -> InputError:
    """Return the error of a judgment whose pair has another grade by the same rater."""
    grade = "no grade" if one.grade is None else f"grade {one.grade:g}"
    return InputError(
        f"query {one.query_id!r}, document {one.doc_id!r} has {grade} in {file}, but grade {before:g} by"
        f" {one.rater.label!r} in {into}",
        "add --replace to let the imported grades count, or import them as another rater",
    )


def _unknown(found: list[Judgment], dataset: Dataset | None) -> tuple[int | None, int | None]:
    """Return how many judgments have a query, and how many a document, that a dataset lacks; None without one."""
    if dataset is None:
        return None, None
    query_ids = {query.query_id for query in dataset.queries}
    return (
        sum(one.query_id not in query_ids for one in found),
        sum(one.doc_id not in dataset.corpus for one in found),
    )


def _read(
    file: Path, rater: str | None, kind: RaterKind | None, dataset: Dataset | None, now: datetime
) -> tuple[list[Judgment], int]:
    """Return the judgments of a file, of each pair and rater the last one, and the number of exclusions."""
    if names_raters(file):
        every = read_judgment_lines(file)
        kept = [
            one
            for one in every
            if rater in {None, one.rater.name, one.rater.label} and kind in {None, one.rater.kind}
        ]
        if not kept and (rater is not None or kind is not None):
            who = f"a {kind or 'rater'}" + ("" if rater is None else f" named {rater!r}")
            raise InputError(
                f"{file} has no judgments by {who}", "leave out --rater and --kind to import all"
            )
        return list({(one.rater.key, one.pair): one for one in kept}.values()), 0
    if rater is None or kind is None:
        kinds = "--kind human for a person, or --kind model for a model"
        missing = [
            *(["--rater NAME"] if rater is None else []),
            *([kinds] if kind is None else []),
        ]
        raise InputError(f"{file} does not say who judged", f"add {' and '.join(missing)}")
    judged_by = Rater(kind, rater)
    texts = None if dataset is None else {query.query_id: query.text for query in dataset.queries}
    read = read_judgments(file, texts)
    if read.by_text and texts is None:
        raise InputError(
            f"{file} names queries by their texts, and their ids are not known",
            "add --dataset SPEC: the configuration or the dataset with these queries",
        )
    grades = read.qrels.grades
    at = utc_text(now)
    rows = [(query_id, doc_id, grade) for query_id, docs in grades.items() for doc_id, grade in docs.items()]
    found = [
        Judgment(query_id, doc_id, float(grade), judged_by, at)
        for query_id, doc_id, grade in rows
        if grade != EXCLUDED_GRADE
    ]
    return found, len(rows) - len(found)
