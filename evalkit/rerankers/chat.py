"""The wire of an OpenAI-compatible chat API: one question, and one answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from evalkit.dialects import read_error_message
from evalkit.dialects.reading import first_amount, whole
from evalkit.dialects.shape import dig
from evalkit.errors import RETRYABLE, CallError
from evalkit.records import Usage

OWN_KEYS = frozenset({"model", "messages", "temperature", "max_tokens", "n", "stream"})
"""Keys of a request that no option may set: settings of their own, and what would give another reply."""
_SHOWN = 120
"""Characters of a sentence shown in a message."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a reply says.

    Attributes
    ----------
    text
        The answer; empty where the model gave none.
    cut
        Whether it ended because it was long enough, and not because it was done.
    reasoned
        Whether there is reasoning beside it.
    model
        None where the reply names none.
    usage
        Tokens read and written.
    """

    text: str
    cut: bool
    reasoned: bool
    model: str | None
    usage: Usage


def chat_address(url: str) -> str:
    """Return the address of the chat endpoint, given that, the API's base or its host.

    >>> chat_address("http://127.0.0.1:11434")
    'http://127.0.0.1:11434/v1/chat/completions'
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/") or "/v1"
    if not path.endswith("/chat/completions"):
        path = f"{path.removesuffix('/chat')}/chat/completions"
    return urlunsplit(parts._replace(path=path))


def chat_headers(key: str | None) -> dict[str, str]:
    """Return the headers that hold the key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def chat_request(
    model: str, question: str, temperature: float, most_tokens: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a request. The answer's limit goes by the name that an option may give it."""
    limit = {} if "max_completion_tokens" in options else {"max_tokens": most_tokens}
    messages = [{"role": "user", "content": question}]
    return {"model": model, "messages": messages, "temperature": temperature, **limit, **options}


def read_chat(body: Any) -> ChatReply:
    """Read a reply.

    Parameters
    ----------
    body
        Parsed JSON.

    Raises
    ------
    CallError
        Kind ``reply``, if it holds no message, or the model refuses to answer.
    """
    choices = dig(body, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = dig(choice, "message")
    if not isinstance(message, dict):
        # Some gateways answer 200 and put the error of what stands behind them into the body.
        said = read_error_message(body) if isinstance(body, dict) else None
        why = f": {said[:_SHOWN]}" if said else ""
        raise CallError("reply", f"the reply holds no message{why}", remedy=RETRYABLE)
    text = _text(message.get("content"))
    refusal = message.get("refusal")
    if not text.strip() and isinstance(refusal, str) and refusal:
        raise CallError("reply", f"the model refuses to answer: {refusal[:_SHOWN]}")
    model = dig(body, "model")
    return ChatReply(
        text=text,
        cut=dig(choice, "finish_reason") == "length",
        reasoned=any(_text(message.get(key)).strip() for key in ("reasoning_content", "reasoning")),
        model=model if isinstance(model, str) and model else None,
        usage=_usage(body),
    )


def _text(content: Any) -> str:
    """Return a message's text, whether it is one or comes in parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(text for part in parts if isinstance(text := dig(part, "text"), str))


def _usage(body: Any) -> Usage:
    """Return what the API counted; what is not read was written, reasoning that is not told included."""
    read = first_amount(body, ["usage.prompt_tokens"])
    written = first_amount(body, ["usage.completion_tokens"])
    both = None if read is None or written is None else read + written
    total = first_amount(body, ["usage.total_tokens"])
    total = both if total is None else total
    if total is not None and read is not None and total >= read:
        written = total - read
    return Usage(
        tokens=whole(total), output_tokens=whole(written), cost_usd=first_amount(body, ["usage.cost"])
    )
