"""What error replies say about a refusal, in the words of the APIs' documentation and source."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evalkit.dialects import Dialect
from evalkit.dialects.refusal_causes import cause_in_words, error_words, most_documents
from evalkit.errors import RefusedFor
from evalkit.registry import lookup


def fastapi(kind: str, *where: str | int, message: str = "no") -> dict[str, Any]:
    """Return FastAPI's body for one wrong field, with the input that it repeats."""
    return {
        "detail": [
            {"type": kind, "loc": ["body", *where], "msg": message, "input": "missing field, too long"}
        ]
    }


def openai(message: str, **more: Any) -> dict[str, Any]:
    """Return the body of OpenAI's family."""
    return {"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400, **more}}


SAID: list[tuple[str, int, Any, RefusedFor | None]] = [
    ("tei", 422, {"error": "batch size 33 > maximum allowed batch size 32", "error_type": "Validation"}, "documents"),
    ("tei", 422, {"error": "`inputs` must have less than 512 tokens. Given: 600", "error_type": "Validation"}, "text"),
    ("tei", 422, {"error": "cannot encode", "error_type": "Tokenizer"}, "text"),
    ("tei", 422, "Failed to deserialize the JSON body into the type: missing field `texts` at line 1", "request"),
    ("tei", 413, "Failed to buffer the request body: length limit exceeded", "bytes"),
    ("vllm", 400, openai("This model's maximum context length is 512 tokens. However, you requested 600 tokens in the"
                         " input for score generation. Please reduce the length of the input."), "text"),
    ("vllm", 400, {"object": "error", "message": "maximum context length is 512", "code": 400}, "text"),
    ("vllm", 400, openai("1 validation error: query Field required"), "request"),
    ("llamacpp", 500, openai("input (504 tokens) is too large to process. increase the physical batch size"), "text"),
    ("llamacpp", 400, openai("the request exceeds the available size", type="exceed_context_size_error"), "text"),
    ("llamacpp", 500, openai("compute error"), None),
    ("nim", 422, {"object": "error", "message": "Input length 12007 exceeds maximum allowed token size 8192"}, "text"),
    ("nvidia_hosted", 400, {"detail": "Input length 900 exceeds maximum allowed token size 512"}, "text"),
    ("infinity", 422, fastapi("too_long", "documents", message="List should have at most 2048 items after validation"
                              ", not 2049"), "documents"),
    ("infinity", 422, fastapi("string_too_long", "documents", 3), "text"),
    ("infinity", 422, fastapi("missing", "query", message="Field required"), "request"),
    ("mixedbread", 422, fastapi("too_long", "input"), "documents"),
    ("mixedbread", 422, fastapi("string_too_short", "query"), "text"),
    ("cohere_v2", 400, {"message": "invalid request: document at index 0 cannot be empty"}, "text"),
    ("cohere_v2", 400, {"message": "invalid request: query must not be empty or be only whitespace"}, "text"),
    ("cohere_v2", 400, {"message": "invalid request: list of documents must not be empty"}, "request"),
    ("cohere_v2", 400, {"message": "too many documents: at most 10000 are allowed"}, "documents"),
    ("voyage", 400, {"detail": "The request body is not valid JSON, or some arguments were not specified properly. In"
                     " particular, Input cannot contain empty strings or empty lists"}, "text"),
    ("voyage", 400, {"detail": "The number of documents should not exceed 1000."}, "documents"),
    ("voyage", 400, {"detail": "The max allowed tokens per submitted batch is 600000. Your batch has 700000 tokens"},
     "bytes"),
    ("jina", 422, {"detail": "invalid", "errors": [{"field": "documents.0", "message": "too many characters: limit 9",
                                                    "type": "value_error"}]}, "text"),
    ("pinecone", 400, {"error": {"code": "INVALID_ARGUMENT", "message": "Request contains a query+document pair with"
                                 " 1225 tokens, which exceeds the maximum token limit of 1024"}}, "text"),
    ("pinecone", 400, {"error": {"code": "INVALID_ARGUMENT", "message": "Request contains 101 documents, exceeding the"
                                 " maximum of 100"}, "status": 400}, "documents"),
    ("dashscope", 400, {"code": "InvalidParameter", "message": "document index:0 is invalid, it should not be larger"
                        " than 300000"}, "text"),
    ("dashscope", 400, {"code": "InvalidParameter", "message": "batch size is invalid, it should not be larger than"
                        " 500"}, "documents"),
    ("assisters", 400, {"error": {"message": "no", "type": "invalid_request_error", "code": "context_length_exceeded"}},
     "text"),
    ("assisters", 400, {"error": {"message": "no", "type": "invalid_request_error", "code": "missing_parameter"}},
     "request"),
    ("zeroentropy", 400, {"detail": "the request has 6000000 bytes, more than 5000000 bytes"}, "bytes"),
    ("vertex_rank", 400, {"error": {"code": 400, "message": "at most 200 records are allowed", "status": "X"}},
     "documents"),
    ("xinference", 500, "[address=0.0.0.0] 1 validation error: query Field required", "request"),
    ("isaacus", 400, {"type": "about:blank", "title": "bad", "detail": "texts must be non-blank"}, "text"),
    ("generic", 413, "<html><body>Request Entity Too Large</body></html>", "bytes"),
    ("generic", 422, {"message": "something else"}, None),
    ("generic", 400, {"detail": "the total number of tokens in the request, 900, is above 400"}, "bytes"),
    ("generic", 422, {"detail": [{"type": "string_too_short", "loc": ["body", "documents", 3],
                                  "msg": "String should have at least 1 character"}]}, "text"),
    ("generic", 422, {"detail": "documents must have at least one item"}, "request"),
    ("generic", 500, {"error": {"message": "the prompt is longer than n_ctx of the slot"}}, "text"),
    ("generic", 500, {"error": "the document lookup took too long"}, None),
    ("generic", 400, "", None),
    ("generic", 429, {"message": "token limit exceeded, too many tokens per minute"}, None),
    ("generic", 503, {"message": "too many documents in the queue"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "body", "cause"), SAID)
def test_what_an_api_says_of_its_refusal_is_understood(
    name: str, status: int, body: Any, cause: RefusedFor | None
) -> None:
    """Too many documents, too large a request, a text, a wrong request, or nothing."""
    dialect = opened(name)
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    words = error_words(None if isinstance(body, str) else body, text)
    assert dialect.refused_for(status, words) == cause


@pytest.mark.parametrize(("name", "status", "body", "cause"), SAID)
def test_a_proxy_in_front_of_an_api_is_understood_where_the_words_are_enough(
    name: str, status: int, body: Any, cause: RefusedFor | None
) -> None:
    """Without the API's own dialect, what is read is the same or nothing."""
    words = error_words(None if isinstance(body, str) else body, str(body))
    assert cause_in_words(status, words) in {cause, None} or name == "dashscope"


def opened(name: str) -> Dialect:
    """Return a dialect by its name."""
    found: Dialect = lookup("dialect", name)()
    return found


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("batch size 33 > maximum allowed batch size 32", 32),
        ("Request contains 101 documents, exceeding the maximum of 100", 100),
        ("too many documents: at most 1,000", 1000),
        ("The number of documents should not exceed 1000.", 1000),
        ("List should have at most 2048 items after validation, not 2049", 2048),
        ("too many documents", None),
        ("more than 0 documents", None),
    ],
)
def test_the_most_documents_are_read_from_the_words(words: str, number: int | None) -> None:
    """None where they give no number."""
    assert most_documents(words) == number


def test_a_refusal_that_repeats_the_request_is_read_without_it() -> None:
    """A text of the dataset says nothing about the refusal, and a long reply is read in part."""
    words = error_words(fastapi("value_error", "documents", message="bad"), "x" * 10_000)
    assert words == "value_error body.documents bad"
    assert len(error_words(None, "x" * 10_000)) == 2000
