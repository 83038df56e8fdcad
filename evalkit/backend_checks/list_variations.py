"""Lists that differ in one respect from the list of a query: in order, by one more document, or in nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.fixed_request import fixed_request
from evalkit.records import RerankRequest

ORIGINAL, AGAIN, UNRELATED, COPY = "original", "again", "unrelated", "copy"
ORDERS = ("reversed", "shuffled", "shuffled and reversed")
"""Each document is at four places, with the original one; two of them mirror the others."""
COPIED = 0
"""Place of the document that is sent twice: the first, whose score matters most."""
_ADDED = "evalkit added document"


@dataclass(frozen=True, slots=True)
class Variation:
    """A list that is sent, and where the documents of the original are in it.

    Attributes
    ----------
    request
        The list.
    places
        ``(n,)`` place of each document of the original list, from 0.
    """

    request: RerankRequest
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ListSample:
    """The list of a query, and a document that has nothing to do with it.

    Attributes
    ----------
    request
        The list.
    unrelated
        Text of a candidate of another query; None where no document is added to the list.
    """

    request: RerankRequest
    unrelated: str | None

    def variations(self, seed: int) -> Mapping[str, Variation]:
        """Return the lists to send by their names: the original, the same again, and where it is one list, others.

        Parameters
        ----------
        seed
            Of the random order.
        """
        count = len(self.request.documents)
        rows = np.arange(count)
        lists = {ORIGINAL: self._in_order(rows), AGAIN: self._in_order(rows)}
        if self.unrelated is None:
            return lists
        shuffled = np.random.default_rng(seed).permutation(count)
        lists |= {
            name: self._in_order(order)
            for name, order in zip(ORDERS, (rows[::-1], shuffled, shuffled[::-1]), strict=True)
        }
        added = {UNRELATED: self.unrelated, COPY: self.request.documents[COPIED]}
        return lists | {name: Variation(self._with(text), rows) for name, text in added.items()}

    def _in_order(self, order: NDArray[np.int64]) -> Variation:
        request = replace(
            self.request,
            documents=tuple(self.request.documents[row] for row in order),
            doc_ids=tuple(self.request.doc_ids[row] for row in order),
        )
        return Variation(request, np.argsort(order))

    def _with(self, text: str) -> RerankRequest:
        """Return the list with one more document at its end, which moves no other one."""
        documents = (*self.request.documents, text)
        return replace(self.request, documents=documents, doc_ids=(*self.request.doc_ids, _ADDED))


def with_unrelated(requests: Sequence[RerankRequest]) -> Iterator[ListSample]:
    """Yield the lists with a document of another one that they do not have; with a fixed text where there is none."""
    for place, request in enumerate(requests):
        others = (requests[(place + step) % len(requests)] for step in range(1, len(requests)))
        own = {*request.documents, request.query}
        texts = (text for other in others for text in other.documents if text.strip() and text not in own)
        yield ListSample(request, next(texts, fixed_request(2).documents[1]))
