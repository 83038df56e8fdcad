"""Find queries of the train split, and queries that occur verbatim in a document."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding, first
from evalkit.dataset_checks.shingles import chunks, pieces
from evalkit.plurals import number_of
from evalkit.progress import progress_bar
from evalkit.text_analysis import normal_form

WORDS = 5
"""Shorter queries, in pieces, are not searched for: they may occur in a document by chance."""


def trained_on(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries that are also in the train split."""
    if not data.train:
        return
    known = {normal_form(query.text) for query in data.train}
    leaked = [query.query_id for query in data.dataset.queries if normal_form(query.text) in known]
    total = len(data.dataset.queries)
    if leaked:
        yield DataFinding(
            data.name,
            "train_queries",
            "warning",
            f"{number_of(len(leaked), 'query', 'queries')} of {total} also in the train split",
            {"queries": len(leaked), "asked": total, "train_queries": len(data.train)},
            first(leaked),
            "a model trained on that split has seen them, perhaps with their answers, so its values"
            " on them do not generalise",
            "remove them, or compare results with and without them",
        )


def verbatim_queries(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries that occur verbatim in a document."""
    query_pieces = {query.query_id: pieces(query.text) for query in data.dataset.queries}
    query_pieces = {query: words for query, words in query_pieces.items() if len(words) >= WORDS}
    found = _documents_containing(data, query_pieces)
    if not found:
        return
    relevant = sum(data.qrels.of(query).get(doc, 0) > 0 for query, doc in found.items())
    yield DataFinding(
        data.name,
        "verbatim_queries",
        "warning" if len(found) > len(query_pieces) / 10 else "note",
        f"{number_of(len(found), 'query occurs', 'queries occur')} verbatim in a document, of"
        f" {len(query_pieces)} with at least {WORDS} words",
        {"queries": len(found), "looked_for": len(query_pieces), "in_a_relevant_document": relevant},
        first(f"{query} in {doc}" for query, doc in found.items()),
        f"keyword matching alone finds these documents; for {relevant} of these queries the document"
        " is relevant",
        "compare results with and without them",
    )


def _documents_containing(data: CheckInput, query_pieces: dict[str, list[str]]) -> dict[str, str]:
    """Return query id -> a document that contains the query verbatim, a relevant one if there is one."""
    corpus = data.dataset.corpus
    by_end = _by_last_words(query_pieces)
    keys = np.array(sorted(by_end), dtype=np.uint64)
    found: dict[str, str] = {}
    rows = progress_bar(range(len(corpus)), desc=f"{data.name}: queries in documents", unit="text", delay=2)
    for chunk in chunks(corpus.texts, rows):
        hashes, owner = chunk.windows(WORDS)
        hit = np.isin(hashes, keys)
        for row, key in sorted(set(zip(owner[hit].tolist(), hashes[hit].tolist(), strict=True))):
            doc = corpus.doc_ids[row]
            candidates = [q for q in by_end[key] if q not in found or data.qrels.of(q).get(doc, 0) > 0]
            text = f" {' '.join(pieces(corpus.texts[row]))} " if candidates else ""
            found |= {query: doc for query in candidates if f" {' '.join(query_pieces[query])} " in text}
    return found


def _by_last_words(query_pieces: dict[str, list[str]]) -> dict[int, list[str]]:
    """Return hash of the last `WORDS` pieces -> query ids. First words would collide: many queries start alike."""
    ids, ends = list(query_pieces), [" ".join(words[-WORDS:]) for words in query_pieces.values()]
    by_end: dict[int, list[str]] = {}
    for chunk in chunks(ends, range(len(ends))):
        for key, row in zip(*(column.tolist() for column in chunk.windows(WORDS)), strict=True):
            by_end.setdefault(key, []).append(ids[row])
    return by_end
