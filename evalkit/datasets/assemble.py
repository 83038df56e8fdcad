"""Build a `Dataset` from the data of any source: join texts, select judged queries, sample, hash, count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from evalkit.config import DatasetSettings, SampleSettings
from evalkit.datasets.corpora import RawDocument, Stamp, build_corpus
from evalkit.datasets.judgment_sources import as_qrels, chosen_judgments
from evalkit.errors import DataFormatError, InputError
from evalkit.records import (
    Corpus,
    Dataset,
    DatasetOrigin,
    JudgedBy,
    Qrels,
    Query,
    QuerySample,
    RatersOfPairs,
    Run,
    plain_grade,
)
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
    failures
        Pairs that a rater failed to grade, in a file of judgments by raters; they are unjudged.
    raters
        Who gave the judgments, as far as their file names raters; others are taken as people.
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
    failures: int = 0
    raters: RatersOfPairs = field(default_factory=dict)


def assemble(settings: DatasetSettings, parts: Parts) -> Dataset:
    """Build a dataset: join title and text, keep the judged queries, and sample them.

    Raises
    ------
    InputError
        If the template is invalid, or no query has a field that the settings name.
    DataFormatError
        If a judged query has no text, unless the settings leave it out, a query id or a document id occurs twice, a
        document is both relevant and excluded for a query, there are no documents, or all of them are empty, or a query
        lacks its frequency, or its inclusion probability, that the settings name.
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
    # Queries may be judged later: with files of judgments, all queries are used.
    used = tuple(one for one in queries_by_id if settings.judgments or one in all_qrels.grades)
    sampled = _sample(used, settings.sample)
    qrels, chosen = all_qrels.restricted_to(sampled), None
    queries = tuple(queries_by_id[query_id] for query_id in sampled)
    if settings.judgments or parts.raters:
        chosen = chosen_judgments(qrels, settings.judgments, built.corpus, queries, parts.raters)
        qrels = as_qrels(qrels, chosen)
    excluded = {query_id: docs for query_id in sampled if (docs := all_excluded.get(query_id))}
    _check_exclusions(parts.location, qrels, excluded)
    counts = {
        "documents": len(built.corpus),
        "empty_documents": built.empty,
        "queries": len(queries),
        "answerable_queries": len(qrels.answerable),
        "unanswerable_queries": len(qrels.unanswerable),
        "unjudged_queries_left_out": len(queries_by_id) - len(used),
        "judged_queries_not_sampled": len(used) - len(sampled),
        "judgments": qrels.count(),
        "judgments_without_document": _count_without_document(built.corpus, qrels),
        **_occasional_counts(parts, queries, qrels, excluded, len(without_text)),
    }
    judged_by = chosen.judged_by if chosen else "human"
    origin = _origin(settings, parts, counts, built.corpus, queries, judged_by)
    origin = replace(origin, content_hash=_content_hash(origin.documents_sha256, queries, qrels, excluded))
    QuerySample.of_queries({query.query_id: query for query in queries}, origin)  # an error names the query
    return Dataset(settings.label, built.corpus, queries, qrels, origin, parts.candidates, excluded, chosen)


def _origin(
    settings: DatasetSettings,
    parts: Parts,
    counts: Mapping[str, int],
    corpus: Corpus,
    queries: tuple[Query, ...],
    judged_by: JudgedBy,
) -> DatasetOrigin:
    """Return where a dataset comes from, with the fields that the settings name, and without the hash."""
    return DatasetOrigin(
        source=settings.source,
        location=parts.location,
        language=settings.language,
        split=parts.split,
        template=settings.template,
        content_hash="",
        counts=counts,
        sample=settings.sample.model_dump() if settings.sample else None,
        exclude_same_id=_same_id_means_same_text(corpus, queries)
        if settings.exclude_same_id is None
        else settings.exclude_same_id,
        revision=parts.revision,
        licence=parts.licence,
        cluster_field=_known_field("cluster_field", settings, queries),
        unjudged=settings.unjudged,
        frequency_field=_known_field("frequency_field", settings, queries),
        inclusion_field=_known_field("inclusion_field", settings, queries),
        stratum_field=_known_field("stratum_field", settings, queries),
        judged_by=judged_by,
        documents_sha256=corpus.content_hash(),
    )


