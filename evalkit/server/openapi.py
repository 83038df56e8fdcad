"""The OpenAPI description of the service, generated from the shapes with which it reads and writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from evalkit import registry
from evalkit.dialects import Dialect, WireError, WireRequest
from evalkit.dialects.served_format import ServedFormat
from evalkit.server.openapi_decisions import decision_formats, decision_request
from evalkit.server.openapi_pages import COMPANION_PAGES, OWN_PAGES, PageDescription
from evalkit.server.openapi_requests import request_schema
from evalkit.server.openapi_schemas import Schema, any_of, listed, path_parameters, record, text

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


def describe(
    paths: Mapping[str, Sequence[str]], models: Sequence[str], dialects: Sequence[str] = ()
) -> Schema:
    """Return the OpenAPI document.

    Parameters
    ----------
    paths
        Path -> names of the dialects that it accepts.
    models
        Names of the served models.
    dialects
        Names of the dialects under which the pages are served, too.
    """
    described = {path: {"post": _rerank_operation(path, names, models)} for path, names in paths.items()}
    for form, questions, reply in decision_formats():
        request = decision_request(form, questions, models)
        described[form.path] = {"post": _operation(form.path, {form.name: form}, request, reply)}
    for path, page in {**OWN_PAGES, **COMPANION_PAGES}.items():
        described.setdefault(path, {})["get"] = _page(path, page)
    for path, page in COMPANION_PAGES.items() if dialects else ():
        named = replace(page, statuses=sorted({*page.statuses, 404}))
        operation = _page(f"/{{dialect}}{path}", named)
        operation["parameters"][0]["schema"] = {"type": "string", "enum": list(dialects)}
        described[f"/{{dialect}}{path}"] = {"get": operation}
        for shared in (f"/{name}{path}" for name in dialects):
            if shared in described:
                described[shared]["get"] = _page(shared, page)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "evalkit rerank service",
            "version": version("rerank-evalkit"),
            "description": "A rerank API for local models. Each wire format has its own path and a path with the name"
            " of its dialect (`/jina/v1/rerank`). Scores of a known kind are mapped to 0..1; scores of unknown meaning"
            " are passed on as they come. `/v1/models` names the kind and the function for each model.",
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


def _rerank_operation(path: str, names: Sequence[str], models: Sequence[str]) -> Schema:
    dialects = {name: registry.lookup("dialect", name)() for name in names}
    every = list(dialects.values())
    return _operation(
        path, dialects, any_of(_requests(every, models)), any_of([_reply(one) for one in every])
    )


def _operation(path: str, formats: Mapping[str, ServedFormat], request: Schema, reply: Schema) -> Schema:
    """Return the description of what is posted to a path in one of several formats."""
    every = list(formats.values())
    docs = [(type(one).__doc__ or "").splitlines()[0] for one in every]
    responses: dict[str, Any] = {"200": _response("Scores or answers.", reply)}
    own = {status for one in every for status in (one.refusal_status, *one.further_refusal_statuses)}
    own |= {404} if "{" in path else set()
    for status in sorted({*_REFUSALS, *own}):
        what = _REFUSALS.get(status, _REFUSALS[400])
        schemas = [_schema_of(one.encode_error(WireError(status, "c", "m", "p"))) for one in every]
        responses[str(status)] = _response(what, any_of(schemas))
    return {
        "operationId": re.sub(r"\W+", "_", path).strip("_") or "root",
        "summary": " / ".join(docs),
        "tags": list(formats),
        "parameters": path_parameters(path),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request}},
        },
        "responses": responses,
    }


def _requests(dialects: Sequence[Dialect], models: Sequence[str]) -> list[Schema]:
    """Return the schemas of the requests of one path.

    A body with a model is meant for the first dialect with its documents, so that one which needs no model gets those
    without only, if another that needs one comes first.
    """
    schemas: list[Schema] = []
    taken: set[str] = set()
    for one in dialects:
        documents = one.shape.documents
        schemas.append(request_schema(one, models, nameless=one.forms.model_optional and documents in taken))
        if one.shape.model and not one.forms.model_optional:
            taken.add(documents)
    return schemas


def _page(path: str, page: PageDescription) -> Schema:
    responses: dict[str, Any] = {}
    if page.schema is None:
        plain = {"text/plain": {"schema": text()}}
        responses["200"] = {"description": page.what, "content": plain}
    else:
        responses["200"] = _response(page.what, page.schema)
    for status in page.statuses:
        responses[str(status)] = _response(_REFUSALS.get(status, "Not found."), {"type": "object"})
    name = "get_" + re.sub(r"\W+", "_", path).strip("_")
    return {
        "operationId": name,
        "summary": page.what,
        "parameters": path_parameters(path),
        "responses": responses,
    }


def _reply(dialect: Dialect) -> Schema:
    """Return the schema of replies, from an example without documents: all its fields are always there."""
    return _schema_of(dialect.encode_response(WireRequest("m", "q", ("d",)), [0.5], 1), is_complete=True)


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
        return record(fields) if is_complete else {"type": "object", "properties": fields}
    if isinstance(example, list):
        return listed(_schema_of(example[0], is_complete=is_complete) if example else {})
    if example is None:
        return {}
    if isinstance(example, str):
        return {"type": "string" if is_complete else ["string", "null"]}
    return {"type": _JSON_TYPES[type(example)]}


def _response(what: str, schema: Schema) -> Schema:
    headers = {name: {"description": what, "schema": text()} for name, what in _EVERY_REPLY.items()}
    return {"description": what, "headers": headers, "content": {"application/json": {"schema": schema}}}
