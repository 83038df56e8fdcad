"""Read requests, for the server: every key is checked, and null counts as absent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from evalkit.dialects.request_forms import FLAGS, RequestForms
from evalkit.dialects.request_texts import TextReader, UnusableTextError
from evalkit.dialects.shape import Shape, dig
from evalkit.dialects.wire import ANY_MODEL, WireError, WireRequest

_MOST_RESULTS = 2**31 - 1
"""A larger ``top_n`` is read as this one: replies that repeat it hold no larger numbers, and no list is as long."""


def read_request(
    body: Any,
    shape: Shape,
    max_documents: int | None,
    status: int,
    forms: RequestForms | None = None,
    path_model: str | None = None,
) -> WireRequest:
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
    forms
        What else the API accepts; None for nothing.
    path_model
        The model that the path names; None if it names none.

    Raises
    ------
    WireError
        If the API would reject it: not an object, a required key is missing, or a value is of the wrong type; or if it
        has an option that the service does not apply.
    """
    forms = forms or RequestForms()
    parts = _RequestBody(body, status, forms)
    for path, harmless in forms.unchanging.items():
        parts.refuse_unless(path, harmless)
    query_path, documents_path = parts.text_paths(shape)
    given = parts.documents(documents_path, max_documents)
    texts = parts.read_documents(documents_path, shape, given)
    queries = parts.queries(query_path, documents_path, len(texts))
    returned = parts.flag(shape.return_documents, forms.return_documents_elsewhere)
    if returned is None:
        returned = shape.echoes != shape.return_inverted
    return WireRequest(
        model=parts.model(shape.model, path_model),
        query=queries[0],
        documents=texts,
        top_n=parts.top_n(shape.top_n),
        return_documents=returned != shape.return_inverted,
        originals=None if all(isinstance(one, str) for one in given) else tuple(given),
        queries=queries if len(set(queries)) > 1 else None,
        instruction=parts.instruction(shape.instruction),
    )


def refuse_unknown_keys(body: Any, known: frozenset[str], status: int) -> None:
    """Raise for a key that the API does not know, as an API does that rejects such keys.

    Raises
    ------
    WireError
        If the body is an object with a further key.
    """
    for name in body if isinstance(body, dict) else ():
        if name not in known:
            raise WireError(status, "invalid_parameter", f"'{name[:40]}' is not a key of this API", name[:40])


