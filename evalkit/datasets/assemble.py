"""What every source does with what it read: join, restrict, sample, hash, count."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evalkit.config import DatasetSettings, SampleSettings
from evalkit.errors import DataFormatError, InputError
from evalkit.records import Corpus, Dataset, DatasetOrigin, Qrels, Query


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as its source holds it."""

    doc_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What a source read, before anything was done to it."""

    location: str
    split: str | None
    documents: Iterable[RawDocument]
    queries: Iterable[Query]
    qrels: Qrels


def assemble(settings: DatasetSettings, parts: Parts) -> Dataset:
    """Build the dataset: title and text joined, queries restricted to the judged ones, sampled.

    Raises
    ------
    DataFormatError
        If a judged query has no text, or no query is left.
    """
    corpus = _join(settings.template, parts.documents)
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
        "documents": len(corpus),
        "empty_documents": sum(not text.strip() for text in corpus.texts),
        "queries": len(queries),
        "answerable_queries": len(qrels.answerable),
        "unanswerable_queries": len(qrels.unanswerable),
        "unjudged_queries_left_out": len(asked) - len(judged),
        "judged_queries_not_sampled": len(judged) - len(chosen),
        "judgments": qrels.count(),
        "judgments_without_document": sum(d not in corpus for docs in qrels.grades.values() for d in docs),
    }
    origin = DatasetOrigin(
        source=settings.source,
        location=parts.location,
        language=settings.language,
        split=parts.split,
        template=settings.template,
        content_hash=_content_hash(corpus, queries, qrels),
        counts=counts,
        sample=settings.sample.model_dump() if settings.sample else None,
        exclude_same_id=settings.exclude_same_id,
    )
    return Dataset(settings.label, corpus, queries, qrels, origin)


def _join(template: str, documents: Iterable[RawDocument]) -> Corpus:
    """Join title and text by the template; a document without a title is its text alone."""
    fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    if not fields or not fields <= {"title", "text"}:
        raise InputError(
            f"the template {template!r} cannot be used", "use {title} and {text}, e.g. '{title}\\n{text}'"
        )
    ids: list[str] = []
    texts: list[str] = []
    for document in documents:
        ids.append(document.doc_id)
        titled = document.title and "title" in fields
        texts.append(template.format(title=document.title, text=document.text) if titled else document.text)
    if not ids:
        raise DataFormatError("the corpus holds no documents")
    return Corpus(tuple(ids), tuple(texts))


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


def _content_hash(corpus: Corpus, queries: tuple[Query, ...], qrels: Qrels) -> str:
    digest = hashlib.sha256()
    for part in (*zip(corpus.doc_ids, corpus.texts, strict=True), *((q.query_id, q.text) for q in queries)):
        for text in part:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    for query_id, docs in qrels.grades.items():
        digest.update(repr((query_id, sorted(docs.items()))).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
