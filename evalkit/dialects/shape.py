"""Where a wire format keeps its parts: the data that most dialects consist of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """Names of a rerank API's keys. A path is keys joined with dots; the empty one is the body itself.

    Attributes
    ----------
    model, query, documents
        Where a request holds them; None where the body names no model.
    document_key
        Key of a document's text where documents are objects; None where they are strings.
    document_id_key
        Key under which each document carries its index; None where it carries none.
    objects
        Whether documents may be objects with ``text`` as well as strings.
    top_n, return_documents
        Options of a request; None where the API has none.
    echoes
        Whether documents come back where the request does not say.
    return_inverted
        Whether the option says *not* to return documents.
    results
        Where a reply holds its list.
    index
        Key of a result's index; None where the position is the index.
    score
        Key of a result's score; None where a result is its score.
    text_numbers
        Whether the API may write an index or a score as text.
    echo, echo_key
        Key of an echoed document, and of the text in it where it is an object.
    tokens, units, billed_bytes, cost_usd
        Paths in a reply where the API reports what it billed; the first that holds a number counts.
    """

    model: str | None = "model"
    query: str = "query"
    documents: str = "documents"
    document_key: str | None = None
    document_id_key: str | None = None
    objects: bool = False
    top_n: str | None = "top_n"
    return_documents: str | None = "return_documents"
    echoes: bool = False
    return_inverted: bool = False
    results: str = "results"
    index: str | None = "index"
    score: str | None = "relevance_score"
    text_numbers: bool = False
    echo: str | None = "document"
    echo_key: str | None = "text"
    tokens: tuple[str, ...] = ("usage.total_tokens",)
    units: tuple[str, ...] = ()
    billed_bytes: tuple[str, ...] = ()
    cost_usd: tuple[str, ...] = ()

    def request_keys(self) -> frozenset[str]:
        """Return the top-level keys of a request that the dialect fills itself."""
        paths = (self.model, self.query, self.documents, self.top_n, self.return_documents)
        return frozenset(path.partition(".")[0] for path in paths if path)


def dig(body: Any, path: str) -> Any:
    """Return what stands at a path; None where nothing does."""
    for key in path.split(".") if path else ():
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at a path, making the objects on the way."""
    *way, last = path.split(".")
    for key in way:
        body = body.setdefault(key, {})
    body[last] = value
