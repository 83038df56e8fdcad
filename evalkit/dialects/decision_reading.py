"""Read the questions of decision APIs as pairs of a query and a document, for the server.

A reranker answers one question only: is this document relevant to this query? So a request is answered if its content
has a query and documents, and if its questions ask for just this, in wording that the service knows. Whatever else a
question says could change its meaning ("is *not* relevant"), and would be answered wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.dialects.decision_records import (
    DOCUMENT,
    DOCUMENTS,
    INSTRUCTION,
    QUERY,
    RelevanceWording,
)
from evalkit.dialects.wire import RelevanceQuestion, WireError

_FIELDS = (QUERY, INSTRUCTION, DOCUMENT, DOCUMENTS)
MARK = "\0"
"""Where a wording names the document."""
_PLAIN_LEVELS = {("no", "yes"), ("false", "true"), ("not relevant", "relevant"), ("irrelevant", "relevant")}
"""Levels that name themselves, not relevant and relevant, whatever the wording."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Makes the errors of a request.

    Attributes
    ----------
    status
        HTTP status of a request that cannot be answered.
    """

    status: int

    def invalid(self, path: str, what: str) -> WireError:
        """Return the error of a value that the API would reject."""
        return WireError(self.status, "invalid_parameter", f"'{path}' {what}", path)

    def unanswerable(self, path: str, what: str) -> WireError:
        """Return the error of a value that the API allows, and that a reranker has no answer to."""
        return WireError(self.status, "unsupported_parameter", f"'{path}' {what}", path)

    def text(self, holder: Mapping[str, Any], key: str, path: str) -> str:
        """Return the text under a key of an object at a path.

        Raises
        ------
        WireError
            If it is missing or no text.
        """
        where, value = f"{path}.{key}" if path else key, holder.get(key)
        if value is None:
            raise WireError(self.status, "missing_parameter", f"'{where}' is required", where)
        if not isinstance(value, str):
            raise self.invalid(where, "must be a string")
        return value

    def keys(self, holder: Mapping[str, Any], known: Sequence[str], path: str) -> None:
        """Raise for a key of an object at a path that is not known.

        Raises
        ------
        WireError
            If there is one.
        """
        for key in holder:
            if key not in known:
                where = f"{path}.{key[:40]}" if path else key[:40]
                raise self.unanswerable(where, f"is not read by a reranker; it reads {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class SearchContent:
    """The content of a request that asks for relevance.

    Attributes
    ----------
    query, instruction
        The query, and its instruction; empty for none.
    documents
        Key -> text; None if the questions contain the documents themselves.
    """

    query: str
    instruction: str = ""
    documents: Mapping[str, str] | None = None

    def find(self, place: str) -> tuple[str, str] | None:
        """Return key and text of the document that a question names; None if it names none, or might name two."""
        if self.documents is None:
            return place, place
        keys = dict.fromkeys((place.removeprefix(f"{DOCUMENTS}."), place))
        found = [key for key in keys if key in self.documents]
        return (found[0], self.documents[found[0]]) if len(found) == 1 else None


def read_content(given: Any, path: str, refusals: Refusals) -> SearchContent:
    """Return the content of a request: a text is the query, an object has it in a field.

    Parameters
    ----------
    given
        The content: a text or an object.
    path
        Its path in the request, for messages.
    refusals
        Makes the errors.

    Raises
    ------
    WireError
        If it has no query, or a field that no reranker reads.
    """
    if isinstance(given, str):
        return SearchContent(given)
    if not isinstance(given, Mapping):
        raise refusals.invalid(path, f"must be a text or an object with {', '.join(_FIELDS)}")
    refusals.keys(given, _FIELDS, path)
    if DOCUMENT in given and DOCUMENTS in given:
        raise refusals.invalid(path, f"must not have both {DOCUMENT} and {DOCUMENTS}")
    documents = None
    if DOCUMENT in given:
        documents = {DOCUMENT: refusals.text(given, DOCUMENT, path)}
    elif DOCUMENTS in given:
        documents = _read_documents(given[DOCUMENTS], f"{path}.{DOCUMENTS}", refusals)
    instruction = refusals.text(given, INSTRUCTION, path) if INSTRUCTION in given else ""
    return SearchContent(refusals.text(given, QUERY, path), instruction, documents)


def _read_documents(given: Any, path: str, refusals: Refusals) -> dict[str, str]:
    """Return key -> text; the keys of a list are its positions."""
    if isinstance(given, list):
        given = {str(place): text for place, text in enumerate(given)}
    if not isinstance(given, Mapping) or not given:
        raise refusals.invalid(path, "must be an object of texts by key, or a list of texts")
    return {key: refusals.text(given, key, path) for key in given}


@dataclass(frozen=True, slots=True)
class SentQuestion:
    """A question as it was sent, in either contract.

    Attributes
    ----------
    name, path
        Its name, None if it has none; and its path in the request, for messages.
    is_scale
        Whether it asks for a level; else it is a yes/no question.
    instructions
        The question.
    true, false
        What counts as yes, and as no, in fields of their own; empty for none.
    levels
        Name and meaning of each level.
    """

    name: str | None
    path: str
    is_scale: bool
    instructions: str
    true: str = ""
    false: str = ""
    levels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A wording as a contract sends it; its descriptions of no and yes are also those of two levels."""

    before: str
    after: str
    true: str
    false: str
    levels: tuple[str, str]

    def place_in(self, question: SentQuestion) -> str | None:
        """Return the place of the document that a question names; None if it is worded otherwise."""
        text, ends = question.instructions, len(self.before) + len(self.after)
        if len(text) < ends or not (text.startswith(self.before) and text.endswith(self.after)):
            return None
        if question.is_scale:
            meanings = tuple(meaning for _, meaning in question.levels)
            plain = tuple(meaning.strip().lower() for meaning in meanings)
            fits = (all(meanings) and meanings == self.levels) or plain in _PLAIN_LEVELS
        else:
            fits = (question.true, question.false) == (self.true, self.false)
        return text[len(self.before) : len(text) - len(self.after)] if fits else None


