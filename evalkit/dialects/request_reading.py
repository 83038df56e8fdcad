"""Read requests, for the server: every key is checked, and null counts as absent."""

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
        The paths of its parts.
    max_documents
        Maximum number of documents; None for no limit.
    status
        HTTP status of a rejected request.

    Raises
    ------
    WireError
        If the API would reject it: not an object, a required key is missing, or a value is of the wrong type.
    """
    if not isinstance(body, dict):
        raise WireError(status, "invalid_request", "the body must be a JSON object")
    parts = _RequestBody(body, status)
    documents = parts.required(shape.documents)
    if not isinstance(documents, list) or not documents:
        raise parts.invalid(shape.documents, "must be a list of at least one document")
    if max_documents is not None and len(documents) > max_documents:
        raise parts.invalid(
            shape.documents, f"holds {len(documents)} documents; at most {max_documents} are allowed"
        )
    returned = parts.flag(shape.return_documents)
    if returned is None:
        returned = shape.echoes != shape.return_inverted
    return WireRequest(
        model=parts.text(shape.model) if shape.model else ANY_MODEL,
        query=parts.text(shape.query),
        documents=tuple(parts.document(shape, i, value) for i, value in enumerate(documents)),
        top_n=parts.top_n(shape.top_n),
        return_documents=returned != shape.return_inverted,
    )


class _RequestBody:
    """The JSON object of a request, with checked access to its values."""

    def __init__(self, body: dict[str, Any], status: int) -> None:
        self._body = body
        self._status = status

    def invalid(self, path: str, what: str) -> WireError:
        """Return the error that names a key and what is wrong with its value."""
        return WireError(self._status, "invalid_parameter", f"'{path}' {what}", path)

    def value(self, path: str | None) -> Any:
        """Return the value at a path; None if there is none, or if the path is None.

        Raises
        ------
        WireError
            If the path leads through a value that is not an object.
        """
        if path is None:
            return None
        outer = path.rpartition(".")[0]
        if outer and not isinstance(dig(self._body, outer), dict | None):
            raise self.invalid(outer, "must be an object")
        return dig(self._body, path)

    def required(self, path: str) -> Any:
        """Return the value of a required key.

        Raises
        ------
        WireError
            If it is missing or null.
        """
        value = self.value(path)
        if value is None:
            raise WireError(self._status, "missing_parameter", f"'{path}' is required", path)
        return value

    def text(self, path: str) -> str:
        """Return a required string.

        Raises
        ------
        WireError
            If it is missing or not a string.
        """
        value = self.required(path)
        if not isinstance(value, str):
            raise self.invalid(path, "must be a string")
        return value

    def document(self, shape: Shape, index: int, value: Any) -> str:
        """Return the text of a document, which is a string or an object.

        Raises
        ------
        WireError
            If it is neither, or the object has no text.
        """
        key = shape.document_key or "text"
        text = value.get(key) if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise self.invalid(
                shape.documents, f"holds at position {index} neither a string nor an object with '{key}'"
            )
        return text

    def top_n(self, path: str | None) -> int | None:
        """Return the number of results to return; None for all.

        Raises
        ------
        WireError
            If it is not a whole number of 1 or more.
        """
        value = self.value(path)
        if path is None or value is None:
            return None
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())  # JSON's 1.0 is 1
        if not whole or isinstance(value, bool) or value < 1:
            raise self.invalid(path, "must be a whole number of 1 or more")
        return int(value)

    def flag(self, path: str | None) -> bool | None:
        """Return a boolean option; None if it is not given.

        Raises
        ------
        WireError
            If it is not a boolean.
        """
        value = self.value(path)
        if path is None or value is None:
            return None
        if not isinstance(value, bool):
            raise self.invalid(path, "must be true or false")
        return value
