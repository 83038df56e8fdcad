"""Records of a dataset: queries, documents, origin and content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.errors import DataFormatError
from evalkit.records.chosen_judgments import ChosenJudgments
from evalkit.records.judgments import JudgedBy
from evalkit.records.qrels import Qrels
from evalkit.records.rerank import instructed
from evalkit.records.runs import Run

Unjudged = Literal["unknown", "not_relevant"]
"""What an unjudged document is: of unknown relevance, or known not to be relevant."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes
    ----------
    fields
        Other columns of the query's row, as text; results can be grouped by them.
    instruction
        What else a relevant document must fulfil, in words; it is sent to rerankers and not to first stages. Empty
        for none.
    """

    query_id: str
    text: str
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)
    instruction: str = ""

    def row(self) -> dict[str, Any]:
        """Return the query as a row of BEIR's ``queries.jsonl``; a query without an instruction has no such key."""
        instruction = {"instruction": self.instruction} if self.instruction else {}
        return {"_id": self.query_id, "text": self.text, **instruction, "metadata": dict(self.fields)}

    @property
    def is_synthetic(self) -> bool:
        """Whether a model wrote the query, as its field ``synthetic`` says."""
        return self.fields.get("synthetic", "").strip().lower() == "true"

    @property
    def instructed_text(self) -> str:
        """The text with the instruction as one text; see `evalkit.records.rerank.instructed`."""
        return instructed(self.text, self.instruction)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The documents of a collection, as columns.

    Attributes
    ----------
    doc_ids
        ``(d,)`` unique identifiers.
    texts
        ``(d,)`` texts as retrievers and rerankers receive them (title and body joined): a tuple, or `PackedTexts` for
        a large corpus.
    known_hash
        The result of `content_hash`, if it was computed while the corpus was built.
    """

    doc_ids: tuple[str, ...]
    texts: Sequence[str]
    known_hash: str | None = None
    _row: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        row = {doc_id: index for index, doc_id in enumerate(self.doc_ids)}
        if len(row) != len(self.doc_ids):
            seen: set[str] = set()
            repeated = next(d for d in self.doc_ids if d in seen or seen.add(d))  # type: ignore[func-returns-value]
            raise DataFormatError(
                f"document {repeated!r} occurs twice in the corpus", "use a unique id for every document"
            )
        object.__setattr__(self, "_row", row)

    def __len__(self) -> int:
        return len(self.doc_ids)

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._row

    def text(self, doc_id: str) -> str:
        """Return the text of one document; raise KeyError if the corpus lacks it."""
        return self.texts[self._row[doc_id]]

    def content_hash(self) -> str:
        """Return the SHA-256 over ids and texts in order, a cache key for data derived from the corpus."""
        if self.known_hash is not None:
            return self.known_hash
        content = ContentHash()
        for doc_id, text in zip(self.doc_ids, self.texts, strict=True):
            content.add(doc_id, text)
        return content.hex()


@dataclass(frozen=True, slots=True)
class DatasetOrigin:
    """Where a dataset comes from and how it was processed: everything needed to load it again.

    Attributes
    ----------
    source
        The kind of source, e.g. ``beir_folder``.
    location
        Path or hub name.
    language
        Language of the texts, one of `evalkit.text_analysis.languages`.
    split
        Name of the qrels split; None if the source has no splits.
    template
        Template that joined title and text.
    content_hash
        SHA-256 over ids, texts, queries and judgments as loaded.
    counts
        Number of documents, queries and judgments, and of those left out.
    sample
        Settings of the query sample; None if all queries are used.
    exclude_same_id
        Whether a document whose id equals the query's is removed from the candidates.
    revision
        Revision of the source, e.g. a commit; None if it has none.
    licence
        Licence as the source states it; None if it states none.
    cluster_field
        Field whose equal values make queries one cluster; None if equal texts do.
    unjudged
        Whether unjudged documents may be relevant, as the configuration states.
    frequency_field, inclusion_field, stratum_field
        Fields with the frequency of a query in the log, the probability that the draw took it, and the stratum that it
        was drawn from; see `QuerySample`. None for none.
    judged_by
        Whose grades count; judgments whose file names no raters are taken as those of people.
    documents_sha256
        SHA-256 over ids and texts of the documents in order; None in results of earlier versions.
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
    cluster_field: str | None = None
    unjudged: Unjudged = "unknown"
    frequency_field: str | None = None
    inclusion_field: str | None = None
    stratum_field: str | None = None
    judged_by: JudgedBy = "human"
    documents_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named collection: documents, the queries of one split, and their judgments.

    Attributes
    ----------
    candidates
        The documents that the source lists for each query, as reranking datasets do; None if it lists none.
    excluded
        Query id -> documents that are never candidates of that query and are removed from compared runs, as the source
        states (e.g. BRIGHT); without the queries that have none.
    chosen
        Who gave the judgments; None where the configuration names none and the source names no raters.
    """

    name: str
    corpus: Corpus
    queries: tuple[Query, ...]
    qrels: Qrels
    origin: DatasetOrigin
    candidates: Run | None = None
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    chosen: ChosenJudgments | None = None


class ContentHash:
    """SHA-256 over ids and texts of documents in order; each string is hashed with its length."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, doc_id: str, text: str) -> tuple[bytes, bytes]:
        """Add one document to the hash; return its id and text as UTF-8."""
        name, data = doc_id.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")
        self._sha.update(b"".join((len(name).to_bytes(8, "big"), name, len(data).to_bytes(8, "big"), data)))
        return name, data

    def hex(self) -> str:
        """Return the hash as hexadecimal digits."""
        return self._sha.hexdigest()
