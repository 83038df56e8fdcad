"""Build a `Dataset` from the data of any source: join texts, select judged queries, sample, hash, count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from evalkit.config import DatasetSettings, SampleSettings
from evalkit.datasets.corpora import RawDocument, Stamp, build_corpus
from evalkit.errors import DataFormatError, InputError
from evalkit.records import Corpus, Dataset, DatasetOrigin, Qrels, Query, Run
from evalkit.text_analysis import normal_form


@dataclass(frozen=True, slots=True)
class Parts:
    """The data of a dataset as its source returns it, before any processing.

    Attributes
    ----------
    location
        Path or hub name.
    split
        Name of the split of the judgments; None if the source has no splits.
    documents, queries
        Iterables that may read from disk while they are consumed.
    qrels
        Judgments of the split.
    candidates
        The documents that the source lists for each query; None if it lists none.
    excluded
        Query id -> documents that the source excludes for the query; see `Dataset`. `assemble` adds those with the
        grade -100.
    ungraded
        Whether the source has no grades, so that every judgment means relevant.
    stamp
        Identifies the state of the documents, so that the corpus can be cached; None to keep it in memory.
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
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ungraded: bool = False


def assemble(settings: DatasetSettings, parts: Parts) -> Dataset:
    """Build a dataset: join title and text, keep the judged queries, and sample them.

    Raises
    ------
    InputError
        If the template is invalid, or no query has the cluster field.
    DataFormatError
        If a judged query has no text, unless the settings leave it out, a query id or a document id occurs twice, a
        document is both relevant and excluded for a query, there are no documents, or all of them are empty.
    """
    built = build_corpus(parts.documents, settings.template, parts.stamp, settings.label)
    if built.empty == len(built.corpus):
        raise DataFormatError(
            f"{parts.location}: all {built.empty} documents are empty",
            "choose the column with the texts of documents",
        )
    queries_by_id = _by_id(parts.queries)
    all_qrels, all_excluded = _split_exclusions(parts)
    without_text = _without_text(settings, parts, queries_by_id)
    judged = tuple(query_id for query_id in queries_by_id if query_id in all_qrels.grades)
    sampled = _sample(judged, settings.sample)
    qrels = all_qrels.restricted_to(sampled)
    queries = tuple(queries_by_id[query_id] for query_id in sampled)
    excluded = {query_id: docs for query_id in sampled if (docs := all_excluded.get(query_id))}
    counts = {
        "documents": len(built.corpus),
        "empty_documents": built.empty,
        "queries": len(queries),
        "answerable_queries": len(qrels.answerable),
        "unanswerable_queries": len(qrels.unanswerable),
        "unjudged_queries_left_out": len(queries_by_id) - len(judged),
        "judged_queries_not_sampled": len(judged) - len(sampled),
        "judgments": qrels.count(),
        "judgments_without_document": _count_without_document(built.corpus, qrels),
    }
    occasional = {
        "queries_with_instruction": sum(bool(query.instruction) for query in queries),
        "judgments_without_grade": qrels.count() if parts.ungraded else 0,
        "judged_queries_without_text": len(without_text),
        "excluded_documents": sum(map(len, excluded.values())),
    }
    counts |= {name: count for name, count in occasional.items() if count}
    origin = DatasetOrigin(
        source=settings.source,
        location=parts.location,
        language=settings.language,
        split=parts.split,
        template=settings.template,
        content_hash=_content_hash(built.corpus, queries, qrels, excluded),
        counts=counts,
        sample=settings.sample.model_dump() if settings.sample else None,
        exclude_same_id=_same_id_means_same_text(built.corpus, queries)
        if settings.exclude_same_id is None
        else settings.exclude_same_id,
        revision=parts.revision,
        licence=parts.licence,
        cluster_field=_known_field(settings, queries),
        unjudged=settings.unjudged,
    )
    return Dataset(settings.label, built.corpus, queries, qrels, origin, parts.candidates, excluded)


