"""Reading requests, for the server: every key checked, null counted as absent."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.shape import Shape, dig
from evalkit.dialects.wire import ANY_MODEL, WireError, WireRequest


def read_request(body: Any, shape: Shape, max_documents: int | None, status: int) -> WireRequest:
    """Read a request of a given shape; unknown keys are ignored.

    Parameters
    ----------
    body
        Parsed JSON.
    shape
        Where its parts stand.
    max_documents
        Most documents the API takes; None for no limit.
    status
        HTTP status of a refusal.

    Raises
    ------
    WireError
        If the API would refuse it.
    """
    if not isinstance(body, dict):
        raise WireError(status, "invalid_request", "the body must be a JSON object")
    asked = _Asked(body, status)
    documents = asked.required(shape.documents)
    if not isinstance(documents, list) or not documents:
        raise asked.invalid(shape.documents, "must be a list of at least one document")
    if max_documents is not None and len(documents) > max_documents:
        raise asked.invalid(
            shape.documents, f"holds {len(documents)} documents; at most {max_documents} are allowed"
        )
    returned = asked.flag(shape.return_documents)
    if returned is None:
        returned = shape.echoes != shape.return_inverted
    return WireRequest(
        model=asked.text(shape.model) if shape.model else ANY_MODEL,
        query=asked.text(shape.query),
        documents=tuple(asked.document(shape, i, value) for i, value in enumerate(documents)),
        top_n=asked.top_n(shape.top_n),
        return_documents=returned != shape.return_inverted,
    )


class _Asked:
    """The body of a request, with the refusals it may earn."""

    def __init__(self, body: dict[str, Any], status: int) -> None:
        self._body = body
        self._status = status

    def invalid(self, path: str, what: str) -> WireError:
        """Return a refusal that names the key."""
        return WireError(self._status, "invalid_parameter", f"'{path}' {what}", path)

    def value(self, path: str | None) -> Any:
        """Return what stands at a path; None where nothing does, or there is no such option."""
        if path is None:
            return None
        outer = path.rpartition(".")[0]
        if outer and not isinstance(dig(self._body, outer), dict | None):
            raise self.invalid(outer, "must be an object")
        return dig(self._body, path)

    def required(self, path: str) -> Any:
        """Return what must be there."""
        value = self.value(path)
        if value is None:
            raise WireError(self._status, "missing_parameter", f"'{path}' is required", path)
        return value

    def text(self, path: str) -> str:
        """Return a required string."""
        value = self.required(path)
        if not isinstance(value, str):
            raise self.invalid(path, "must be a string")
        return value

    def document(self, shape: Shape, index: int, value: Any) -> str:
        """Return the text of a document, given as a string or as an object."""
        key = shape.document_key or "text"
        text = value.get(key) if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise self.invalid(
                shape.documents, f"holds at position {index} neither a string nor an object with '{key}'"
            )
        return text

    def top_n(self, path: str | None) -> int | None:
        """Return how many results are wanted; None for all."""
        value = self.value(path)
        if path is None or value is None:
            return None
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())  # JSON's 1.0 is 1
        if not whole or isinstance(value, bool) or value < 1:
            raise self.invalid(path, "must be a whole number of 1 or more")
        return int(value)

    def flag(self, path: str | None) -> bool | None:
        """Return an option that is true or false; None where it is not given."""
        value = self.value(path)
        if path is None or value is None:
            return None
        if not isinstance(value, bool):
            raise self.invalid(path, "must be true or false")
        return value
