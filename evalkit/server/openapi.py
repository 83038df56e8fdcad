"""The OpenAPI description of the service, generated from the shapes with which it reads and writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from evalkit import registry
from evalkit.dialects import Dialect, WireError, WireRequest
from evalkit.dialects.shape import put

Schema = dict[str, Any]

_REFUSALS = {
    400: "The request is invalid; the message names the field.",
    401: "The API key is missing or invalid.",
    403: "The web page of this origin may not use the service.",
    408: "The request did not arrive in time.",
    413: "The request body is too large.",
    415: "The content type is not JSON, or the body is compressed.",
    421: "The Host header does not name this service.",
    429: "Rate limit exceeded or queue full; retry after the seconds in `Retry-After`.",
    431: "The request has too many or too large headers.",
    500: "The reranker failed.",
    503: "The model did not answer in time, or the service is overloaded or shuts down.",
}
_EVERY_REPLY = {
    "X-Request-ID": "The ID that the request sent, or a generated one.",
    "X-Processing-Time-Ms": "Milliseconds from request headers received to response sent.",
    "Server-Timing": "Time in milliseconds by stage: `total`, `queue`, `model`.",
}

_JSON_TYPES = {bool: "boolean", int: "integer", float: "number"}


def describe(paths: Mapping[str, Sequence[str]], models: Sequence[str]) -> Schema:
    """Return the OpenAPI document.

    Parameters
    ----------
    paths
        Path -> names of the dialects that it accepts.
    models
        Names of the served models.
    """
    described = {path: {"post": _operation(path, names, models)} for path, names in paths.items()}
    pages = {
        "/v1/models": (
            "The available models.",
            _object({"object": _string(), "data": _list(_card())}),
            (401, 403, 421),
        ),
        "/v1/models/{model}": ("One model.", _card(), (401, 403, 404, 421)),
        "/health": ("Liveness: the process is running.", _object({"status": _string()}), ()),
        "/ready": ("Readiness: 503 if closing, or a model is stuck.", _object({"status": _string()}), (503,)),
        "/metrics": ("Metrics in the Prometheus text format.", None, (403, 421)),
        "/openapi.json": ("This OpenAPI document.", {"type": "object"}, (403, 421)),
    }  # fmt: skip
    for path, (what, schema, others) in pages.items():
        described[path] = {"get": _page(path, what, schema, others)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "evalkit rerank service",
            "version": version("rerank-evalkit"),
            "description": "A rerank API for local models. Each wire format has its own path and a path with the name"
            " of its dialect (`/jina/v1/rerank`).",
        },
        "paths": described,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Required if the server has API keys.",
                }
            }
        },
        "security": [{}, {"bearer": []}],
    }


def _operation(path: str, names: Sequence[str], models: Sequence[str]) -> Schema:
    dialects = [registry.lookup("dialect", name)() for name in names]
    docs = [(type(one).__doc__ or "").splitlines()[0] for one in dialects]
    responses: dict[str, Any] = {"200": _response("Scores.", _any([_reply(one) for one in dialects]))}
    own = {one.refusal_status for one in dialects} | ({404} if "{" in path else set())
    for status in sorted({*_REFUSALS, *own}):
        what = _REFUSALS.get(status, _REFUSALS[400])
        schemas = [_schema_of(one.encode_error(WireError(status, "c", "m", "p"))) for one in dialects]
        responses[str(status)] = _response(what, _any(schemas))
    return {
        "operationId": re.sub(r"\W+", "_", path).strip("_"),
        "summary": " / ".join(docs),
        "tags": list(names),
        "parameters": _parameters(path),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _any([_request(one, models) for one in dialects])}},
        },
        "responses": responses,
    }


def _page(path: str, what: str, schema: Schema | None, others: Sequence[int]) -> Schema:
    responses: dict[str, Any] = {}
    if schema is None:
        responses["200"] = {"description": what, "content": {"text/plain": {"schema": _string()}}}
    else:
        responses["200"] = _response(what, schema)
    for status in others:
        responses[str(status)] = _response(_REFUSALS.get(status, "Not found."), {"type": "object"})
    name = re.sub(r"\W+", "_", path).strip("_")
    return {"operationId": name, "summary": what, "parameters": _parameters(path), "responses": responses}


def _request(dialect: Dialect, models: Sequence[str]) -> Schema:
    shape = dialect.shape
    document = _any([_string(), _object({shape.document_key or "text": _string()})])
    documents: Schema = {"type": "array", "minItems": 1, "items": document}
    if dialect.max_documents is not None:
        documents["maxItems"] = dialect.max_documents
    optional = {shape.top_n: {"type": ["integer", "null"], "minimum": 1}} if shape.top_n else {}
    if shape.return_documents:
        optional[shape.return_documents] = {"type": ["boolean", "null"]}
    required: dict[str, Schema] = {shape.query: _string(), shape.documents: documents}
    if shape.model:
        required[shape.model] = {"type": "string", "examples": [models[0]]}
    return _nested(required, optional)


def _reply(dialect: Dialect) -> Schema:
    """Return the schema of replies, from an example without documents: all its fields are always there."""
    return _schema_of(dialect.encode_response(WireRequest("m", "q", ("d",)), [0.5], 1), is_complete=True)


@dataclass(frozen=True, slots=True)
class _Property:
    """The schema of an object's property, and whether the property is required."""

    schema: Schema
    required: bool


def _nested(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object from the schemas at its paths, e.g. ``input.query``."""
    tree: dict[str, Any] = {}
    for path, schema in required.items():
        put(tree, path, _Property(schema, required=True))
    for path, schema in optional.items():
        put(tree, path, _Property(schema, required=False))
    return _object_of(tree).schema


def _object_of(tree: Mapping[str, Any]) -> _Property:
    """Return the schema of an object from a tree of properties; it is required if any property in it is."""
    properties = {
        key: value if isinstance(value, _Property) else _object_of(value) for key, value in tree.items()
    }
    needed = [key for key, one in properties.items() if one.required]
    fields = {key: one.schema for key, one in properties.items()}
    kind = "object" if needed else ["object", "null"]
    return _Property({"type": kind, "properties": fields, "required": needed}, required=bool(needed))


def _schema_of(example: Any, *, is_complete: bool = False) -> Schema:
    """Return a schema that accepts a value and others of the same form.

    Parameters
    ----------
    example
        The value; None accepts any.
    is_complete
        Whether objects always have the keys of the example, and texts are never null.
    """
    if isinstance(example, dict):
        fields = {key: _schema_of(value, is_complete=is_complete) for key, value in example.items()}
        return _object(fields) if is_complete else {"type": "object", "properties": fields}
    if isinstance(example, list):
        return _list(_schema_of(example[0], is_complete=is_complete))
    if example is None:
        return {}
    if isinstance(example, str):
        return {"type": "string" if is_complete else ["string", "null"]}
    return {"type": _JSON_TYPES[type(example)]}


def _response(what: str, schema: Schema) -> Schema:
    headers = {name: {"description": text, "schema": _string()} for name, text in _EVERY_REPLY.items()}
    return {"description": what, "headers": headers, "content": {"application/json": {"schema": schema}}}


def _parameters(path: str) -> list[Schema]:
    names = re.findall(r"\{(\w+)\}", path)
    return [{"name": name, "in": "path", "required": True, "schema": _string()} for name in names]


def _card() -> Schema:
    return _object(
        {"id": _string(), "object": _string(), "created": {"type": "integer"}, "owned_by": _string()}
    )


def _object(fields: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(fields), "required": list(fields)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _string() -> Schema:
    return {"type": "string"}


def _any(schemas: Sequence[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
