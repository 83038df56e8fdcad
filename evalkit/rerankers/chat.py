"""Requests and replies of an OpenAI-compatible chat API: one question and one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from evalkit.dialects.reading import first_amount, unusable_amounts, whole
from evalkit.dialects.shape import dig
from evalkit.errors import RETRYABLE, CallError, shortened
from evalkit.records import Usage

OWN_KEYS = frozenset({"model", "messages", "temperature", "max_tokens", "n", "stream"})
"""Request keys that `options` may not set: they have their own settings, or change the format of the reply."""
_COUNTS = ("usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens")
_SHOWN = 300
"""Characters of a server's sentence in a message above which its middle is left out."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A parsed reply.

    Attributes
    ----------
    text
        The answer; empty if the model returned none.
    cut
        Whether the answer was cut at the token limit.
    reasoned
        Whether the reply contains reasoning as well.
    model
        The model named in the reply; None if it names none.
    usage
        Tokens read and written.
    unusable
        What stands in the reply as an amount but is none: field -> value.
    refusal
        Why the model or a content filter gave no answer; empty if it was not refused.
    logprobs
        Log-probabilities of the answer's tokens as the server sent them; None if it sent none.
    """

    text: str
    cut: bool
    reasoned: bool
    model: str | None
    usage: Usage
    unusable: Mapping[str, str]
    refusal: str = ""
    logprobs: Any = None

    @property
    def is_cut(self) -> bool:
        """Whether the model was cut off before or in its answer, which its reasoning may have used up."""
        return self.cut or (self.reasoned and not self.text.strip())


def chat_address(url: str) -> str:
    """Return the address of the chat endpoint, given that address, the API's base or its host.

    >>> chat_address("http://127.0.0.1:11434")
    'http://127.0.0.1:11434/v1/chat/completions'
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/") or "/v1"
    if not path.endswith("/chat/completions"):
        path = f"{path.removesuffix('/chat')}/chat/completions"
    return urlunsplit(parts._replace(path=path))


def chat_headers(key: str | None, header: str | None = None, prefix: str | None = None) -> dict[str, str]:
    """Return the header with the key; empty without a key.

    Parameters
    ----------
    key
        The API key.
    header, prefix
        Name of the header, and the text before the key; None for ``Authorization`` and ``"Bearer "``.
    """
    return {header or "Authorization": f"{'Bearer ' if prefix is None else prefix}{key}"} if key else {}


def chat_request(
    model: str, question: str, temperature: float, most_tokens: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the body of a request; the option ``max_completion_tokens`` replaces ``max_tokens``."""
    limit = {} if "max_completion_tokens" in options else {"max_tokens": most_tokens}
    messages = [{"role": "user", "content": question}]
    return {"model": model, "messages": messages, "temperature": temperature, **limit, **options}


def read_chat(body: Any) -> ChatReply:
    """Return the content of a reply.

    Parameters
    ----------
    body
        Parsed JSON.

    Raises
    ------
    CallError
        Kind ``reply``, if the reply contains no message.
    """
    choices = dig(body, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = dig(choice, "message")
    text = _text(dig(message, "content"))
    # Some gateways return an error in place of a choice, with an empty message.
    if not isinstance(message, dict) or (dig(choice, "error") and not text.strip()):
        raise CallError("reply", "the reply contains no message", remedy=RETRYABLE)
    model = dig(body, "model")
    return ChatReply(
        text=text,
        cut=dig(choice, "finish_reason") == "length",
        reasoned=any(_text(message.get(key)).strip() for key in ("reasoning_content", "reasoning")),
        model=model if isinstance(model, str) and model else None,
        usage=_usage(body),
        unusable=unusable_amounts(body, _COUNTS, ["usage.cost"]),
        refusal="" if text.strip() else _refusal(choice, message),
        logprobs=dig(choice, "logprobs"),
    )


def _refusal(choice: Any, message: Mapping[str, Any]) -> str:
    """Return why a message has no answer; empty if nothing says so."""
    stated = message.get("refusal")
    if isinstance(stated, str) and stated:
        return f"the model refused to answer: {shortened(stated, _SHOWN)}"
    filtered = dig(choice, "finish_reason") == "content_filter"
    return "a content filter removed the answer" if filtered else ""


def _text(content: Any) -> str:
    """Return a message's text; its content is either a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(text for part in parts if isinstance(text := dig(part, "text"), str))


def _usage(body: Any) -> Usage:
    """Return the reported usage. Output tokens are total minus read tokens, which includes hidden reasoning."""
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
