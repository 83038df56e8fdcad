"""The rows of judgments as files of other tools have them: queries by id or by text, ratings not yet checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.errors import DataFormatError
from evalkit.formats.identifiers import check_id, query_id_of
from evalkit.formats.plain_numbers import grade_of
from evalkit.formats.text_files import File
from evalkit.records.chosen_judgments import RatersOfPairs
from evalkit.records.qrels import Qrels, check_grade

_UNRATED = {"", "--", "null", "NaN"}
"""Ratings of documents that were not rated; Quepid shows and exports ``--``, and other tools write null as a word."""
NamedBy = Literal["id", "text", "id or text"]


@dataclass(frozen=True, slots=True)
class RatedRow:
    """One judgment.

    Attributes
    ----------
    where
        Position in the file.
    query
        Id or text of the query.
    doc_id
        Id of the document as it is in the file; None or empty in the row of a query without a judgment.
    rating
        The rating as it is in the file; None or empty if the document is not rated.
    """

    where: str
    query: str
    doc_id: Any
    rating: Any


@dataclass(frozen=True, slots=True)
class RatedRows:
    """The judgments of a file.

    Attributes
    ----------
    rows
        The judgments, read while they are consumed.
    named_by
        What the rows have as `RatedRow.query`: the id or the text of the query; ``id or text`` where the file does not
        state which.
    texts
        Query as in the rows -> its text, where the file has both; filled while the rows are read.
    """

    rows: Iterable[RatedRow]
    named_by: NamedBy
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedJudgments:
    """Judgments with the texts of their queries.

    Attributes
    ----------
    qrels
        The judgments, by query id.
    texts
        Query id -> text, of the queries whose text is known.
    failures
        Pairs that a rater failed to grade, in a file of judgments by raters; they are unjudged.
    raters
        Who gave the grades, in a file of judgments by raters.
    by_text
        Whether the file names queries by their texts, as far as it can be seen: a name of two words is one.
    """

    qrels: Qrels
    texts: Mapping[str, str]
    failures: int = 0
    raters: RatersOfPairs = field(default_factory=dict)
    by_text: bool = False


def named_judgments(
    rated: RatedRows,
    path: File,
    rating_of: Callable[[Any, str], float],
    queries: Mapping[str, str] | None = None,
) -> NamedJudgments:
    """Return judgments by query id; documents without a rating stay unjudged.

    A query that is named by its text gets the id that it has in `queries`, else one from `query_id_of`.

    Parameters
    ----------
    rated
        The rows.
    path
        The file, for messages.
    rating_of
        Returns the grade of a rating at a position.
    queries
        Query id -> text, of a file of queries; None if there is none.

    Raises
    ------
    DataFormatError
        If an id or a grade is invalid, a pair has two grades, nothing is judged, or two queries have a judged text.
    """
    rows = list(rated.rows)
    ids = _ids([row.query for row in rows], rated, path, queries)
    found: list[tuple[str, str, float]] = []
    for row in rows:
        if not _is_unrated(row.rating):
            doc_id = row.doc_id.strip() if isinstance(row.doc_id, str) else row.doc_id
            found.append((ids[row.query], check_id(doc_id, row.where), rating_of(row.rating, row.where)))
    try:
        qrels = Qrels.from_rows(found)
    except DataFormatError as error:
        raise DataFormatError(f"{path}: {error.message}", error.hint) from None
    if not qrels.grades:
        raise DataFormatError(f"{path} contains no judgments", "rate documents first")
    by_text = _is_by_text(rated, ids)
    return NamedJudgments(qrels, _texts(rated, ids, by_text=by_text), by_text=by_text)


def rating_grade(value: Any, where: str) -> float:
    """Return the grade of a rating that is a number; fractions are not rounded.

    Raises
    ------
    DataFormatError
        If it is not a number, or beyond the highest grade.
    """
    grade = None if isinstance(value, bool) else grade_of(value.strip() if isinstance(value, str) else value)
    if grade is None:
        raise DataFormatError(
            f"{where} has the grade {value!r}",
            "map every value to a number with grades: in a dataset with source: tables",
        )
    return check_grade(grade, where)


def _is_unrated(rating: Any) -> bool:
    return rating is None or rating != rating or (isinstance(rating, str) and rating.strip() in _UNRATED)  # noqa: PLR0124 - only nan differs from itself


def _ids(names: list[str], rated: RatedRows, path: File, queries: Mapping[str, str] | None) -> dict[str, str]:
    """Return the name of each query in the file -> its id."""
    unique = dict.fromkeys(names)
    if queries is not None and rated.named_by != "text":
        _check_zeros(unique, queries, path)
    if queries is None or rated.named_by == "id":
        return {name: query_id_of(name) for name in unique}
    by_text: dict[str, list[str]] = {}
    for query_id, text in queries.items():
        by_text.setdefault(text.strip(), []).append(query_id)
    if rated.named_by == "id or text" and not _are_texts(unique, queries, by_text, path):
        return {name: query_id_of(name) for name in unique}
    twice = next((name for name in unique if len(by_text.get(name, ())) > 1), None)
    if twice is not None:
        raise DataFormatError(
            f"{path} names its queries by their texts, and {twice!r} is the text of the queries"
            f" {', '.join(map(repr, by_text[twice]))}",
            "keep one of them, or give the judgments by query id",
        )
    return {name: by_text[name][0] if name in by_text else query_id_of(name) for name in unique}


def _check_zeros(names: Iterable[str], queries: Mapping[str, str], path: File) -> None:
    """Raise a `DataFormatError` if an unknown query has a number that is the id of a query without its zeros."""
    unknown = [name for name in names if name.isdigit() and name not in queries]
    without_zeros = {query_id.lstrip("0"): query_id for query_id in queries if query_id.startswith("0")}
    lost = next((name for name in unknown if name in without_zeros), None)
    if lost is not None:
        raise DataFormatError(
            f"{path}: there is no query {lost!r}, but {without_zeros[lost]!r}: a spreadsheet may have removed the"
            " zeros",
            "format the column as text in the spreadsheet, and enter the identifiers again",
        )


def _are_texts(
    names: Iterable[str], queries: Mapping[str, str], by_text: Mapping[str, Any], path: File
) -> bool:
    """Return whether the names of queries are their texts; raise `DataFormatError` if both may be meant."""
    known_ids, known_texts = [name in queries for name in names], [name in by_text for name in names]
    if all(known_ids) or not any(known_texts):
        return False
    if any(known_ids) and not all(known_texts):
        raise DataFormatError(
            f"{path} may name its queries by their ids or by their texts: both occur among the queries",
            "name the column query_id, or query_text",
        )
    return True


def _is_by_text(rated: RatedRows, names: Iterable[str]) -> bool:
    """Return whether the names of queries are texts; they may be ids if none of them has two words."""
    if rated.named_by == "id or text":
        return any(len(name.split()) > 1 for name in names)
    return rated.named_by == "text"


def _texts(rated: RatedRows, ids: Mapping[str, str], *, by_text: bool) -> dict[str, str]:
    """Return query id -> text, of the queries whose text the file has."""
    if by_text:
        return {query_id: name for name, query_id in ids.items()}
    return {ids[name]: text for name, text in rated.texts.items() if name in ids}
