"""What a session learns from refused lists: how many documents one call may have, and what is refused for its content.

A server that refuses a list says at most in words whether the list or one of its texts is the reason. Words can be
unknown, so the reason is found out:

- A list that is no longer than one that was scored is not too long. If the status has been returned to a single
  document before, the list is refused for a text in it: no further call is needed.
- Else its longest document (or its first empty one) is sent alone. If it is refused, too, the list is refused for it.
- Else the other documents are sent in two parts, and a part that is refused in smaller ones. The size of the parts is
  learned only if every part of a list was scored: a list with one text that is refused says nothing about its length.

So a list with a text that is refused takes 2 calls if it is the longest one or an empty one, and else about
``2 log2(n)`` calls until one document was refused alone, and 1 call after that. Status 413 is also that of a body that
is too large: a shorter list with longer texts may get it, and the first rule does not hold.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from evalkit.errors import CallError
from evalkit.records import RerankRequest
from evalkit.reranking.batching import Batch, cut

_TOO_LARGE_BODY = 413
_CONTENT = {"text", "request"}
_MAY_BE_A_TEXT = {400, _TOO_LARGE_BODY, 422}
_MOST_EMPTY = 3
"""Empty documents that a message names."""


@dataclass(slots=True)
class ListLimits:
    """What the calls of one session have shown about the length of lists. Thread-safe.

    Attributes
    ----------
    documents
        Most documents of a call, learned after the server refused more; None before that.
    longest_scored
        Documents of the longest list that was scored.
    """

    documents: int | None = None
    longest_scored: int = 0
    _refused_alone: set[int | None] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_scored(self, documents: int) -> None:
        """Record that a list of so many documents was scored."""
        with self._lock:
            self.longest_scored = max(self.longest_scored, documents)

    def learn(self, documents: int) -> None:
        """Record that longer lists are refused for their length."""
        with self._lock:
            self.documents = documents if self.documents is None else min(self.documents, documents)

    def is_content(self, failure: CallError, documents: int) -> bool:
        """Return whether a list of so many documents was refused for what it contains, whatever its length."""
        cause = failure.remedy.refused_for
        if cause in _CONTENT or not failure.remedy.too_large:
            return cause in _CONTENT
        status = failure.http_status
        with self._lock:
            if documents == 1:
                self._refused_alone.add(status)
                return True
            return (
                cause is None
                and status != _TOO_LARGE_BODY
                and status in self._refused_alone
                and documents <= self.longest_scored
            )

    def may_learn(self, failure: CallError, documents: int) -> bool:
        """Return whether a list of so many documents may have been refused for its length.

        A list of that length may have been scored before: then only a body that is too large, or the server's words,
        are a reason to send shorter ones.
        """
        large = failure.remedy.refused_for in {"documents", "bytes"} or failure.http_status == _TOO_LARGE_BODY
        return large or documents > self.longest_scored


def suspect(request: RerankRequest) -> int:
    """Return the position of the document that a server most likely refuses: the first empty one, else the longest."""
    texts = request.documents
    empty = (place for place, text in enumerate(texts) if not text.strip())
    # Bytes, not characters: a text in Chinese has more tokens than an English one with as many characters.
    longest = max(range(len(texts)), key=lambda place: len(texts[place].encode("utf-8", "replace")))
    return next(empty, longest)


def parts_of(item: Batch, failure: CallError, *, first: bool) -> Iterator[Batch]:
    """Yield the parts in which a refused list is sent again.

    Parameters
    ----------
    item, failure
        The list, and why it was refused.
    first
        Whether it is no part of a list that was refused: then its most suspect document is sent alone.
    """
    half = (len(item.request.documents) + 1) // 2
    if first and failure.remedy.refused_for != "documents":
        place = suspect(item.request)
        yield _chosen(item, [place])
        item = _chosen(item, [i for i in range(len(item.request.documents)) if i != place])
    yield from cut(item, half)


def without(item: Batch, doc_ids: set[str]) -> Batch:
    """Return a batch without some documents."""
    return _chosen(item, [i for i, doc_id in enumerate(item.request.doc_ids) if doc_id not in doc_ids])


def _chosen(item: Batch, places: list[int]) -> Batch:
    request = item.request
    chosen = replace(
        request,
        documents=tuple(request.documents[i] for i in places),
        doc_ids=tuple(request.doc_ids[i] for i in places),
    )
    return Batch(chosen, tuple(item.ranks[i] for i in places) if item.ranks else ())


def with_evidence(
    failure: CallError, request: RerankRequest, *, alone: bool = False, proven: bool = False
) -> CallError:
    """Return the failure of a list that may be refused for a text in it, with the query and the likely document.

    Parameters
    ----------
    failure
        The failure; it is not changed.
    request
        The request that was refused.
    alone
        Whether a list of one document is a part of a longer one that was refused.
    proven
        Whether it is known to be refused for what it contains.
    """
    remedy = failure.remedy
    if proven and remedy.too_large:
        remedy = replace(remedy, too_large=False, refused_for="text")
    evidence = "" if remedy.refused_for == "request" else _evidence(request, alone=alone)
    found = CallError(
        failure.kind,
        f"query {request.query_id!r}: {failure.message.removesuffix('.')}{evidence}"
        if evidence
        else failure.message,
        failure.hint or _hint(failure, request, proven=proven),
        http_status=failure.http_status,
        body=failure.body,
        remedy=remedy,
    )
    found.billed_usd, found.kept_usd, found.cost_known = (
        failure.billed_usd,
        failure.kept_usd,
        failure.cost_known,
    )
    return found


def _hint(failure: CallError, request: RerankRequest, *, proven: bool) -> str | None:
    """Return what to try after the refusal of a list whose reason is unknown; None if it is known."""
    if proven or failure.remedy.refused_for is not None or len(request.documents) == 1:
        return None
    return "shorten that document, or set max_documents if the API takes fewer documents"


def may_be_content(failure: CallError) -> bool:
    """Return whether a request with other texts may succeed."""
    cause = failure.remedy.refused_for
    return cause == "text" or (cause is None and failure.http_status in _MAY_BE_A_TEXT)


def _evidence(request: RerankRequest, *, alone: bool) -> str:
    """Return the end of a message: the empty documents, else the longest one; empty for a list of one document."""
    texts, ids = request.documents, request.doc_ids
    empty = [doc_id for doc_id, text in zip(ids, texts, strict=False) if not text.strip()]
    if empty:
        named = ", ".join(map(repr, empty[:_MOST_EMPTY]))
        more = f" and {len(empty) - _MOST_EMPTY} more" if len(empty) > _MOST_EMPTY else ""
        return f"; documents without text: {named}{more}"
    longest = max(range(len(texts)), key=lambda place: len(texts[place]), default=None)
    if longest is None or longest >= len(ids):
        return ""
    characters = f"({len(texts[longest]):,} characters)"
    if len(texts) > 1:
        return f"; the longest of its {len(texts)} documents is {ids[longest]!r} {characters}"
    return f"; document {ids[longest]!r} {characters} was refused alone" if alone else ""
