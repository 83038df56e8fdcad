"""Settings of an API without a dialect: where it keeps the parts of requests and replies."""

from __future__ import annotations

from pydantic import field_validator

from evalkit import registry
from evalkit.config import Settings
from evalkit.dialects import Dialect, Shape


class ShapeSettings(Settings):
    """Key names of an API without a dialect, for ``dialect: generic``. A path is keys joined with dots.

    The defaults are the names that most APIs use. An empty string means that the API has no such key.

    Attributes
    ----------
    model, query, documents
        Paths of these values in a request.
    document_key
        Key of the text of a document, if documents are objects.
    top_n, return_documents
        Paths of these options in a request.
    results
        Path of the list of results in a reply.
    index
        Key of the index of a result. If empty, the position in the list is the index.
    score
        Key of the score of a result. If empty, each result is a number, its score.
    text_numbers
        ``true``: the API may return an index or a score as a string.
    tokens, units, billed_bytes, cost_usd
        Paths of the billed amounts in a reply.
    key_header, key_prefix
        Header with the API key, and the text before the key.
    sorted
        ``true``: the API returns results best first.
    """

    model: str = "model"
    query: str = "query"
    documents: str = "documents"
    document_key: str = ""
    top_n: str = "top_n"
    return_documents: str = ""
    results: str = "results"
    index: str = "index"
    score: str = "relevance_score"
    text_numbers: bool = False
    tokens: str = "usage.total_tokens"
    units: str = ""
    billed_bytes: str = ""
    cost_usd: str = ""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    sorted: bool = True

    @field_validator("query", "documents")
    @classmethod
    def _named(cls, path: str) -> str:
        if not path:
            raise ValueError("must be the path of a key in the request")
        return path

    def dialect(self) -> Dialect:
        """Return the dialect that these settings describe."""
        shape = Shape(
            model=self.model or None,
            query=self.query,
            documents=self.documents,
            document_key=self.document_key or None,
            top_n=self.top_n or None,
            return_documents=self.return_documents or None,
            results=self.results,
            index=self.index or None,
            score=self.score or None,
            text_numbers=self.text_numbers,
            tokens=_paths(self.tokens),
            units=_paths(self.units),
            billed_bytes=_paths(self.billed_bytes),
            cost_usd=_paths(self.cost_usd),
        )
        generic = registry.lookup("dialect", "generic")
        return generic(shape, self.key_header, self.key_prefix, is_sorted=self.sorted)  # type: ignore[no-any-return]


def _paths(path: str) -> tuple[str, ...]:
    return (path,) if path else ()
