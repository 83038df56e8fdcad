"""The schemas of the decision APIs of the service.

A schema cannot express that a question has a known wording and names a document of the content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.dialects.decision_formats import DECISION_FORMATS, DecisionFormat
from evalkit.dialects.decision_records import DOCUMENT, DOCUMENTS, INSTRUCTION, QUERY
from evalkit.server.openapi_schemas import Schema, any_of, listed, record, text

_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer"}


def decision_formats() -> list[tuple[DecisionFormat, Schema, Schema]]:
    """Return each decision API with the schemas of its questions and of its answers."""
    openai, system_one = (form() for form in DECISION_FORMATS)
    return [
        (openai, *_openai(openai.contract.most_questions)),
        (system_one, *_system_one()),
    ]


def decision_request(form: DecisionFormat, questions: Schema, models: Sequence[str]) -> Schema:
    """Return the schema of requests."""
    key = form.contract.content_key
    content = any_of([text(), _content() if key == "state" else listed(_message())])
    model: Schema = {"type": "string", "examples": [models[0]]}
    schema = record({"model": model, key: content, "questions": questions})
    schema["properties"] |= {name: {} for name in sorted(form.options)}
    return {**schema, "additionalProperties": False}


def _openai(most: int | None) -> tuple[Schema, Schema]:
    level = _with_optional({"label": text()}, {"description": text()})
    named = {"name": text()}
    part = record({"type": {"const": "input_text"}, "text": text()})
    instructions = any_of([text(), {**listed(part), "minItems": 1, "maxItems": 1}])
    asked = [
        _with_optional({"type": {"const": "predicate"}, "instructions": instructions}, named),
        _with_optional(
            {"type": {"const": "score"}, "instructions": instructions, "levels": _pair(level)}, named
        ),
    ]
    share = record({"label": text(), "value": _COUNT, "probability": _NUMBER})
    name: Schema = {"type": ["string", "null"]}
    answers = [
        record({"type": {"const": "predicate"}, "name": name, "probability": _NUMBER}),
        record({"type": {"const": "score"}, "name": name, **_rated(listed(share))}),
    ]
    counts = ("input_tokens", "output_tokens", "total_tokens")
    usage = record(
        {
            **dict.fromkeys(counts, _COUNT),
            "input_tokens_details": record({"cached_tokens": _COUNT, "cache_write_tokens": _COUNT}),
            "output_tokens_details": record({"reasoning_tokens": _COUNT}),
        }
    )
    questions = {**listed(any_of(asked)), "minItems": 1, "maxItems": most}
    return questions, _reply(listed(any_of(answers)), usage)


def _system_one() -> tuple[Schema, Schema]:
    side: Schema = {"type": ["string", "null"]}
    criteria = {"type": ["object", "null"], "properties": {"true": side, "false": side}}
    asked = [
        _with_optional({"type": {"const": "noul"}, "instructions": text()}, {"criteria": criteria}),
        record({"type": {"const": "score"}, "instructions": text(), "criteria": _pair(text())}),
    ]
    by_level = {"type": "object", "additionalProperties": _NUMBER}
    legend = {"type": "object", "additionalProperties": text()}
    answers = [
        record({"type": {"const": "noul"}, "noul": _NUMBER}),
        record({"type": {"const": "score"}, "legend": legend, **_rated(by_level)}),
    ]
    usage = record({"input_tokens": _COUNT, "output_tokens": _COUNT})
    questions = {"type": "object", "minProperties": 1, "additionalProperties": any_of(asked)}
    return questions, _reply({"type": "object", "additionalProperties": any_of(answers)}, usage)


def _content() -> Schema:
    """Return the schema of an object with the fields of the content."""
    several = any_of(
        [
            {"type": "object", "minProperties": 1, "additionalProperties": text()},
            {**listed(text()), "minItems": 1},
        ]
    )
    optional = {INSTRUCTION: text(), DOCUMENT: text(), DOCUMENTS: several}
    return {**_with_optional({QUERY: text()}, optional), "additionalProperties": False}


def _message() -> Schema:
    """Return the schema of a message: a text is the query, and JSON parts together are the content."""
    data = any_of([{"type": "object"}, listed({"type": "object"})])
    parts = [
        record({"type": {"const": "input_text"}, "text": text()}),
        record({"type": {"const": "input_json"}, "data": data}),
    ]
    content = any_of([text(), listed(any_of(parts))])
    return _with_optional({"role": {"const": "user"}, "content": content}, {"type": {"const": "message"}})


def _pair(item: Schema) -> Schema:
    return {**listed(item), "minItems": 2, "maxItems": 2}


def _rated(probabilities: Schema) -> dict[str, Schema]:
    return {"score": _NUMBER, "confidence": _NUMBER, "probabilities": probabilities}


def _reply(answers: Schema, usage: Schema) -> Schema:
    return record({"model": text(), "answers": answers, "usage": usage})


def _with_optional(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    schema = record(required)
    return {**schema, "properties": {**schema["properties"], **optional}}
