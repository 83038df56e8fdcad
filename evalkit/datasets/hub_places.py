"""Settings of a hub dataset that say where each of its tables is, and in which columns."""

from __future__ import annotations

from evalkit.config import Settings
from evalkit.datasets.columns import DocumentColumns, JudgmentColumns, QueryColumns


class Place(Settings):
    """Location of a table in the repository (default: common names).

    Attributes
    ----------
    config, split
        Of the table, as the hub has it.
    """

    config: str | None = None
    split: str | None = None


class CorpusPlace(Place, DocumentColumns):
    """Where the documents are, and in which columns."""


class QueryPlace(Place, QueryColumns):
    """Where the queries are, and in which columns."""


class JudgmentPlace(Place, JudgmentColumns):
    """Where the judgments are, and in which columns."""


class CandidatePlace(Place):
    """Where the candidates of each query are listed, and in which columns.

    Attributes
    ----------
    query, documents
        The columns of ids; those of documents in a list, or one a row.
    ordered
        ``true``: the documents of a query are listed best first, as in the ``bm25`` table of NanoBEIR, and keep this
        order. By default their order is random, because many tables list relevant documents first.
    """

    query: str | None = None
    documents: str | None = None
    ordered: bool = False
