"""What is done with what any source read: join, restrict, sample, hash, count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evalkit.config import DatasetSettings, SampleSettings
from evalkit.datasets.corpora import RawDocument, Stamp, collect
from evalkit.errors import DataFormatError
from evalkit.records import Corpus, Dataset, DatasetOrigin, Qrels, Query, Run
from evalkit.text_analysis import normal_form


@dataclass(frozen=True, slots=True)
class Parts:
    """What a source read, before anything was done to it.

    Attributes
    ----------
    location
        Path or hub name.
    split
        Name of the judgments' split, where the source has splits.
    documents, queries
        Read while they are walked through.
    qrels
        The judgments of the split.
    candidates
        The documents that the source lists for each query, where it does.
    stamp
        Of the documents; None where they are in memory anyway.
    revision, licence
        See `DatasetOrigin`.
    """

    location: str
    split: str | None
    documents: Iterable[RawDocument]
    queries: Iterable[Query]
    qrels: Qrels
    candidates: Run | None = None
    stamp: Stamp | None = None
    revision: str | None = None
    licence: str | None = None


def assemble(settings: DatasetSettings, parts: Parts) -> Dataset:
    """Build the dataset: title and text joined, queries restricted to the judged ones, sampled.

    Raises
    ------
    DataFormatError
        If a judged query has no text, or no query is left.
    """
    collected = collect(parts.documents, settings.template, parts.stamp, settings.label)
    asked = _unique(parts.queries)
    unknown = [query_id for query_id in parts.qrels.grades if query_id not in asked]
    if unknown:
        raise DataFormatError(
            f"{parts.location}: {len(unknown)} judged queries have no text, the first is {unknown[0]!r}",
            "give the judgments and the queries the same ids",
        )
    judged = tuple(query_id for query_id in asked if query_id in parts.qrels.grades)
    chosen = _draw(judged, settings.sample)
    qrels = parts.qrels.restricted_to(chosen)
    queries = tuple(asked[query_id] for query_id in chosen)
    counts = {
        "documents": len(collected.corpus),
        "empty_documents": collected.empty,
        "queries": len(queries),
        "answerable_queries": len(qrels.answerable),
        "unanswerable_queries": len(qrels.unanswerable),
        "unjudged_queries_left_out": len(asked) - len(judged),
        "judged_queries_not_sampled": len(judged) - len(chosen),
        "judgments": qrels.count(),
        "judgments_without_document": _without_document(collected.corpus, qrels),
    }
    origin = DatasetOrigin(
        source=settings.source,
        location=parts.location,
        language=settings.language,
        split=parts.split,
        template=settings.template,
        content_hash=_content_hash(collected.corpus, queries, qrels),
        counts=counts,
        sample=settings.sample.model_dump() if settings.sample else None,
        exclude_same_id=_find_themselves(collected.corpus, queries)
        if settings.exclude_same_id is None
        else settings.exclude_same_id,
        revision=parts.revision,
        licence=parts.licence,
    )
    return Dataset(settings.label, collected.corpus, queries, qrels, origin, parts.candidates)


def _find_themselves(corpus: Corpus, queries: tuple[Query, ...]) -> bool:
    """Return whether documents with the id of a query are that query, mostly, and not merely numbered alike."""
    alike = [query for query in queries if query.query_id in corpus]
    same = sum(normal_form(query.text) in normal_form(corpus.text(query.query_id)) for query in alike)
    return 2 * same > len(alike)


def _unique(queries: Iterable[Query]) -> dict[str, Query]:
    held: dict[str, Query] = {}
    for query in queries:
        if held.setdefault(query.query_id, query) is not query:
            raise DataFormatError(f"query {query.query_id!r} occurs twice", "give every query one id")
    return held


def _draw(query_ids: tuple[str, ...], sample: SampleSettings | None) -> tuple[str, ...]:
    """Draw a seeded sample without replacement, kept in the order of the file."""
    if sample is None or sample.queries >= len(query_ids):
        return query_ids
    rng = np.random.default_rng(sample.seed)
    rows = np.sort(rng.choice(len(query_ids), size=sample.queries, replace=False))
    return tuple(query_ids[row] for row in rows)


def _without_document(corpus: Corpus, qrels: Qrels) -> int:
    return sum(doc_id not in corpus for docs in qrels.grades.values() for doc_id in docs)


def _content_hash(corpus: Corpus, queries: tuple[Query, ...], qrels: Qrels) -> str:
    """Hash the corpus by its own hash, so that a mapped one is not walked through again."""
    digest = hashlib.sha256(corpus.content_hash().encode())
    for query in queries:
        for text in (query.query_id, query.text):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    for query_id, docs in qrels.grades.items():
        digest.update(repr((query_id, sorted(docs.items()))).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
