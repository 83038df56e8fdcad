"""Find texts that are empty, nearly empty or damaged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.dataset_checks.check_input import CheckInput, best_possible_fall
from evalkit.dataset_checks.findings import DataFinding, Severity, first
from evalkit.dataset_checks.text_stats import Damage
from evalkit.plurals import number_of

NEARLY_EMPTY = 10
"""Documents with fewer characters, not counting white space, are reported as short."""

MANY = 0.01
"""From this share of damaged texts on, the finding is a warning."""

_DAMAGE = {
    Damage.REPLACED: (
        "replacement_characters",
        "replacement characters (U+FFFD) from a failed decoding",
        "the words that contain them match no query",
        "read the source again with the correct encoding",
    ),
    Damage.MOJIBAKE: (
        "mojibake",
        "UTF-8 text that was decoded as Latin-1 or Windows-1252",
        "words with accents match no query; quotes and dashes become separate tokens",
        "fix the texts, e.g. with ftfy; published results refer to the damaged texts",
    ),
    Damage.CONTROL: (
        "control_characters",
        "control characters or byte order marks",
        "some tokenizers split words at them, others do not",
        "remove them from the texts",
    ),
    Damage.MARKUP: (
        "markup",
        "HTML tags or entities",
        "names of tags and entities count as words and use up the input limit of models",
        "remove them, unless the texts are about HTML",
    ),
}


def empty_documents(data: CheckInput) -> Iterator[DataFinding]:
    """Find documents without any text."""
    empty = data.documents.empty
    ids = data.doc_ids(empty)
    if not ids:
        return
    lost = set(ids)
    relevant = data.relevant(lost)
    severity: Severity = "error" if empty.mean() > 0.5 else "warning" if relevant else "note"
    judged = sum(doc in lost for docs in data.qrels.grades.values() for doc in docs)
    effect = (
        "keyword retrievers cannot find them, and their reranker scores are meaningless; APIs such as Cohere, Voyage"
        " and Isaacus refuse a whole request that contains one; "
    )
    yield DataFinding(
        data.name,
        "empty_documents",
        severity,
        f"{number_of(len(ids), 'document')} of {len(empty)} without text",
        {"documents": len(ids), "judgments": judged, "relevant": relevant},
        first(ids),
        effect
        + (
            f"{number_of(relevant, 'relevant judgment refers', 'relevant judgments refer')} to them:"
            f" {best_possible_fall(data, lambda _, doc: doc not in lost)}"
            if relevant
            else "none of them is judged relevant"
        ),
        "add their texts, or remove them with their judgments; if there are many, check the column names",
    )


def empty_candidates(data: CheckInput) -> Iterator[DataFinding]:
    """Find empty documents among the candidates: some APIs refuse every request that contains one."""
    empty = set(data.doc_ids(data.documents.empty))
    if data.candidates is None or not empty:
        return
    lists = {
        query.query_id: empty.intersection(data.candidates.docs(query.query_id))
        for query in data.dataset.queries
    }
    queries = [query_id for query_id, found in lists.items() if found]
    documents = set().union(*lists.values())
    if not queries:
        return
    yield DataFinding(
        data.name,
        "empty_candidates",
        "warning",
        f"{number_of(len(queries), 'query', 'queries')} of {len(lists)} with an empty document among the candidates"
        f" ({number_of(len(documents), 'document')})",
        {"queries": len(queries), "documents": len(documents)},
        first(sorted(documents)),
        "APIs such as Cohere, Voyage and Isaacus refuse a whole request for one empty document: the query then has no"
        " scores of any document",
        "add the texts of these documents, or remove them from the corpus or the candidates",
    )


def short_documents(data: CheckInput) -> Iterator[DataFinding]:
    """Find documents with fewer than `NEARLY_EMPTY` characters."""
    short = (data.documents.content > 0) & (data.documents.content < NEARLY_EMPTY)
    ids = data.doc_ids(short)
    if not ids:
        return
    relevant = data.relevant(set(ids))
    yield DataFinding(
        data.name,
        "short_documents",
        "note",
        f"{number_of(len(ids), 'document')} of {len(short)} with fewer than {NEARLY_EMPTY} characters",
        {"documents": len(ids), "relevant": relevant},
        first(ids),
        "scores depend on one or two words;"
        f" {number_of(relevant, 'relevant judgment refers', 'relevant judgments refer')} to them",
        "inspect some of them; remove headings and fragments of tables",
    )


def damaged_texts(data: CheckInput) -> Iterator[DataFinding]:
    """Find texts with damaged characters or remains of markup."""
    for kind, (code, name, effect, remedy) in _DAMAGE.items():
        documents, queries = data.documents.damaged(kind), data.queries.damaged(kind)
        if not documents.any() and not queries.any():
            continue
        ids = data.doc_ids(documents)
        relevant = data.relevant(set(ids))
        much = max(_share(documents), _share(queries)) >= MANY
        yield DataFinding(
            data.name,
            code,
            "warning" if much else "note",
            f"{number_of(len(ids), 'document')} of {len(documents)} and"
            f" {number_of(int(queries.sum()), 'query', 'queries')} of {len(queries)} with {name}",
            {"documents": len(ids), "queries": int(queries.sum()), "relevant": relevant},
            first([*ids, *data.query_ids(queries)]),
            f"{effect}; {number_of(relevant, 'relevant judgment is', 'relevant judgments are')} about"
            " such a document",
            remedy,
        )


def _share(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    return float(mask.mean()) if len(mask) else 0.0