def _occasional_counts(
    parts: Parts,
    queries: tuple[Query, ...],
    qrels: Qrels,
    excluded: Mapping[str, frozenset[str]],
    without_text: int,
) -> dict[str, int]:
    """Return the counts that most datasets do not have, where they are not 0."""
    counts = {
        "queries_with_instruction": sum(bool(query.instruction) for query in queries),
        "judgments_without_grade": qrels.count() if parts.ungraded else 0,
        "failed_judgments": parts.failures,
        "judged_queries_without_text": without_text,
        "excluded_documents": sum(map(len, excluded.values())),
        "synthetic_queries": sum(query.is_synthetic for query in queries),
        "unjudged_queries": len(queries) - len(qrels.grades),
    }
    return {name: count for name, count in counts.items() if count}


def _split_exclusions(parts: Parts) -> tuple[Qrels, dict[str, frozenset[str]]]:
    """Return the judgments without those of grade -100, and query id -> excluded documents.

    Raises
    ------
    DataFormatError
        See `_check_exclusions`.
    """
    qrels, marked = parts.qrels.without_excluded()
    none: frozenset[str] = frozenset()
    excluded = {q: parts.excluded.get(q, none) | marked.get(q, none) for q in [*parts.excluded, *marked]}
    _check_exclusions(parts.location, qrels, excluded)
    return qrels, excluded


def _check_exclusions(location: str, qrels: Qrels, excluded: Mapping[str, frozenset[str]]) -> None:
    """Raise DataFormatError if an excluded document is relevant: no system could find it."""
    for query_id, doc_ids in excluded.items():
        judged = qrels.of(query_id)
        relevant = [doc_id for doc_id in sorted(doc_ids) if judged.get(doc_id, 0) > 0]
        if relevant:
            raise DataFormatError(
                f"{location}: document {relevant[0]!r} is both relevant and excluded for query {query_id!r}",
                "remove it from the excluded documents or from the judgments of the query",
            )


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


def _known_field(key: str, settings: DatasetSettings, queries: tuple[Query, ...]) -> str | None:
    """Return the field of the queries that a key of the settings names; None for none.

    Raises
    ------
    InputError
        If no query has it.
    """
    name: str | None = getattr(settings, key)
    fields = sorted({field for query in queries for field in query.fields})
    if name is not None and name not in fields:
        known = f"use one of: {', '.join(fields)}" if fields else "the queries have only id and text"
        raise InputError(f"no query of {settings.label} has the {key.replace('_', ' ')} {name!r}", known)
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


def _graded(docs: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return documents with their grades in order; a whole grade has one form."""
    return [(doc_id, plain_grade(docs[doc_id])) for doc_id in sorted(docs)]


def _content_hash(
    documents_sha256: str | None,
    queries: tuple[Query, ...],
    qrels: Qrels,
    excluded: Mapping[str, frozenset[str]],
) -> str:
    """Return the hash of a dataset; the corpus contributes its own hash, so that its texts need not be read again.

    Instructions, subtopics and exclusions are hashed where there are any: the hash of a dataset without them is that
    of earlier versions.
    """
    digest = hashlib.sha256((documents_sha256 or "").encode())
    for query in queries:
        for text in (query.query_id, query.text, *([query.instruction] if query.instruction else [])):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    for query_id, docs in qrels.grades.items():
        _add_value(digest, (query_id, _graded(docs)))
    for query_id, subtopics in qrels.subtopics.items():
        _add_value(digest, ("subtopics", query_id, sorted((s, _graded(d)) for s, d in subtopics.items())))
    for query_id, doc_ids in excluded.items():
        _add_value(digest, ("excluded", query_id, sorted(doc_ids)))
    return digest.hexdigest()


def _add_value(digest: hashlib._Hash, value: object) -> None:
    digest.update(repr(value).encode("utf-8", "surrogatepass"))
