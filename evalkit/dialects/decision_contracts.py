"""Requests and replies of decision APIs: content, typed questions about it, and their answers as probabilities.

There are two wire contracts. They are similar enough to be confused and different enough to be misread, so a
configuration names one. Nothing here does I/O.

References
----------
OpenAI Decisions: types of the package openai 3.57.0 (``openai.types.decision``, ``decision_create_params``).
System One: schemas of the package typesafe-sdk 0.7.5 (``typesafe_sdk._schemas.models``).
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit, urlunsplit

from evalkit.dialects.decision_records import (
    Content,
    DecisionAnswer,
    DecisionReply,
    Predicate,
    Question,
    Scale,
)
from evalkit.dialects.reading import first_amount, unusable_amounts, whole
from evalkit.dialects.shape import dig
from evalkit.errors import CallError
from evalkit.records import Usage, shown_amount

ContractName = Literal["openai", "system_one"]
_VERSION = re.compile(r".*/v\d+")
_REFUSED = "refused"
_FAR = 1e6
_ROUNDING = 0.005
"""Largest error of a number that was rounded to two decimals."""


class Contract(ABC):
    """A wire contract of decision APIs."""

    name: ClassVar[ContractName]
    home: ClassVar[str]
    """Host and version of the public API."""
    endpoint: ClassVar[str]
    """Path after the version."""
    content_key: ClassVar[str]
    most_questions: ClassVar[int | None] = None
    """Questions of one request; None if the API documents no limit."""
    most_tokens: ClassVar[int]
    """Tokens of one request, content and questions together."""
    types: ClassVar[Mapping[type, str]]
    """Kind of question -> its type in requests and answers."""
    probability_key: ClassVar[str]

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of a request, which no option may set."""
        return frozenset({"model", "questions", self.content_key})

    @property
    def public_url(self) -> str:
        """The address of the public API."""
        return f"{self.home}{self.endpoint}"

    def address(self, url: str) -> str:
        """Return the address that requests are posted to, given it, the API's base or its host.

        >>> CONTRACTS["system_one"].address("http://127.0.0.1:8811")
        'http://127.0.0.1:8811/v1/systemone'
        """
        parts = urlsplit(url)
        path = parts.path.rstrip("/") or "/v1"
        complete = _VERSION.fullmatch(path) is None
        return url if complete else urlunsplit(parts._replace(path=f"{path}{self.endpoint}"))

    def encode(
        self, model: str, content: Content, questions: Sequence[Question], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the body of a request.

        Parameters
        ----------
        model
            Name of the model.
        content
            What the questions are about. Texts stay in fields of their own, which they cannot end.
        questions
            The questions; their names differ.
        options
            Further keys of the body.
        """
        return {
            "model": model,
            self.content_key: self._content(content),
            "questions": self._questions(questions),
            **options,
        }

    def decode(self, body: Any, questions: Sequence[Question]) -> DecisionReply:
        """Return the answers of a reply, in the order of the questions.

        Parameters
        ----------
        body
            Parsed JSON.
        questions
            The questions of the request.

        Raises
        ------
        CallError
            Kind ``reply``, if the reply has no answers, has those of another contract, or its answers cannot be
            assigned to the questions. An answer that is missing, refused or wrong is one without a value instead.
        """
        answers = dig(body, "answers")
        self._check_answers(answers)
        found = self._by_name(answers, questions)
        model = dig(body, "model")
        counts = ("usage.input_tokens", "usage.output_tokens")
        read, written = (first_amount(body, [path]) for path in counts)
        return DecisionReply(
            answers=tuple(self._read(question, found.get(question.name)) for question in questions),
            model=model if isinstance(model, str) and model else None,
            usage=Usage(
                tokens=None if read is None else whole(read + (written or 0.0)), output_tokens=whole(written)
            ),
            unusable=unusable_amounts(body, counts),
        )

    @abstractmethod
    def _content(self, content: Content) -> Any: ...

    @abstractmethod
    def encode_question(self, question: Question) -> dict[str, Any]:
        """Return a question as it is sent."""

    @abstractmethod
    def _questions(self, questions: Sequence[Question]) -> Any: ...

    @abstractmethod
    def _check_answers(self, answers: Any) -> None: ...

    @abstractmethod
    def _by_name(self, answers: Any, questions: Sequence[Question]) -> Mapping[str, Any]: ...

    @abstractmethod
    def _distribution(self, answer: Mapping[str, Any], levels: Sequence[str]) -> list[Any] | str:
        """Return the probabilities of the levels as sent, or why they cannot be read."""

    def _read(self, question: Question, answer: Any) -> DecisionAnswer:
        fault = self._fault(question, answer)
        if fault:
            return DecisionAnswer(None, refused=fault == _REFUSED, fault=fault, sent=answer)
        if isinstance(question, Scale):
            return self._read_level(question, answer)
        given = answer.get(self.probability_key)
        probability = _probability(given)
        fault = "" if probability is not None else f"{shown_amount(given)} is no probability"
        return DecisionAnswer(probability, fault=fault, sent=answer)

    def _fault(self, question: Question, answer: Any) -> str:
        """Return why an answer is none to a question; empty if it is one, whatever its numbers."""
        if answer is None:
            return "no answer"
        if not isinstance(answer, Mapping):
            return f"the answer {shown_amount(answer)} is no object"
        kind, wanted = answer.get("type"), self.types[type(question)]
        if kind == "refusal":
            return _REFUSED
        return "" if kind == wanted else f"an answer of type {shown_amount(kind)}, not {wanted!r}"

    def _read_level(self, question: Scale, answer: Mapping[str, Any]) -> DecisionAnswer:
        found = self._distribution(answer, question.levels)
        fault = found if isinstance(found, str) else ""
        shares = [] if isinstance(found, str) else [_probability(value) for value in found]
        known = [share for share in shares if share is not None]
        total = math.fsum(known)
        if not fault and len(known) < len(shares):
            fault = f"the probability {shown_amount(found[shares.index(None)])} is none"
        if not fault and (total <= 0 or abs(total - 1) > _ROUNDING * len(known)):
            fault = f"the probabilities of the levels have the sum {total:.4g}"
        if fault:
            return DecisionAnswer(None, fault=fault, sent=answer)
        expected = math.fsum(level * share for level, share in enumerate(known)) / total
        score = answer.get("score")
        # Both may be rounded, so they may differ by as much as that changes them.
        tolerance = _ROUNDING * (1 + sum(range(len(known)))) + expected * abs(total - 1)
        stated = expected if score is None else _number(score)
        if stated is None or abs(stated - expected) > tolerance:
            fault = f"the score {shown_amount(score)} is not the expected level {expected:.4g}"
            return DecisionAnswer(None, fault=fault, sent=answer)
        return DecisionAnswer(expected, tuple(share / total for share in known), sent=answer)


class OpenAIDecisions(Contract):
    """OpenAI's ``/v1/decisions``."""

    name = "openai"
    home = "https://api.openai.com/v1"
    endpoint = "/decisions"
    content_key = "input"
    most_questions = 400
    most_tokens = 1_050_000
    types: ClassVar[Mapping[type, str]] = {Predicate: "predicate", Scale: "score"}
    probability_key = "probability"

    def _content(self, content: Content) -> Any:
        """Return one message; each text is a JSON part, because the API limits the size of a part."""
        fields = [
            {field: {key: one}} if key else {field: one}
            for field, text in content.items()
            for key, one in (text.items() if isinstance(text, Mapping) else [("", text)])
        ]
        parts = [{"type": "input_json", "data": data} for data in fields]
        return [{"type": "message", "role": "user", "content": parts}]

    def _questions(self, questions: Sequence[Question]) -> Any:
        return [self.encode_question(question) for question in questions]

    def encode_question(self, question: Question) -> dict[str, Any]:
        """Return a question as it is sent."""
        sent = {"type": self.types[type(question)], "name": question.name}
        if isinstance(question, Scale):
            levels = [
                {"label": str(level), "description": words} for level, words in enumerate(question.levels)
            ]
            return {**sent, "instructions": question.instructions, "levels": levels}
        # A predicate has no field for what counts as true and as false.
        descriptions = [("True", question.true), ("False", question.false)]
        lines = [f"{word} if: {text}" for word, text in descriptions if text]
        return {**sent, "instructions": "\n".join([question.instructions, *lines])}

    def _check_answers(self, answers: Any) -> None:
        if isinstance(answers, Mapping):
            raise _other_contract("system_one")
        if not isinstance(answers, list):
            raise CallError("reply", "the reply contains no list of answers under 'answers'")

    def _by_name(self, answers: list[Any], questions: Sequence[Question]) -> Mapping[str, Any]:
        """Assign answers by their names, or by their order where one has no name."""
        named = [dig(answer, "name") for answer in answers]
        asked = [question.name for question in questions]
        if all(isinstance(name, str) for name in named):
            unknown = [name for name in named if name not in asked]
            twice = [name for place, name in enumerate(named) if name in named[:place]]
            if unknown or twice:
                what = f"to {unknown[0]!r}, which was not asked" if unknown else f"twice to {twice[0]!r}"
                raise CallError("reply", f"the reply has an answer {what}")
            return dict(zip(named, answers, strict=True))
        if len(answers) != len(asked):
            raise CallError(
                "reply",
                f"the reply has {len(answers)} answers without names; {len(asked)} questions were asked",
            )
        for name, wanted in zip(named, asked, strict=True):
            if name is not None and name != wanted:
                raise CallError(
                    "reply", f"the reply has an answer to {shown_amount(name)} in place of {wanted!r}"
                )
        return dict(zip(asked, answers, strict=True))

    def _distribution(self, answer: Mapping[str, Any], levels: Sequence[str]) -> list[Any] | str:
        entries = answer.get("probabilities")
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            return "the answer contains no list of probabilities"
        given = {
            (shown_amount(entry.get("value")), shown_amount(entry.get("label"))): entry.get("probability")
            for entry in entries
        }
        wanted = [(str(level), repr(str(level))) for level in range(len(levels))]
        if len(entries) != len(wanted) or set(given) != set(wanted):
            return f"the levels of the answer are not those of the question, 0 to {len(wanted) - 1}"
        return [given[level] for level in wanted]


class SystemOne(Contract):
    """System One: ``/v1/systemone`` of TypeSafe, and of those that speak its contract."""

    name = "system_one"
    home = "https://api.typesafe.ai/v1"
    endpoint = "/systemone"
    content_key = "state"
    most_tokens = 32_000
    types: ClassVar[Mapping[type, str]] = {Predicate: "noul", Scale: "score"}
    probability_key = "noul"

    def _content(self, content: Content) -> Any:
        return {field: dict(text) if isinstance(text, Mapping) else text for field, text in content.items()}

    def _questions(self, questions: Sequence[Question]) -> Any:
        return {question.name: self.encode_question(question) for question in questions}

    def encode_question(self, question: Question) -> dict[str, Any]:
        """Return a question as it is sent."""
        sent = {"type": self.types[type(question)], "instructions": question.instructions}
        if isinstance(question, Scale):
            return {**sent, "criteria": list(question.levels)}
        described = {"true": question.true, "false": question.false}
        criteria = {side: text for side, text in described.items() if text}
        return {**sent, "criteria": criteria} if criteria else sent

    def _check_answers(self, answers: Any) -> None:
        if isinstance(answers, list):
            raise _other_contract("openai")
        if not isinstance(answers, Mapping):
            raise CallError("reply", "the reply contains no object of answers under 'answers'")

    def _by_name(self, answers: Mapping[str, Any], _questions: Sequence[Question]) -> Mapping[str, Any]:
        return answers

    def _distribution(self, answer: Mapping[str, Any], levels: Sequence[str]) -> list[Any] | str:
        given, legend = answer.get("probabilities"), answer.get("legend")
        keys = [str(level) for level in range(len(levels))]
        if not isinstance(given, Mapping):
            return "the answer contains no object of probabilities"
        if set(given) != set(keys):
            return f"the levels of the answer are not those of the question, 0 to {len(keys) - 1}"
        words = [legend.get(key) for key in keys] if isinstance(legend, Mapping) else list(levels)
        if words != list(levels):
            return "the legend of the answer does not have the levels of the question"
        return [given[key] for key in keys]


CONTRACTS: Mapping[str, Contract] = {"openai": OpenAIDecisions(), "system_one": SystemOne()}
"""The contracts by their names in a configuration."""


def _other_contract(name: ContractName) -> CallError:
    return CallError(
        "reply",
        f"the answers of this reply have the form of the contract {name}",
        f"set contract: {name}, if the server speaks it",
    )


def _number(value: Any) -> float | None:
    """Return a number; None for anything else, and for one that is far from any level."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _FAR else None


def _probability(value: Any) -> float | None:
    """Return a number from 0 to 1; None for anything else."""
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None
