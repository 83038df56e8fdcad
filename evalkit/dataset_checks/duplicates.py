"""Find documents with the same text, and duplicates whose judgments disagree or are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.dataset_checks.check_input import CheckInput, changed_means
from evalkit.dataset_checks.findings import DataFinding, first
from evalkit.dataset_checks.text_stats import TextStats
from evalkit.plurals import number_of
from evalkit.records import Qrels
from evalkit.text_analysis import normal_form


def equal_rows(texts: Sequence[str], text_stats: TextStats) -> list[NDArray[np.int64]]:
    """Return the rows of each text that occurs more than once, ignoring case and white space, without empty texts."""
    rows = np.flatnonzero(~text_stats.empty)
    fingerprints = text_stats.fingerprints[rows]
    order = np.argsort(fingerprints, kind="stable")
    starts = np.flatnonzero(np.diff(fingerprints[order], prepend=fingerprints[order][:1] + np.uint64(1)))
    groups = [_split_by_text(texts, rows[group]) for group in np.split(order, starts) if len(group) > 1]
    return sorted((group for found in groups for group in found), key=lambda group: int(group[0]))


def _split_by_text(texts: Sequence[str], rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return groups of rows with equal normalised texts: different texts may share a fingerprint."""
    by_text: dict[str, list[int]] = {}
    for row in rows.tolist():
        by_text.setdefault(normal_form(texts[row]), []).append(row)
    return [np.array(group) for group in by_text.values() if len(group) > 1]


def duplicates(data: CheckInput) -> Iterator[DataFinding]:
    """Find documents with the same text, and those whose judgments differ or are missing."""
    groups = equal_rows(data.dataset.corpus.texts, data.documents)
    if not groups:
        return
    named = [data.doc_ids(group) for group in groups]
    count = sum(map(len, named))
    yield DataFinding(
        data.name,
        "duplicate_documents",
        "note",
        f"{number_of(count, 'document')} contain only {number_of(len(named), 'different text')},"
        " ignoring case and white space",
        {"documents": count, "texts": len(named)},
        first(" = ".join(group) for group in named),
        f"{number_of(count - len(named), 'document takes', 'documents take')} a rank without new"
        " information and cost reranking time; their scores are tied",
        "keep one copy of each, with the judgments of all copies",
    )
    yield from inconsistent_judgments(data, named, "duplicate")


def inconsistent_judgments(data: CheckInput, groups: list[list[str]], kind: str) -> Iterator[DataFinding]:
    """Find duplicates of relevant documents that are unjudged, or have another grade.

    Parameters
    ----------
    data
        The dataset.
    groups
        Groups of duplicate documents.
    kind
        ``duplicate`` or ``near_duplicate``.
    """
    copies_of = {doc: group for group in groups for doc in group}
    unjudged, contradictions = _find_inconsistencies(data.qrels, copies_of)
    if not unjudged and not contradictions:
        return
    listed = sum(doc in docs for (query, doc) in unjudged for docs in [_candidates(data, query)])
    name = kind.replace("_", "-")
    yield DataFinding(
        data.name,
        f"unjudged_{kind}s",
        "warning" if unjudged else "note",
        f"{number_of(len(unjudged), name)} of relevant documents without judgment, {contradictions}"
        " with another grade",
        {
            "unjudged": len(unjudged),
            "contradictions": contradictions,
            "among_candidates": None if data.candidates is None else listed,
        },
        first(f"{query}: {doc}" for query, doc in unjudged),
        _effect(data, unjudged, listed),
        "give all copies the same grade, or keep one copy of each",
    )


def _candidates(data: CheckInput, query: str) -> tuple[str, ...]:
    return () if data.candidates is None else data.candidates.docs(query)


def _find_inconsistencies(
    qrels: Qrels, copies_of: dict[str, list[str]]
) -> tuple[dict[tuple[str, str], float], int]:
    """Return unjudged copies of relevant documents with their expected grade, and the number of contradictions.

    A contradiction is a pair of copies with different grades for one query.
    """
    unjudged: dict[tuple[str, str], float] = {}
    contradictions: set[tuple[str, frozenset[str]]] = set()
    for query, docs in qrels.grades.items():
        for doc, grade in docs.items():
            if grade <= 0 or doc not in copies_of:
                continue
            for copy in copies_of[doc]:
                if copy not in docs:
                    unjudged[query, copy] = max(grade, unjudged.get((query, copy), 0))
                elif docs[copy] != grade:
                    contradictions.add((query, frozenset((doc, copy))))
    return unjudged, len(contradictions)


def _effect(data: CheckInput, unjudged: dict[tuple[str, str], float], listed: int) -> str:
    if not unjudged:
        return "copies with different grades for one query: their order is random"
    unjudged_copy = "an unjudged copy counts as not relevant and pushes relevant documents down"
    if data.candidates is None:
        return unjudged_copy
    grades = {query: dict(docs) for query, docs in data.qrels.grades.items()}
    for (query, doc), grade in unjudged.items():
        grades[query][doc] = grade
    moved = changed_means(data.means(data.candidates), data.means(data.candidates, Qrels(grades)))
    moved = (
        f"with the same grade for all copies, the means of the first stage change: {moved}"
        if moved
        else "the means of the first stage do not change"
    )
    return f"{unjudged_copy}; {number_of(listed, 'is', 'are')} among the candidates; {moved}"
