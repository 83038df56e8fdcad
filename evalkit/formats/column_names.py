"""Usual names of the columns of judgments, in every kind of file."""

from __future__ import annotations

JUDGED_QUERY = ("query-id", "query_id", "qid")
JUDGED_DOCUMENT = ("corpus-id", "corpus_id", "corpus-ids", "corpus_ids", "doc_id", "docid", "docno", "pid")
GRADE = ("score", "grade", "relevance", "label", "rel")
# In a table of texts, these may mean something else; in a file of judgments they do not.
QUERY_OF_JUDGMENTS = (*JUDGED_QUERY, "topic", "topic_id")
DOCUMENT_OF_JUDGMENTS = (*JUDGED_DOCUMENT, "document_id", "passage_id", "product_id")
GRADE_OF_JUDGMENTS = (*GRADE, "rating", "judgment", "judgement")


def column_name(text: str) -> str:
    """Return the name of a column as it is compared: ``Query-ID``, ``query id`` and ``query_id`` are one name."""
    return text.strip().lower().translate({ord(character): None for character in " -_"})


def compared(*names: str) -> frozenset[str]:
    """Return names as they are compared."""
    return frozenset(map(column_name, names))
