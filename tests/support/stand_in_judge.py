"""A chat server on loopback that grades documents as people did, through a known confusion, or fails as a test wants.

It reads query and document between the fences of evalkit's prompt, and counts how often it was asked for each pair.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from evalkit.records import Dataset
from support.stand_in import stand_in
from support.stand_in_chat import Reply, chat_reply

Texts = tuple[str, str]
"""The texts of a query and of a document."""
LENIENT = {
    0: (0.70, 0.20, 0.08, 0.02),
    1: (0.25, 0.45, 0.25, 0.05),
    2: (0.05, 0.25, 0.50, 0.20),
    3: (0.00, 0.05, 0.25, 0.70),
}
"""Human grade -> how often the stand-in answers each grade, such as judges that overrate."""
_FENCE = re.compile(r"lines have the code ([0-9a-f]{16})\.")


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes
    ----------
    query, document, requirements
        The texts between the fences; the last one is empty without an instruction of the query.
    number
        Number of the request on the server, from 0.
    attempt
        Number of the request for this pair, from 1.
    body
        The request.
    """

    query: str
    document: str
    requirements: str
    number: int
    attempt: int
    body: Any

    @property
    def texts(self) -> Texts:
        """The pair."""
        return self.query, self.document


def texts_of(prompt: str) -> tuple[str, str, str]:
    """Return query, document and requirements of a prompt, which end at its fence and nowhere else."""
    fence = _FENCE.search(prompt)
    assert fence, f"this is no prompt of a judge: {prompt[:200]}"

    def block(name: str) -> str:
        _, found, rest = prompt.partition(f"\nBEGIN {name} {fence[1]}\n")
        return rest.partition(f"\nEND {name} {fence[1]}\n")[0] if found else ""

    return block("QUERY"), block("DOCUMENT"), block("REQUIREMENTS")


def human_grades(dataset: Dataset) -> dict[Texts, int]:
    """Return the grades of a dataset's judgments by the texts of their pairs."""
    queries = {query.query_id: query.text for query in dataset.queries}
    return {
        (queries[query_id], dataset.corpus.text(doc_id)): int(grade)
        for query_id, judged in dataset.qrels.grades.items()
        for doc_id, grade in judged.items()
        if query_id in queries and doc_id in dataset.corpus
    }


def confused(grade: int, confusion: Mapping[int, Sequence[float]], texts: Texts) -> int:
    """Return the grade that is answered in place of a human one: always the same for the same pair."""
    digest = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:6], "big") / 2**48
    edges = np.cumsum(confusion[grade])
    return int(np.searchsorted(edges / edges[-1], place, side="right"))


def as_json(grade: int) -> str:
    """Answer in the form that is asked for."""
    return f'{{"grade": {grade}}}'


def in_a_code_fence(grade: int) -> str:
    """Answer with JSON in a code fence."""
    return f'```json\n{{\n  "grade": {grade}\n}}\n```'


def in_prose(grade: int) -> str:
    """Answer with the number in a sentence."""
    return f"The document covers what the query asks for in part.\n\nGrade: **{grade}**"


def after_thinking(grade: int) -> str:
    """Answer after thoughts that name other grades."""
    return f'<think>Is it 3, or 1? {{"grade": 0}} would be too low.</think>\n{as_json(grade)}'


def with_several_numbers(grade: int) -> str:
    """Answer with two grades."""
    return f"{grade} or {(grade + 1) % 4}"


def refused() -> Reply:
    """Refuse to answer, as OpenAI's models do."""
    return 200, chat_reply(None, message={"refusal": "I can't help with that."})


def too_many_requests(wait_s: float = 0.01) -> Reply:
    """Refuse a request for the rate."""
    return 429, orjson.dumps({"error": {"message": "slow down"}}), {"Retry-After": f"{wait_s:g}"}


def broken() -> Reply:
    """Fail as a server does."""
    return 500, orjson.dumps({"error": {"message": "internal error"}})


def unknown_key(key: str) -> Reply:
    """Refuse a key of the request."""
    message = f"Unsupported parameter: '{key}' is not supported with this model."
    return 400, orjson.dumps({"error": {"message": message, "param": key, "type": "invalid_request_error"}})


@dataclass
class JudgeServer:
    """Grades pairs as people did; `disturb` may answer instead.

    Attributes
    ----------
    grades
        Human grades by the texts of the pairs. A truncated document has the grade of the one that it begins.
    confusion
        Human grade -> probabilities of the answers (`LENIENT`, for example); None to answer the human grade.
    unjudged
        The human grade of every other pair.
    says
        A grade in; the answer in words out.
    disturb
        A request in; a reply out, or None to let it be graded.
    delay_s
        How long each request takes.
    refused_keys
        Keys of a request that the server does not accept: ``response_format``, for example.
    model
        The model that replies name; None for the one that is asked for.
    asked, graded
        How often each pair was asked for, and graded.
    prompts, bodies
        The questions and the requests, in turn.
    """

    grades: Mapping[Texts, int] = field(default_factory=dict)
    confusion: Mapping[int, Sequence[float]] | None = None
    unjudged: int = 0
    says: Callable[[int], Any] = as_json
    disturb: Callable[[Asked], Reply | None] = lambda _asked: None
    delay_s: float = 0.0
    refused_keys: frozenset[str] = frozenset()
    model: str | None = None
    asked: Counter[Texts] = field(default_factory=Counter)
    graded: Counter[Texts] = field(default_factory=Counter)
    prompts: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def grade_of(self, texts: Texts) -> int:
        """Return the grade that the server gives to a pair."""
        human = self.grades.get(texts)
        if human is None:
            longer = (
                grade for (query, document), grade in self.grades.items()
                if texts[1] and query == texts[0] and document.startswith(texts[1])
            )  # fmt: skip
            human = next(longer, self.unjudged)
        return human if self.confusion is None else confused(human, self.confusion, texts)

    def answer(self, body: Any, _headers: dict[str, str]) -> Reply:
        """Answer one request."""
        refused_key = next((key for key in body if key in self.refused_keys), None)
        (message,) = body["messages"]
        query, document, requirements = texts_of(message["content"])
        with self._lock:
            self.bodies.append(body)
            if refused_key is not None:
                return unknown_key(refused_key)
            self.asked[query, document] += 1
            self.prompts.append(message["content"])
            asked = Asked(
                query,
                document,
                requirements,
                len(self.prompts) - 1,
                self.asked[query, document],
                body,
            )
        if self.delay_s:
            time.sleep(self.delay_s)
        instead = self.disturb(asked)
        if instead is not None:
            return instead
        with self._lock:
            self.graded[asked.texts] += 1
        return 200, chat_reply(self.says(self.grade_of(asked.texts)), self.model or body["model"])

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a free port; yield the host's address."""
        with stand_in(self.answer) as url:
            yield url.removesuffix("/v1/rerank")