class QuestionReader:
    """Finds the document that each question of a request is about.

    Parameters
    ----------
    wordings
        How a question for relevance may be worded.
    encode
        Returns a question as the contract sends it: wording and whether it asks for a level in, question out, with
        `MARK` in place of the document.
    content
        The content of the request.
    refusals
        Makes the errors.

    Attributes
    ----------
    texts
        Key -> text of the documents that were asked about, in the order of the questions.
    """

    def __init__(
        self,
        wordings: Sequence[RelevanceWording],
        encode: Callable[[RelevanceWording, bool], SentQuestion],
        content: SearchContent,
        refusals: Refusals,
    ) -> None:
        self.texts: dict[str, str] = {}
        self._content = content
        self._refusals = refusals
        self._patterns = {
            is_scale: [_pattern(wording, encode(wording, is_scale)) for wording in wordings]
            for is_scale in (False, True)
        }
        self._places: dict[str, int] = {}

    def read(self, question: SentQuestion) -> RelevanceQuestion:
        """Return what a question asks.

        Raises
        ------
        WireError
            If it asks for anything but the relevance of a document of the content.
        """
        if question.is_scale and len(question.levels) != 2:
            raise self._refusals.unanswerable(
                question.path,
                f"asks for one of {len(question.levels)} levels: a reranker gives one probability, that of relevance;"
                " it answers two levels, not relevant and relevant",
            )
        places = [pattern.place_in(question) for pattern in self._patterns[question.is_scale]]
        known = [place for place in places if place is not None]
        if not known:
            raise self._refusals.unanswerable(
                question.path,
                "is in no wording that this service knows as the question whether a document is relevant to the query;"
                " add its wording to the setting service.decision_questions",
            )
        # The longest wording that fits leaves the shortest place.
        found = self._content.find(min(known, key=len))
        if found is None:
            raise self._refusals.invalid(question.path, "names no document of the content, or might name two")
        key, text = found
        self.texts[key] = text
        place = self._places.setdefault(key, len(self._places))
        return RelevanceQuestion(question.name, place, _two(question.levels))


def _pattern(wording: RelevanceWording, sent: SentQuestion) -> _Pattern:
    before, _, after = sent.instructions.partition(MARK)
    return _Pattern(before, after, sent.true, sent.false, (wording.false, wording.true))


def _two(levels: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the names of two levels; None for none."""
    return (levels[0][0], levels[1][0]) if levels else None
