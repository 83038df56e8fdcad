"""A chat server on loopback that sorts what it is asked to sort, or says what a test tells it to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from support.stand_in import stand_in

Relevance = Callable[[str, str], float]
Reply = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
_QUERY = re.compile(r"^Query: (.*)$", re.MULTILINE)
_DOCUMENT = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """What a window's question asks for."""

    query: str
    documents: tuple[str, ...]

    @classmethod
    def of(cls, body: Any) -> Question:
        """Read the question of a request, whose documents must be numbered from 1."""
        (message,) = body["messages"]
        numbered = _DOCUMENT.findall(message["content"])
        assert [int(number) for number, _ in numbered] == list(range(1, len(numbered) + 1))
        (query,) = _QUERY.findall(message["content"])
        return cls(query, tuple(text for _, text in numbered))


def chain(order: Sequence[int]) -> str:
    """Write indices as the answer that is asked for."""
    return " > ".join(f"[{index + 1}]" for index in order)


def chat_reply(text: Any, model: str = "m", **changes: Any) -> bytes:
    """Return a reply of 90 tokens read and 10 written, with changes to its message or to itself."""
    message = {"role": "assistant", "content": text, **changes.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": changes.pop("finish_reason", "stop")}
    choice |= {"logprobs": changes.pop("logprobs", None)}
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    return orjson.dumps(
        {"object": "chat.completion", "model": model, "choices": [choice], "usage": usage, **changes}
    )


def word_overlap(query: str, document: str) -> float:
    """Return how many words two texts share, longer documents being a little worse."""
    shared = set(query.lower().split()) & set(document.lower().split())
    return len(shared) - len(document) / 1e6


@dataclass
class ChatServer:
    """Sorts by relevance; `disturb` may answer instead.

    Attributes
    ----------
    relevance
        Of a document to a query.
    says
        Indices in the order of relevance in; the answer in words out.
    disturb
        Number of the request, from 0, and its headers in; a reply out, or None to let it be answered.
    answered
        Questions that got an answer, in turn.
    bodies
        Requests, in turn.
    """

    relevance: Relevance = word_overlap
    says: Callable[[Sequence[int]], Any] = chain
    disturb: Callable[[int, dict[str, str]], Reply | None] = lambda _number, _headers: None
    answered: list[Question] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    def answer(self, body: Any, headers: dict[str, str]) -> Reply:
        """Answer one request."""
        question = Question.of(body)
        self.bodies.append(body)
        instead = self.disturb(len(self.bodies) - 1, headers)
        if instead is not None:
            return instead
        self.answered.append(question)
        relevance = [self.relevance(question.query, text) for text in question.documents]
        order = sorted(range(len(relevance)), key=lambda index: (-relevance[index], index))
        return 200, chat_reply(self.says(order), body["model"])

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a free port; yield the host's address."""
        with stand_in(self.answer) as url:
            yield url.removesuffix("/v1/rerank")
