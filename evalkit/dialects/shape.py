"""The key names of a wire format: most dialects are little more than these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """The key names of a rerank API. A path is keys joined with dots; the empty path is the body itself.

    Attributes
    ----------
    model, query, documents
        Paths in a request; the model is None if the body does not name it.
    document_key
        Key of a document's text if documents are objects; None if they are strings.
    document_id_key
        Key of a document's index in a request; None if documents have no index.
    objects
        Whether documents may be objects with ``text`` as well as strings.
    top_n, return_documents
        Paths of request options; None if the API does not have the option.
    echoes
        Whether documents are returned by default.
    return_inverted
        Whether the option is true to *omit* documents.
    results
        Path of the list in a reply.
    index
        Key of a result's index; None if the position is the index.
    score
        Key of a result's score; None if a result is its score.
    text_numbers
        Whether the API may write an index or a score as text.
    echo, echo_key
        Key of a returned document, and of its text; `echo_key` is None if the document is a string.
    tokens, units, billed_bytes, cost_usd
        Paths in a reply at which the API reports what it billed; the first with a number counts.
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
    """Return the value at a path; None if there is none."""
    for key in path.split(".") if path else ():
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path, and create the objects that lead to it."""
    *outer, last = path.split(".")
    for key in outer:
        body = body.setdefault(key, {})
    body[last] = value
