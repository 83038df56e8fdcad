"""What people rate: a document for a query, and the scale on which they do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.records import Judgment
from evalkit.records.judgments import text_sha256
from evalkit.records.rerank import instructed

_MOST_IN_A_TITLE = 24
"""Characters of the short name of a grade."""
_DEFAULT_TITLES = dict(zip(DEFAULT_SCALE, ("Unrelated", "Related", "Partial", "Exact"), strict=True))
_SUBJECT = "The document "
_KEY_OF_TEN = "t"


@dataclass(frozen=True)
class RatingTask:
    """A pair of a query and a document, with its texts.

    Attributes
    ----------
    dataset
        Name of its dataset; it decides on the file of the judgment.
    query_id, doc_id
        The pair.
    query, instruction, document
        The texts; an empty instruction for none.
    sampled
        Whether the query belongs to the human sample.
    language
        Language of the texts, to mark the words of the query.
    """

    dataset: str
    query_id: str
    doc_id: str
    query: str
    document: str
    instruction: str = ""
    sampled: bool = False
    language: str = "english"

    @cached_property
    def query_sha256(self) -> str:
        """Hash of the query with its instruction."""
        return text_sha256(instructed(self.query, self.instruction))

    @cached_property
    def doc_sha256(self) -> str:
        """Hash of the document."""
        return text_sha256(self.document)

    @cached_property
    def key(self) -> str:
        """What identifies the pair and its texts: a grade for another text is never taken for one of this text."""
        parts = (self.dataset, self.query_id, self.doc_id, self.query_sha256, self.doc_sha256)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def group(self) -> tuple[str, str]:
        """The query, in any dataset."""
        return self.dataset, self.query_id

    def is_stale(self, judgment: Judgment) -> bool:
        """Return whether a judgment of the pair is of another text."""
        known = (judgment.query_sha256, self.query_sha256), (judgment.doc_sha256, self.doc_sha256)
        return any(given is not None and given != own for given, own in known)


@dataclass(frozen=True, slots=True)
class ScaleGrade:
    """One grade of the scale as the page shows it.

    Attributes
    ----------
    grade
        The grade.
    key
        The key that gives it.
    title
        Its short name; empty for none.
    meaning
        What it means.
    """

    grade: int
    key: str
    title: str
    meaning: str


def scale_grades(lines: Sequence[str]) -> tuple[ScaleGrade, ...]:
    """Return the grades of a scale.

    A line like ``Exact: answers the query.`` begins with the grade's short name. Where all lines begin with
    ``The document``, these words are left out: the page is read faster without them.
    """
    repeated = all(line.startswith(_SUBJECT) for line in lines)
    return tuple(_grade(number, line, len(_SUBJECT) if repeated else 0) for number, line in enumerate(lines))


def _grade(number: int, line: str, dropped: int) -> ScaleGrade:
    title, colon, meaning = line.partition(": ")
    if not colon or len(title) > _MOST_IN_A_TITLE:
        title, meaning = _DEFAULT_TITLES.get(line, ""), line[dropped].upper() + line[dropped + 1 :]
    return ScaleGrade(number, str(number) if number < 10 else _KEY_OF_TEN, title, meaning)


def scale_text(lines: Sequence[str]) -> str:
    """Return a scale as one text, which belongs to the rater: one line a grade."""
    return "\n".join(f"{number}: {line}" for number, line in enumerate(lines))
