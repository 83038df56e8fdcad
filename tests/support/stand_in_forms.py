"""A chat server on loopback that knows how relevant documents are, and answers each form of question of `chat`.

It reads the question of a request as a model would: the texts between fences, or the labelled lines.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from support.stand_in import stand_in
from support.stand_in_chat import Reply, chat_reply
from support.stand_in_judge import texts_of

FORMS = ("yes_no", "graded", "setwise", "pairwise", "first_token")
POINTWISE = ("yes_no", "graded")
OTHERS = 0.02
"""Probability of the tokens that answer nothing."""
_QUERY = re.compile(r"^Query: (.*)$", re.MULTILINE)
_LABELLED = re.compile(r"^\[([0-9]+|[A-Z])\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes
    ----------
    query, documents
        The texts.
    labels
        Of the documents; empty for one document between fences.
    answers
        What may be answered: words, digits or labels.
    """

    query: str
    documents: tuple[str, ...]
    labels: tuple[str, ...]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, body: Any) -> Asked:
        """Read the question of a request."""
        (message,) = body["messages"]
        text = message["content"]
        if "BEGIN DOCUMENT" in text and "lines have the code" in text:
            query, document, _ = texts_of(text)
            answers = ("Yes", "No") if text.endswith("Yes or No.") else ("0", "1", "2", "3")
            return cls(query, (document,), (), answers)
        labelled = _LABELLED.findall(text)
        (query,) = _QUERY.findall(text)
        labels = tuple(label for label, _ in labelled)
        numbers = tuple(str(number) for number in range(1, len(labels) + 1))
        assert labels in {numbers, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(labels)])}
        return cls(query, tuple(document for _, document in labelled), labels, labels)


def logprobs_of(shares: Mapping[str, float], written: str, most: int) -> dict[str, Any]:
    """Return log-probabilities as OpenAI, vLLM and llama.cpp report them, the most probable tokens first."""
    tops = [
        {"token": token, "logprob": math.log(share), "bytes": list(token.encode())}
        for token, share in sorted(shares.items(), key=lambda one: -one[1])
        if share > 0
    ]
    entry = {"token": written, "logprob": math.log(max(shares[written], 1e-9)), "bytes": None}
    return {"content": [{**entry, "top_logprobs": tops[:most]}]}


def by_relevance(asked: Asked, relevance: Sequence[float]) -> dict[str, float]:
    """Return the probability of each answer of a model that knows the relevance of documents, from 0 to 1."""
    if asked.answers == ("Yes", "No"):
        (one,) = relevance
        # A model's vocabulary has several tokens for one word.
        return {"Yes": 0.75 * one, " yes": 0.25 * one, "No": 1 - one}
    if not asked.labels:
        (one,) = relevance
        grade = min(int(3 * one), 2)
        part = 3 * one - grade
        return {str(grade): 1 - part, str(grade + 1): part}
    weights = [math.exp(8 * one) for one in relevance]
    return {label: weight / sum(weights) for label, weight in zip(asked.labels, weights, strict=True)}


@dataclass
class FormServer:
    """Answers by relevance; `disturb` may answer instead.

    Attributes
    ----------
    relevance
        Of a document to a query, from 0 to 1.
    most
        Most log-probabilities of a token; None for a server that reports none.
    prefers_first
        Whether the first of several documents is named, whatever it is.
    says
        A label in; the answer in words out.
    disturb
        Number of the request, from 0, and its question in; a reply out, or None to let it be answered.
    asked, bodies
        Questions and requests that got an answer, in turn.
    """

    relevance: Callable[[str, str], float]
    most: int | None = 20
    prefers_first: bool = False
    says: Callable[[str], Any] = lambda label: f"[{label}]"
    disturb: Callable[[int, Asked], Reply | None] = lambda _number, _asked: None
    asked: list[Asked] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: Any, _headers: dict[str, str]) -> Reply:
        """Answer one request."""
        asked = Asked.of(body)
        with self._lock:
            number, self.requests = self.requests, self.requests + 1
        instead = self.disturb(number, asked)
        if instead is not None:
            return instead
        with self._lock:
            self.asked.append(asked)
            self.bodies.append(body)
        relevance = [self.relevance(asked.query, text) for text in asked.documents]
        shares = by_relevance(asked, relevance)
        best = (
            asked.labels[0]
            if self.prefers_first and asked.labels
            else max(shares, key=lambda one: shares[one])
        )
        text = best
        if asked.labels and not body.get("logprobs"):
            text = self.says(best)
        elif not asked.labels and "JSON" in body["messages"][0]["content"]:
            text = f'{{"grade": {best}}}'
        logprobs = None
        if body.get("logprobs") and self.most is not None:
            rest = {token: share * (1 - OTHERS) for token, share in shares.items()}
            most = min(self.most, body["top_logprobs"])
            logprobs = logprobs_of({**rest, "The": OTHERS / 2, "Sure": OTHERS / 2}, best, most)
        return 200, chat_reply(text, body["model"], logprobs=logprobs)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a free port; yield the host's address."""
        with stand_in(self.answer) as url:
            yield url.removesuffix("/v1/rerank")
