"""Chat requests and replies without a server."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from support.listwise import settings_of
from support.stand_in_chat import chat_reply

from evalkit.errors import CallError
from evalkit.rerankers.chat import chat_address, chat_request, read_chat


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        ("http://localhost:11434/", "http://localhost:11434/v1/chat/completions"),
        ("https://api.example/v1", "https://api.example/v1/chat/completions"),
        ("https://api.example/v1/", "https://api.example/v1/chat/completions"),
        ("https://api.example/v1/chat", "https://api.example/v1/chat/completions"),
        ("https://api.example/api/v1/chat/completions", "https://api.example/api/v1/chat/completions"),
        ("https://x.example/deployments/d/chat/completions?api-version=1",
         "https://x.example/deployments/d/chat/completions?api-version=1"),
    ],
)  # fmt: skip
def test_an_address_is_completed_once(url: str, address: str) -> None:
    """Host, base and endpoint are one address, it is what the settings show, and nothing is added twice."""
    assert chat_address(url) == chat_address(address) == settings_of(url=url).url == address


def test_a_request_holds_what_every_server_knows() -> None:
    """Model, messages, temperature and a limit, under the name the API wants it by; options come on top."""
    body = chat_request("m", "?", 0.0, 10, {"seed": 1})
    assert body == {
        "model": "m", "messages": [{"role": "user", "content": "?"}], "temperature": 0.0, "max_tokens": 10, "seed": 1,
    }  # fmt: skip
    renamed = chat_request("m", "?", 0.0, 10, {"max_completion_tokens": 500})
    assert "max_tokens" not in renamed
    assert renamed["max_completion_tokens"] == 500


@pytest.mark.parametrize(
    ("content", "message", "text", "reasoned"),
    [
        ("[1]", {}, "[1]", False), ([{"type": "text", "text": "[2]"}, {"text": " > [1]"}], {}, "[2] > [1]", False),
        (None, {"reasoning_content": "hm"}, "", True), ("", {"reasoning": "hm"}, "", True), (None, {}, "", False),
        ([{"type": "image"}, "x", None], {}, "", False), ("[1]", {"refusal": "no"}, "[1]", False), (5, {}, "", False),
    ],
)  # fmt: skip
def test_an_answer_is_found_in_every_form(
    content: Any, message: dict[str, Any], text: str, *, reasoned: bool
) -> None:
    """Text, parts, nothing: reasoning next to an answer is reported, and is no answer."""
    reply = read_chat(orjson.loads(chat_reply(content, message=message)))
    assert (reply.text, reply.reasoned, reply.cut, reply.model) == (text, reasoned, False, "m")


@pytest.mark.parametrize(
    ("usage", "tokens", "written"),
    [
        ({"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}, 100, 10),
        ({"prompt_tokens": 90, "completion_tokens": 10}, 100, 10),
        ({"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 300}, 300, 210),  # reasoning, untold
        ({"total_tokens": 100}, 100, None), ({"prompt_tokens": 90}, None, None), ({}, None, None), (None, None, None),
    ],
)  # fmt: skip
def test_tokens_are_reported_or_unknown(usage: Any, tokens: int | None, written: int | None) -> None:
    """What was not read was written; what is not reported is None and never 0."""
    found = read_chat(orjson.loads(chat_reply("[1]", usage=usage))).usage
    assert (found.tokens, found.output_tokens) == (tokens, written)


@pytest.mark.parametrize(
    ("body", "said", "passes"),
    [
        ({"error": {"message": "upstream is busy"}}, "contains no message", True),
        ({"choices": []}, "contains no message", True), ([], "contains no message", True),
        (None, "contains no message", True),
    ],
)  # fmt: skip
def test_a_reply_without_a_message_is_a_failure(body: Any, said: str, *, passes: bool) -> None:
    """An error in a good reply may pass."""
    with pytest.raises(CallError, match=said) as raised:
        read_chat(body)
    assert raised.value.kind == "reply"
    assert raised.value.remedy.transient is passes


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"message": {"content": None, "refusal": "I won't"}}, "the model refused to answer: I won't"),
        ({"message": {"content": ""}, "finish_reason": "content_filter"}, "a content filter removed the answer"),
        ({"message": {"content": "2", "refusal": "no"}}, ""), ({"message": {"content": None, "refusal": ""}}, ""),
        ({"message": {"content": "2"}, "finish_reason": "content_filter"}, ""),
    ],
)  # fmt: skip
def test_a_refusal_is_read_from_where_it_is_stated(choice: Any, said: str) -> None:
    """A message without text may say that the model or a filter refused; its tokens are known all the same."""
    reply = read_chat({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    assert (reply.refusal, reply.usage.tokens) == (said, 4)
