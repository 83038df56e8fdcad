"""The schemas of requests, from what the server reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit.dialects import Dialect
from evalkit.dialects.request_forms import FLAGS
from evalkit.server.openapi_schemas import Schema, any_of, listed, nested, record, text


def request_schema(dialect: Dialect, models: Sequence[str], *, nameless: bool = False) -> Schema:
    """Return the schema of the requests of a dialect.

    Two forms have conditions that a schema cannot express, and are described in words: lists of queries, and keys to
    rank objects by.

    Parameters
    ----------
    dialect
        The dialect.
    models
        Names of the served models.
    nameless
        Whether only requests without a model are meant for the dialect.
    """
    shape, forms = dialect.shape, dialect.forms
    pairs = forms.pairs or ((shape.query, shape.documents),)
    schemas = [_request(dialect, models, query, documents) for query, documents in pairs]
    for schema in schemas if nameless else ():
        schema["properties"][shape.model] = {"enum": [None, ""]}
    return any_of(schemas)


def _request(dialect: Dialect, models: Sequence[str], query: str, documents: str) -> Schema:
    shape, forms = dialect.shape, dialect.forms
    required: dict[str, Schema] = {query: _query(dialect), documents: _documents(dialect)}
    optional: dict[str, Schema] = {}
    if shape.model:
        is_optional = forms.model_optional or "{model}" in dialect.path
        model: Schema = {"type": ["string", "null"] if is_optional else "string", "examples": [models[0]]}
        (optional if is_optional else required)[shape.model] = model
    for path in filter(None, (shape.top_n, forms.top_n_elsewhere)):
        optional[path] = _top_n(dialect)
    for path in filter(None, (shape.return_documents, forms.return_documents_elsewhere)):
        optional[path] = (
            {"enum": [True, False, None, *FLAGS]} if forms.text_flags else {"type": ["boolean", "null"]}
        )
    if shape.instruction:
        optional[shape.instruction] = {"type": ["string", "null"]}
    for path, harmless in forms.unchanging.items():
        optional[path] = {"enum": [None, *harmless], "description": "Other values are refused."}
    if forms.rank_fields:
        keys = {**listed(text()), "type": ["array", "null"], "minItems": 1}
        optional[forms.rank_fields] = {
            **keys,
            "description": "The keys by which objects are ranked, in this order.",
        }
    described = {path.partition(".")[0] for path in (*required, *optional)}
    if dialect.strict:
        optional |= {name: {} for name in dialect.options - described}
    schema = nested(required, optional)
    if forms.rank_fields:
        schema["anyOf"] = _ranked_by(forms.rank_fields, documents)
    if dialect.strict:
        schema["additionalProperties"] = False
    return schema


def _top_n(dialect: Dialect) -> Schema:
    forms = dialect.forms
    everything, least = forms.top_n_means_all, forms.least_top_n
    joined = bool(everything) and everything.stop >= least
    number: Schema = {
        "type": ["integer", "null"],
        "minimum": min(everything.start, least) if joined else least,
    }
    return number if joined or not everything else any_of([number, {"enum": list(everything)}])


def _ranked_by(fields: str, documents: str) -> list[Schema]:
    """Return the combinations of keys and documents that are accepted whatever the keys are."""
    with_text = any_of([text(), record({"text": text()})])
    return [
        {"properties": {fields: {"type": "null"}}},
        {"properties": {documents: listed(text())}},
        {"properties": {fields: {"enum": [["text"]]}, documents: listed(with_text)}},
    ]


def _query(dialect: Dialect) -> Schema:
    one = dialect.query_schema(any_of([text(), *_media(dialect)]))
    if not dialect.forms.pairs:
        return one
    several = {**listed(one), "minItems": 1, "maxItems": 1}
    return {**any_of([one, several]), "description": "Also a list with one text for each document."}


def _documents(dialect: Dialect) -> Schema:
    forms = dialect.forms
    document = dialect.document_schema(any_of([text(), *_objects(dialect)]), text())
    documents: dict[str, Any] = {**listed(document), "minItems": 1}
    if dialect.max_documents is not None:
        documents["maxItems"] = dialect.max_documents
    return any_of([documents, document] if forms.single_document or forms.pairs else [documents])


def _objects(dialect: Dialect) -> list[Schema]:
    """Return the schemas of documents that are objects."""
    forms = dialect.forms
    if forms.other_keys != "never":
        return [{"type": "object", "minProperties": 1}]
    keys = forms.object_keys or (dialect.shape.document_key or "text",)
    absent: Schema = {"type": ["string", "null"]}
    objects = []
    for needed in keys:
        fields = {key: text() if key == needed else absent for key in keys}
        objects.append({**record(fields), "required": [needed]})
    return [*objects, *(_media(dialect)[1:])]


def _media(dialect: Dialect) -> list[Schema]:
    """Return the schemas of texts that are objects, of an API that also reads images: only the text is accepted."""
    if not dialect.forms.media:
        return []
    parts = {**listed(record({"type": {"const": "text"}, "text": text()})), "minItems": 1}
    return [record({"text": text()}), record({"content": any_of([text(), parts])})]
