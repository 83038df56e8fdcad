"""Check that scores depend on the query and on the document: a few queries, each with the same documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.records import RerankRequest

if TYPE_CHECKING:
    from evalkit.rerankers import Reranker

CALLS = 4
"""Most calls of a check."""
DOCUMENTS = 12
"""Most documents of a call."""
TOLERANCE = 1e-3
"""Scores that differ by this share of their median distance from the median are equal: what rounding explains."""
_PRECISION = 1e-6
"""Scores that differ by this share of themselves are equal: single precision."""
_DIGITS = 4
"""Scores with more decimal places are not rounded, and two of them are not equal by chance."""
_CHANCE = 1e3
"""Equal lists of rounded scores or ranks are no chance if at least so many other lists were possible."""
_ENOUGH = 8
"""Fewest scores that are not all 0, or fall from first to last, by chance, and whose spread is known."""

Found = Literal["dependent", "constant", "query ignored", "documents ignored", "order kept", "sorted"]
"""What a check finds. ``order kept``: the query is ignored, and scores fall with the position in the request.
``sorted``: scores differ between queries, and those of every query fall with the position in the request.
"""


_FAULTS: dict[Found | None, str] = {
    "constant": "returns the same score for every query and document",
    "query ignored": "ignores the query: its scores are the same for different queries",
    "order kept": "ignores the query: it returns documents in the order of the request",
    "documents ignored": "ignores the documents: all documents of a query get the same score",
    "sorted": "gives the first document of every request the highest score and the last one the lowest: its list seems"
    " to be sorted by score and to be read without an index",
}


@dataclass(frozen=True, slots=True)
class ExchangedQueries:
    """Requests of a few queries for the same documents.

    Attributes
    ----------
    dataset
        Name of the dataset of the texts.
    requests
        Requests; those of one query follow each other, and all queries have the same documents.
    answerable
        Number of these queries with a judged relevant document among the documents.
    missing
        Why there is no request; None if there are some.
    """

    dataset: str
    requests: tuple[RerankRequest, ...]
    answerable: int = 0
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class DependenceCheck:
    """Whether the scores of a reranker depend on the query and on the document.

    Attributes
    ----------
    reranker, dataset
        What was checked.
    queries, documents
        Number of queries, and of documents that were scored for each of them.
    lowest, highest
        Lowest and highest score; None without a score.
    between_queries
        Largest difference of a document's scores for two queries.
    between_documents
        Largest difference of two documents' scores for a query.
    found
        The result; None if it is not testable.
    untested
        Why it is not testable; None if it is.
    failed
        Whether it is not testable because a call failed or the budget was spent: a resumed run checks again.
    """

    reranker: str
    dataset: str
    queries: int
    documents: int
    lowest: float | None = None
    highest: float | None = None
    between_queries: float | None = None
    between_documents: float | None = None
    found: Found | None = None
    untested: str | None = None
    failed: bool = False

    @property
    def on_query(self) -> Literal["kept", "broken", "not testable"]:
        """The verdict on the promise that scores depend on the query."""
        if self.found is None:
            return "not testable"
        return "kept" if self.found in {"dependent", "documents ignored", "sorted"} else "broken"

    @property
    def on_document(self) -> Literal["kept", "broken", "not testable"]:
        """The verdict on the promise that scores depend on the document."""
        if self.found is None or self.found == "order kept":
            return "not testable"
        return "kept" if self.found in {"dependent", "query ignored"} else "broken"

    def fault(self) -> str:
        """Return what is wrong, as the end of a sentence that begins with the reranker; empty if nothing is."""
        return _FAULTS.get(self.found, "")

    def evidence(self) -> str:
        """Return what was measured, in words."""
        if self.untested is not None:
            return self.untested
        sample = f"{self.queries} queries with the same {self.documents} documents"
        if self.found == "constant":
            return f"{sample}: every score is {self.lowest:.4g}"
        measured = (
            f"{sample}: scores from {self.lowest:.4g} to {self.highest:.4g}, largest difference"
            f" {self.between_queries:.2g} between queries and {self.between_documents:.2g} between documents"
        )
        falling = (
            "; scores fall in the order of the request" if self.found in {"order kept", "sorted"} else ""
        )
        return measured + falling


def check_dependence(
    reranker: str,
    sample: ExchangedQueries,
    score: Callable[[RerankRequest], NDArray[np.float64] | None],
    *,
    ranks: bool,
    briefly: bool = False,
) -> DependenceCheck:
    """Request the scores of a few queries for the same documents; return whether they depend on both.

    No call follows one that failed.

    Parameters
    ----------
    reranker
        Name for the result.
    sample
        The requests.
    score
        Makes one call and returns ``(n,)`` scores in the order of the request; None if the call failed.
    ranks
        Whether scores may be ranks in the list, which are never all equal.
    briefly
        Whether no call follows once the scores depend on both: further queries cannot make them equal.
    """
    if sample.missing is not None:
        return DependenceCheck(reranker, sample.dataset, 0, 0, untested=sample.missing)
    rows: list[NDArray[np.float64]] = []
    for row in _rows(sample.requests, score):
        rows.append(row)
        if (
            briefly
            and len(rows) > 1
            and _judge(np.stack(rows), sample.answerable, ranks=ranks)[0] == "dependent"
        ):
            break
    queries = len({one.query_id for one in sample.requests})
    if len(rows) < 2:
        failed = f"a call failed after {len(rows)} of {queries} queries"
        return DependenceCheck(reranker, sample.dataset, len(rows), 0, untested=failed, failed=True)
    scores = np.stack(rows)
    found, untested = _judge(scores, sample.answerable, ranks=ranks)
    return DependenceCheck(
        reranker,
        sample.dataset,
        queries=scores.shape[0],
        documents=scores.shape[1],
        lowest=float(scores.min()),
        highest=float(scores.max()),
        between_queries=float(np.ptp(scores, axis=0).max()),
        between_documents=float(np.ptp(scores, axis=1).max()),
        found=found,
        untested=untested,
    )


def may_be_ranks(reranker: Reranker) -> bool:
    """Return whether the scores of a reranker may be ranks in the list."""
    return not reranker.pointwise or reranker.score_kind == "rank"


def _rows(
    requests: Sequence[RerankRequest], score: Callable[[RerankRequest], NDArray[np.float64] | None]
) -> Iterator[NDArray[np.float64]]:
    """Yield the scores of one query after the other, up to the first call that fails."""
    for _, own in groupby(requests, key=lambda one: one.query_id):
        parts = []
        for request in own:
            scores = score(request)
            if scores is None:
                return
            parts.append(scores)
        yield np.concatenate(parts)


def _judge(scores: NDArray[np.float64], answerable: int, *, ranks: bool) -> tuple[Found | None, str | None]:
    """Return what ``(queries, documents)`` scores show, or why they show nothing."""
    same_for_queries, same_for_documents = _all_equal(scores), _all_equal(scores.T)
    if not same_for_queries and all(map(_falls, scores)):
        return "sorted", None
    if not (same_for_queries or same_for_documents):
        return "dependent", None
    if (scores == 0).mean() > 0.5 and answerable < 2:
        return None, (
            f"{(scores == 0).mean():.0%} of the scores are 0, and {answerable} of {len(scores)} queries have a"
            " judged relevant document among the documents"
        )
    constant = same_for_queries and same_for_documents
    if constant:
        many = scores.size >= _ENOUGH or not (ranks or (scores == 0).any())
    else:
        many = _are_many(scores if same_for_queries else scores.T)
    if not (many or _is_unrounded(scores, ranks=ranks)):
        return None, f"{scores.size} scores are too few to tell: {len(np.unique(scores))} different values"
    if constant or same_for_documents:
        return ("constant" if constant else "documents ignored"), None
    falling = scores.shape[1] >= _ENOUGH and bool((np.diff(scores.mean(axis=0)) < 0).all())
    return ("order kept" if falling else "query ignored"), None


def _falls(row: NDArray[np.float64]) -> bool:
    """Return whether scores fall from first to last, and are so many that this is no chance."""
    return bool((np.diff(row) <= 0).all()) and _orders(row) >= math.log(_CHANCE)


def _orders(row: NDArray[np.float64]) -> float:
    """Return the logarithm of the number of different orders of some values."""
    _, counts = np.unique(row, return_counts=True)
    return math.lgamma(len(row) + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())


def _all_equal(rows: NDArray[np.float64]) -> bool:
    """Return whether all rows are equal up to rounding."""
    profile = rows.mean(axis=0)
    tolerated = _PRECISION * np.abs(rows).max(axis=0)
    if len(profile) >= _ENOUGH:
        # The median ignores an outlier, next to which all other differences would be small.
        spread = float(np.median(np.abs(profile - np.median(profile))))
        tolerated = np.maximum(tolerated, TOLERANCE * spread)
    return bool((np.ptp(rows, axis=0) <= tolerated).all())


def _is_unrounded(scores: NDArray[np.float64], *, ranks: bool) -> bool:
    """Return whether scores have so many digits that two are not equal by chance; ranks in a list never have."""
    return not ranks and bool(
        (np.abs(scores - np.round(scores, _DIGITS)) > _PRECISION * np.abs(scores)).any()
    )


def _are_many(rows: NDArray[np.float64]) -> bool:
    """Return whether rounded scores or ranks have so many orders that equal rows are no chance."""
    return (len(rows) - 1) * _orders(rows[0]) >= math.log(_CHANCE)
