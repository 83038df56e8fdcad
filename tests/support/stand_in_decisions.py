"""A decision API on loopback, with either contract: it answers what a test says, and refuses what a test wants."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import orjson
import pytest

from evalkit.records import Dataset, RerankRequest
from support.faulty import hashed_score
from support.stand_in import stand_in

Reply = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
Pair = tuple[str, str]
PATHS = {"openai": "/v1/decisions", "system_one": "/v1/systemone"}
TOKENS_READ, TOKENS_WRITTEN = 90, 10
PRICE = {"usd_per_million_tokens": 0.1, "as_of": "2026-11-28"}
CALL_USD = 90 * 0.1e-6
"""What one reply of the stand-in costs at that price: the tokens read."""
KNOWN_CONFUSION = np.array(
    [[0.7, 0.2, 0.08, 0.02], [0.2, 0.5, 0.25, 0.05], [0.05, 0.2, 0.5, 0.25], [0.02, 0.08, 0.2, 0.7]]
)
"""``(4, 4)`` probability of each answered level, by the grade of people."""


def request_of(*documents: str, instruction: str = "") -> RerankRequest:
    """Return a request with documents d0, d1 and so on."""
    ids = tuple(f"d{place}" for place in range(len(documents)))
    return RerankRequest("q1", "which?", documents, ids, instruction=instruction)


def hashed_probability(query: str, document: str) -> float:
    """Return a probability that depends on both texts."""
    return 0.05 + 0.9 * hashed_score(query, document)


def hashed_levels(query: str, document: str, levels: int = 4) -> list[float]:
    """Return probabilities of levels that depend on both texts."""
    weights = [0.1 + hashed_score(f"{level} {query}", document) for level in range(levels)]
    return [weight / sum(weights) for weight in weights]


def by_people(dataset: Dataset, confusion: np.ndarray = KNOWN_CONFUSION) -> Callable[[str, str], list[float]]:
    """Return the levels that a judge answers who sees the grades of people through a confusion matrix."""
    queries = {query.text: query.query_id for query in dataset.queries}
    documents = {dataset.corpus.text(doc_id): doc_id for doc_id in dataset.corpus.doc_ids}

    def levels(query: str, document: str) -> list[float]:
        grade = dataset.qrels.of(queries[query]).get(documents[document], 0)
        return confusion[int(grade)].tolist()  # type: ignore[no-any-return]

    return levels


@dataclass
class DecisionServer:
    """Answers questions about one document of the content each.

    Attributes
    ----------
    contract
        ``openai`` or ``system_one``.
    probability, levels
        Query and document in; the probability of yes, or those of the levels out.
    shift
        What is added to the probability of yes: place of the document from 0, texts of the list, and the question.
    refused, unanswered
        Texts whose questions are refused, or have no answer.
    shuffled
        Whether the answers and the levels are in a random order, where the contract has names for them.
    named
        Whether answers have the names of their questions, where the contract lets them have none.
    wait_s
        Time that an answer takes.
    model
        The model that replies name; that of the request without one.
    disturb
        Number of the request, from 0, and its headers in; a reply out, or None to let it be answered.
    bodies, asked
        Requests, and the pairs of those that are not refused, in turn.
    answered
        Of these, the pairs whose answer was made.
    """

    contract: str = "openai"
    probability: Callable[[str, str], float] = hashed_probability
    levels: Callable[[str, str], Sequence[float]] = hashed_levels
    shift: Callable[[int, Sequence[str], str], float] = lambda _place, _texts, _question: 0.0
    refused: frozenset[str] = frozenset()
    unanswered: frozenset[str] = frozenset()
    shuffled: bool = False
    named: bool = True
    wait_s: float = 0.0
    model: str | None = None
    disturb: Callable[[int, dict[str, str]], Reply | None] = lambda _number, _headers: None
    bodies: list[Any] = field(default_factory=list)
    asked: list[Pair] = field(default_factory=list)
    answered: list[Pair] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: Any, headers: dict[str, str]) -> Reply:
        """Answer one request."""
        with self._lock:
            number = len(self.bodies)
            self.bodies.append(body)
        instead = self.disturb(number, headers)
        if instead is not None:
            return instead
        fault = _fault(body, self.contract)
        if fault is not None:
            return 422, orjson.dumps(fault)
        content, questions = _read(body, self.contract)
        pairs = {name: (content["query"], _document(name, asked, content)) for name, asked in questions}
        texts = [text for _, text in pairs.values()]
        with self._lock:
            self.asked += pairs.values()
        time.sleep(self.wait_s)
        answers = {
            name: self._answer(
                name, question, *pairs[name], self.shift(place, texts, question["instructions"])
            )
            for place, (name, question) in enumerate(questions)
            if pairs[name][1] not in self.unanswered
        }
        with self._lock:
            self.answered += pairs.values()
        return 200, orjson.dumps(self._reply(body, answers))

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a free port; yield the host's address."""
        with stand_in(self.answer) as url:
            yield url.removesuffix("/v1/rerank")

    def _answer(
        self, name: str, question: Mapping[str, Any], query: str, text: str, shift: float
    ) -> dict[str, Any]:
        if text in self.refused:
            return {"type": "refusal", "name": name}
        if question["type"] != "score":
            key = "probability" if self.contract == "openai" else "noul"
            return {"type": question["type"], key: self.probability(query, text) + shift}
        shares = list(self.levels(query, text))
        expected = sum(level * share for level, share in enumerate(shares))
        answer: dict[str, Any] = {"type": "score", "score": expected, "confidence": max(shares)}
        if self.contract == "openai":
            levels = [
                {"label": level["label"], "value": value, "probability": share}
                for value, (level, share) in enumerate(zip(question["levels"], shares, strict=True))
            ]
            return {**answer, "probabilities": self._in_some_order(levels)}
        legend = {str(level): words for level, words in enumerate(question["criteria"])}
        shown = self._in_some_order([(str(level), share) for level, share in enumerate(shares)])
        return {**answer, "legend": legend, "probabilities": dict(shown)}

    def _reply(self, body: Any, answers: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        usage: dict[str, Any] = {"input_tokens": TOKENS_READ, "output_tokens": TOKENS_WRITTEN}
        reply = {"model": self.model or body["model"], "usage": usage}
        if self.contract == "system_one":
            return {**reply, "answers": dict(self._in_some_order(list(answers.items())))}
        usage |= {
            "total_tokens": TOKENS_READ + TOKENS_WRITTEN,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        listed = [{**one, "name": name if self.named else None} for name, one in answers.items()]
        return {**reply, "answers": self._in_some_order(listed) if self.named else listed}

    def _in_some_order(self, items: list[Any]) -> list[Any]:
        if self.shuffled:
            random.Random(len(self.bodies)).shuffle(items)  # noqa: S311 - an order, no secret
        return items


def busy(wait: Mapping[str, str]) -> Reply:
    """Return a refusal for the rate, with the headers that say when to come again."""
    return 429, b'{"error": {"message": "Rate limit reached", "type": "rate_limit_error"}}', dict(wait)


def refused(status: int, message: str) -> Reply:
    """Return an error as OpenAI writes it."""
    error = {"message": message, "type": "invalid_request_error", "code": None, "param": None}
    return status, orjson.dumps({"error": error})


def _fault(body: Any, contract: str) -> dict[str, Any] | None:
    """Return what the API says of a request of another contract; None if it is one of its own."""
    key, container = ("input", list) if contract == "openai" else ("state", dict)
    if contract == "openai" and key not in body:
        return {"error": {"message": "Missing required parameter: 'input'.", "param": "input"}}
    if key not in body:
        return {"detail": [{"loc": ["body", key], "msg": "Field required", "type": "missing"}]}
    questions = body.get("questions")
    if not isinstance(questions, container) or not questions:
        return {"detail": [{"loc": ["body", "questions"], "msg": "Invalid questions", "type": "type"}]}
    return None


def _read(body: Any, contract: str) -> tuple[dict[str, Any], list[tuple[str, Mapping[str, Any]]]]:
    """Return the content's fields, and the questions by their names."""
    if contract == "system_one":
        return body["state"], list(body["questions"].items())
    questions = [(question["name"], question) for question in body["questions"]]
    if isinstance(body["input"], str):
        return {"query": body["input"]}, questions
    content: dict[str, Any] = {}
    (message,) = body["input"]
    for part in message["content"]:
        assert part["type"] == "input_json"
        for name, value in part["data"].items():
            content[name] = {**content.get(name, {}), **value} if isinstance(value, dict) else value
    return content, questions


def _document(name: str, question: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """Return the text that a question is about: that with its name, the only one, or the question itself."""
    texts = content.get("documents", {})
    text = texts[name] if texts else content.get("document", question["instructions"])
    assert isinstance(text, str)
    return text


class OfOneServer:
    """A server of one contract for all tests of a class."""

    contract: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serve(cls) -> Iterator[None]:
        with DecisionServer(cls.contract, shuffled=True).running() as url:
            cls.settings = {**cls.settings, "url": url, "contract": cls.contract, "model": "m"}
            yield