class _RequestBody:
    """The JSON object of a request, with checked access to its values."""

    def __init__(self, body: Any, status: int, forms: RequestForms) -> None:
        if not isinstance(body, dict):
            raise WireError(status, "invalid_request", "the body must be a JSON object")
        self._body = body
        self._status = status
        self._forms = forms

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
        for outer in accumulate(path.split(".")[:-1], "{}.{}".format):
            if not isinstance(dig(self._body, outer), dict | None):
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

    def refuse_unless(self, path: str, harmless: Sequence[Any]) -> None:
        """Raise if an option that is not applied would change scores or results.

        Raises
        ------
        WireError
            If it has another value than null and those that change nothing.
        """
        value = self.value(path)
        if value is not None and not any(value == one and type(value) is type(one) for one in harmless):
            raise WireError(
                self._status,
                "unsupported_parameter",
                f"'{path}' is not applied by this service; leave it out",
                path,
            )

    def model(self, path: str | None, in_path: str | None) -> str:
        """Return the model that is asked for; `ANY_MODEL` if none is named and the API needs none.

        Raises
        ------
        WireError
            If it is missing where the API requires it, or is not a string.
        """
        if path is None or (in_path is not None and self.value(path) is None):
            return in_path or ANY_MODEL
        if self._forms.model_optional and self.value(path) in (None, ""):
            return ANY_MODEL
        value = self.required(path)
        if not isinstance(value, str):
            raise self.invalid(path, "must be a string")
        return value

    def instruction(self, path: str | None) -> str:
        """Return the instruction of the query; empty if there is none, or the one that the API uses by default.

        Raises
        ------
        WireError
            If it is not a string.
        """
        value = self.value(path)
        if value is None or value in self._forms.default_instructions:
            return ""
        if not isinstance(value, str):
            raise self.invalid(path or "", "must be a string")
        return value

    def text_paths(self, shape: Shape) -> tuple[str, str]:
        """Return the paths of the query and of the documents: of the first pair that is there, whole or in part."""
        for complete in (all, any):
            for pair in self._forms.pairs:
                if complete(dig(self._body, path) is not None for path in pair):
                    return pair
        return shape.query, shape.documents

    def documents(self, path: str, at_most: int | None) -> list[Any]:
        """Return the documents as they were sent.

        Raises
        ------
        WireError
            If they are missing, no list, none, or too many.
        """
        given = self.required(path)
        if isinstance(given, str | dict) and (self._forms.pairs or self._forms.single_document):
            given = [given]
        if not isinstance(given, list) or not given:
            raise self.invalid(path, "must be a list of at least one document")
        if at_most is not None and len(given) > at_most:
            raise self.invalid(path, f"holds {len(given)} documents; at most {at_most} are allowed")
        return given

    def read_documents(self, path: str, shape: Shape, given: Sequence[Any]) -> tuple[str, ...]:
        """Return the text of each document.

        Raises
        ------
        WireError
            If one has none, or no document has a key that the request ranks by.
        """
        chosen = self.rank_fields()
        reader = TextReader(self._forms, shape.document_key or "text", chosen)
        texts = []
        for position, value in enumerate(given):
            try:
                texts.append(reader.read(value))
            except UnusableTextError as error:
                raise self.invalid(path, f"holds at position {position} {error}") from None
        for name in chosen or ():
            if name not in reader.met and not all(isinstance(one, str) for one in given):
                raise self.invalid(
                    self._forms.rank_fields or "", f"names {name[:40]!r}, which no document has"
                )
        return tuple(texts)

    def rank_fields(self) -> list[str] | None:
        """Return the keys by which the request ranks objects; None if it names none.

        Raises
        ------
        WireError
            If it is not a list of at least one string.
        """
        path = self._forms.rank_fields
        names = self.value(path)
        if path is None or names is None:
            return None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise self.invalid(path, "must be a list of at least one string")
        return list(dict.fromkeys(names))

    def queries(self, path: str, documents_path: str, count: int) -> tuple[str, ...]:
        """Return the query, or the query of each document.

        Raises
        ------
        WireError
            If it is missing or not text, or if their number is neither 1 nor that of the documents.
        """
        given = self.required(path)
        several = given if self._forms.pairs and isinstance(given, list) else [given]
        if len(several) not in {1, count}:
            raise self.invalid(path, f"holds {len(several)} texts; '{documents_path}' holds {count}")
        return tuple(self._query(path, one) for one in several)

    def _query(self, path: str, value: Any) -> str:
        if not isinstance(value, str) and not self._forms.media:
            raise self.invalid(path, "must be a string")
        try:
            return TextReader(self._forms, "text").read(value)
        except UnusableTextError as error:
            raise self.invalid(path, f"is {error}") from None

    def top_n(self, path: str | None) -> int | None:
        """Return the number of results to return; None for all.

        Raises
        ------
        WireError
            If it is not a whole number, or smaller than the API allows.
        """
        found = [self._top_n(where) for where in self._given(path, self._forms.top_n_elsewhere)]
        return found[0] if found else None

    def _top_n(self, path: str) -> int | None:
        value, least = self.value(path), self._forms.least_top_n
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())  # JSON's 1.0 is 1
        if whole and not isinstance(value, bool):
            if int(value) in self._forms.top_n_means_all:
                return None
            if value >= least:
                return min(int(value), _MOST_RESULTS)
        raise self.invalid(path, f"must be a whole number of {least} or more")

    def flag(self, path: str | None, elsewhere: str | None = None) -> bool | None:
        """Return a boolean option; None if it is not given.

        Raises
        ------
        WireError
            If it is not a boolean.
        """
        found = []
        for where in self._given(path, elsewhere):
            value = self.value(where)
            if self._forms.text_flags and isinstance(value, str):
                value = FLAGS.get(value, value)
            if not isinstance(value, bool):
                raise self.invalid(where, "must be true or false")
            found.append(value)
        return found[0] if found else None

    def _given(self, *paths: str | None) -> list[str]:
        """Return the paths that have a value."""
        return [path for path in paths if path is not None and self.value(path) is not None]
