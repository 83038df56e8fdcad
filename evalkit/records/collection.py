"""Queries, documents and the collection that holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import DataFormatError
from evalkit.records.qrels import Qrels
from evalkit.records.runs import Run


@dataclass(frozen=True, slots=True)
class Query:
    """What a user typed.

    Attributes
    ----------
    fields
        What else the queries file says of it, as text: results can be looked at by any of them.
    """

    query_id: str
    text: str
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The documents of a collection, as columns.

    Attributes
    ----------
    doc_ids
        ``(d,)`` identifiers, each once.
    texts
        ``(d,)`` texts as retrievers and rerankers see them (title and body already joined): a tuple, or
        `PackedTexts` where they are too many to be held as objects.
    known_hash
        What `content_hash` returns, where whoever built the corpus took it on the way.
    """

    doc_ids: tuple[str, ...]
    texts: Sequence[str]
    known_hash: str | None = None
    _row: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        row = {doc_id: index for index, doc_id in enumerate(self.doc_ids)}
        if len(row) != len(self.doc_ids):
            seen: set[str] = set()
            twice = next(d for d in self.doc_ids if d in seen or seen.add(d))  # type: ignore[func-returns-value]
            raise DataFormatError(
                f"document {twice!r} occurs twice in the corpus", "give every document one id"
            )
        object.__setattr__(self, "_row", row)

    def __len__(self) -> int:
        return len(self.doc_ids)

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._row

    def text(self, doc_id: str) -> str:
        """Return the text of one document; KeyError where the corpus lacks it."""
        return self.texts[self._row[doc_id]]

    def content_hash(self) -> str:
        """Return SHA-256 over ids and texts, in order: what is derived from the corpus can be kept under it."""
        if self.known_hash is not None:
            return self.known_hash
        content = ContentHash()
        for doc_id, text in zip(self.doc_ids, self.texts, strict=True):
            content.add(doc_id, text)
        return content.hex()


@dataclass(frozen=True, slots=True)
class DatasetOrigin:
    """Where a dataset came from and what was done to it: everything a reader needs to get it again.

    Attributes
    ----------
    source
        The kind of source, e.g. ``beir_folder``.
    location
        Path or hub name.
    language
        Language of the texts, of those that BM25 knows (`evalkit.text_analysis.languages`).
    split
        Name of the qrels split, where the source has splits.
    template
        How title and text were joined.
    content_hash
        SHA-256 over ids, texts, queries and judgments as loaded.
    counts
        documents, queries, judgments, and what was left out.
    sample
        The seeded sample that was drawn, or None.
    exclude_same_id
        Whether a document whose id equals the query's is barred from the candidates.
    revision
        The state of the source, in its own terms; None where it has none.
    licence
        As far as the source states it; None where it does not.
    """

    source: str
    location: str
    language: str
    split: str | None
    template: str
    content_hash: str
    counts: Mapping[str, int]
    sample: Mapping[str, Any] | None
    exclude_same_id: bool
    revision: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A collection under a name: documents, the queries of one split, their judgments.

    Attributes
    ----------
    candidates
        The documents that the source itself lists for each query, as reranking sets do; None where it lists none.
    """

    name: str
    corpus: Corpus
    queries: tuple[Query, ...]
    qrels: Qrels
    origin: DatasetOrigin
    candidates: Run | None = None


class ContentHash:
    """SHA-256 over ids and texts of documents, in their order; how they are divided counts, too."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, doc_id: str, text: str) -> tuple[bytes, bytes]:
        """Take one document in; return its id and text as UTF-8."""
        name, data = doc_id.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")
        self._sha.update(b"".join((len(name).to_bytes(8, "big"), name, len(data).to_bytes(8, "big"), data)))
        return name, data

    def hex(self) -> str:
        """Return the hash."""
        return self._sha.hexdigest()