def _split_exclusions(parts: Parts) -> tuple[Qrels, dict[str, frozenset[str]]]:
    """Return the judgments without those of grade -100, and query id -> excluded documents.

    Raises
    ------
    DataFormatError
        If an excluded document is relevant: no system could find it.
    """
    qrels, marked = parts.qrels.without_excluded()
    none: frozenset[str] = frozenset()
    excluded = {q: parts.excluded.get(q, none) | marked.get(q, none) for q in [*parts.excluded, *marked]}
    for query_id, doc_ids in excluded.items():
        judged = qrels.of(query_id)
        relevant = [doc_id for doc_id in sorted(doc_ids) if judged.get(doc_id, 0) > 0]
        if relevant:
            raise DataFormatError(
                f"{parts.location}: document {relevant[0]!r} is both relevant and excluded for query {query_id!r}",
                "remove it from the excluded documents or from the judgments of the query",
            )
    return qrels, excluded


def _without_text(settings: DatasetSettings, parts: Parts, queries_by_id: Mapping[str, Query]) -> list[str]:
    """Return the judged queries that have no text and are left out.

    Raises
    ------
    DataFormatError
        If there are any and the settings refuse them, or if no judged query has a text.
    """
    judged = parts.qrels.grades
    without = [query_id for query_id in judged if query_id not in queries_by_id]
    found = f"{parts.location}: {len(without)} of {len(judged)} judged queries have no text"
    if without and len(without) == len(judged):
        raise DataFormatError(
            f"{found} (first: {without[0]!r})", "use the same query ids in judgments and queries"
        )
    if without and settings.judged_queries_without_text == "refuse":
        raise DataFormatError(
            f"{found} (first: {without[0]!r})",
            "use the same query ids in judgments and queries, or set judged_queries_without_text: leave_out to"
            " evaluate the other queries only",
        )
    return without


def _known_field(settings: DatasetSettings, queries: tuple[Query, ...]) -> str | None:
    name = settings.cluster_field
    fields = sorted({field for query in queries for field in query.fields})
    if name is not None and name not in fields:
        known = f"use one of: {', '.join(fields)}" if fields else "the queries have only id and text"
        raise InputError(f"no query of {settings.label} has the cluster field {name!r}", known)
    return name


def _same_id_means_same_text(corpus: Corpus, queries: tuple[Query, ...]) -> bool:
    """Return whether most documents that have the id of a query contain the text of that query."""
    shared = [query for query in queries if query.query_id in corpus]
    same = sum(normal_form(query.text) in normal_form(corpus.text(query.query_id)) for query in shared)
    return 2 * same > len(shared)


def _by_id(queries: Iterable[Query]) -> dict[str, Query]:
    by_id: dict[str, Query] = {}
    for query in queries:
        if by_id.setdefault(query.query_id, query) is not query:
            raise DataFormatError(f"query {query.query_id!r} occurs twice", "use a unique id for every query")
    return by_id


def _sample(query_ids: tuple[str, ...], sample: SampleSettings | None) -> tuple[str, ...]:
    """Return a seeded sample without replacement, in the order of the file."""
    if sample is None or sample.queries >= len(query_ids):
        return query_ids
    rng = np.random.default_rng(sample.seed)
    rows = np.sort(rng.choice(len(query_ids), size=sample.queries, replace=False))
    return tuple(query_ids[row] for row in rows)


def _count_without_document(corpus: Corpus, qrels: Qrels) -> int:
    return sum(doc_id not in corpus for docs in qrels.grades.values() for doc_id in docs)


def _content_hash(
    corpus: Corpus, queries: tuple[Query, ...], qrels: Qrels, excluded: Mapping[str, frozenset[str]]
) -> str:
    """Return the hash of a dataset; the corpus contributes its own hash, so that its texts need not be read again.

    Instructions, subtopics and exclusions are hashed where there are any: the hash of a dataset without them is that
    of earlier versions.
    """
    digest = hashlib.sha256(corpus.content_hash().encode())
    for query in queries:
        for text in (query.query_id, query.text, *([query.instruction] if query.instruction else [])):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    for query_id, docs in qrels.grades.items():
        _add_value(digest, (query_id, sorted(docs.items())))
    for query_id, subtopics in qrels.subtopics.items():
        _add_value(
            digest, ("subtopics", query_id, sorted((s, sorted(d.items())) for s, d in subtopics.items()))
        )
    for query_id, doc_ids in excluded.items():
        _add_value(digest, ("excluded", query_id, sorted(doc_ids)))
    return digest.hexdigest()


def _add_value(digest: hashlib._Hash, value: object) -> None:
    digest.update(repr(value).encode("utf-8", "surrogatepass"))
