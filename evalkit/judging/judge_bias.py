"""Where a judge grades higher or lower than a reference: by grade, document length, query words and system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evalkit.judging.common_grades import CommonGrades, levels_of
from evalkit.records import Run
from evalkit.stats import FEWEST_CLUSTERS, clusters_at, mean_interval

Floats = NDArray[np.float64]
_LENGTH_GROUPS = 4
_OVERLAPS = (
    (0.0, "below a third"),
    (1 / 3, "a third to two thirds"),
    (2 / 3, "two thirds or more"),
    (1.0, "all"),
)
"""Least share of the query's terms in the document, and the name of the group."""


@dataclass(frozen=True, slots=True)
class BiasRow:
    """Mean difference, judge less reference, over a group of pairs.

    Attributes
    ----------
    by
        Property that groups the pairs: ``all``, ``grade of the reference``, ``document length``, ``query words`` or
        ``system``.
    group
        The group in words.
    pairs, queries
        Their numbers.
    mean
        Mean difference of grades over the pairs; None without pairs.
    lower, upper
        Bounds, robust to dependence of the documents of a query; None with fewer than `FEWEST_CLUSTERS` queries.
    confidence
        Level of the bounds.
    """

    by: str
    group: str
    pairs: int
    queries: int
    mean: float | None
    lower: float | None
    upper: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class PairTexts:
    """What is known of the texts of pairs.

    Attributes
    ----------
    lengths
        ``(n,)`` characters of the document; NaN where its text is not known.
    overlaps
        ``(n,)`` share of the query's distinct terms that the document has; NaN where it is not known.
    """

    lengths: Floats
    overlaps: Floats


def pair_texts(
    pairs: CommonGrades,
    queries: Mapping[str, str],
    documents: Callable[[str], str | None],
    terms: Callable[[str], Iterable[str]],
) -> PairTexts:
    """Return lengths and overlaps.

    Parameters
    ----------
    pairs
        The pairs.
    queries
        Query id -> text.
    documents
        Returns the text of a document; None if it is not known.
    terms
        Returns the terms of a text.
    """
    wanted = {query_id: frozenset(terms(queries.get(query_id, ""))) for query_id in set(pairs.query_ids)}
    lengths, overlaps = np.full(len(pairs.doc_ids), np.nan), np.full(len(pairs.doc_ids), np.nan)
    known: dict[str, tuple[int, frozenset[str]] | None] = {}
    for place, (query_id, doc_id) in enumerate(zip(pairs.query_ids, pairs.doc_ids, strict=True)):
        if doc_id not in known:
            text = documents(doc_id)
            known[doc_id] = None if text is None else (len(text), frozenset(terms(text)))
        found = known[doc_id]
        if found is None:
            continue
        lengths[place] = found[0]
        if wanted[query_id]:
            overlaps[place] = len(wanted[query_id] & found[1]) / len(wanted[query_id])
    return PairTexts(lengths, overlaps)


def bias_rows(
    pairs: CommonGrades,
    texts: PairTexts | None,
    runs: Sequence[Run],
    cutoff: int,
    confidence: float = 0.95,
) -> tuple[BiasRow, ...]:
    """Return the mean difference over all pairs, and over each group of pairs.

    Parameters
    ----------
    pairs
        The grades.
    texts
        Lengths and overlaps; None without texts.
    runs
        Systems; a pair belongs to each system that ranks it within the cutoff.
    cutoff
        Documents of a query that a system brings.
    confidence
        Two-sided confidence level.
    """
    return tuple(
        _row(pairs, by, group, chosen, confidence)
        for by, group, chosen in _groups(pairs, texts, runs, cutoff)
        if chosen.any()
    )


def _groups(
    pairs: CommonGrades, texts: PairTexts | None, runs: Sequence[Run], cutoff: int
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    yield "all", "all pairs", np.ones(len(pairs.doc_ids), dtype=np.bool_)
    levels = levels_of(pairs.reference)
    for level in np.unique(levels).tolist():
        yield "grade of the reference", f"{level:g}", levels == level
    if texts is not None:
        yield from _by_length(texts.lengths)
        lows = [low for low, _ in _OVERLAPS]
        place = np.searchsorted(lows, texts.overlaps, side="right") - 1
        for number, (_, name) in enumerate(_OVERLAPS):
            yield "query words", name, (place == number) & ~np.isnan(texts.overlaps)
    if runs:
        yield from _by_system(pairs, runs, cutoff)


def _by_length(lengths: Floats) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield groups of about equal size, by the quantiles of the length."""
    known = lengths[~np.isnan(lengths)]
    if not len(known):
        return
    inner = np.quantile(known, np.arange(1, _LENGTH_GROUPS) / _LENGTH_GROUPS, method="lower")
    edges = np.unique([known.min() - 1, *inner, known.max()])
    for low, high in pairwise(edges.tolist()):
        group = f"{low + 1:.0f} to {high:.0f} characters"
        yield "document length", group, (lengths > low) & (lengths <= high)


def _by_system(
    pairs: CommonGrades, runs: Sequence[Run], cutoff: int
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    named = list(zip(pairs.query_ids, pairs.doc_ids, strict=True))
    rest = np.ones(len(named), dtype=np.bool_)
    for run in runs:
        top = {query_id: frozenset(run.docs(query_id)[:cutoff]) for query_id in set(pairs.query_ids)}
        ranked = np.array([doc_id in top[query_id] for query_id, doc_id in named], dtype=np.bool_)
        rest &= ~ranked
        yield "system", run.tag, ranked
    yield "system", "none of them", rest


def _row(pairs: CommonGrades, by: str, group: str, chosen: NDArray[np.bool_], confidence: float) -> BiasRow:
    rows = np.flatnonzero(chosen)
    differences = (pairs.judge - pairs.reference)[rows]
    queries = len(np.unique(pairs.clusters[rows]))
    found = mean_interval(differences, confidence, clusters_at(pairs.clusters, rows))
    lower, upper = (found.lower, found.upper) if queries >= FEWEST_CLUSTERS else (None, None)
    return BiasRow(by, group, len(rows), queries, found.estimate, lower, upper, confidence)
