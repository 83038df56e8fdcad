"""The server's side of the decision APIs: rerankers answer questions for relevance in both contracts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from evalkit.dialects.decision_contracts import CONTRACTS, Contract
from evalkit.dialects.decision_reading import (
    MARK,
    QuestionReader,
    Refusals,
    SentQuestion,
    read_content,
)
from evalkit.dialects.decision_records import OUR_WORDING, Predicate, RelevanceWording, Scale
from evalkit.dialects.refusals import field_error, openai_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_reading import refuse_unknown_keys
from evalkit.dialects.served_format import ServedFormat
from evalkit.dialects.wire import RelevanceQuestion, WireError, WireRequest
from evalkit.records import shown_amount


class DecisionFormat(ServedFormat):
    """A decision API in front of a reranker: the probability of relevance is that of yes.

    Parameters
    ----------
    wordings
        How a question for relevance may be worded, in addition to that of the backend `decisions`.
    """

    name: ClassVar[str]
    """Its name in metrics and log."""
    contract: ClassVar[Contract]
    options: ClassVar[frozenset[str]] = frozenset()
    """Further request keys, which change no answer."""
    gives_probabilities = True
    served_under_name = False

    def __init__(self, wordings: Sequence[RelevanceWording] = ()) -> None:
        self._wordings = (OUR_WORDING, *wordings)
        self.refusals = Refusals(self.refusal_status)

    def known_keys(self) -> frozenset[str]:
        """Return the keys of a request's body that the service reads."""
        return self.contract.own_keys | self.options

    def decode_request(self, body: Any, _path_model: str | None = None) -> WireRequest:
        """Read a request; see `ServedFormat.decode_request`.

        Raises
        ------
        WireError
            If the API would reject it, or if it asks for what a reranker has no answer to.
        """
        if not isinstance(body, dict):
            raise WireError(self.refusal_status, "invalid_request", "the body must be a JSON object")
        refuse_unknown_keys(body, self.known_keys(), self.refusal_status)
        model = self.refusals.text(body, "model", "")
        for key in (self.contract.content_key, "questions"):
            if body.get(key) is None:
                raise WireError(self.refusal_status, "missing_parameter", f"'{key}' is required", key)
        content = read_content(
            self._content(body[self.contract.content_key]), self.contract.content_key, self.refusals
        )
        instructed = bool(content.instruction)

        def encode(wording: RelevanceWording, is_scale: bool) -> SentQuestion:
            ask = wording.rate if is_scale else wording.ask
            return self._sent(
                self.contract.encode_question(ask("", MARK, instructed=instructed)), None, "questions"
            )

        reader = QuestionReader(self._wordings, encode, content, self.refusals)
        questions = tuple(reader.read(self._sent(*one)) for one in self._questions(body["questions"]))
        return WireRequest(
            model=model,
            query=content.query,
            documents=tuple(reader.texts.values()),
            instruction=content.instruction,
            questions=questions,
        )

    def encode_response(
        self,
        request: WireRequest,
        scores: Sequence[float],
        tokens: int,
        _order: Sequence[int] | None = None,
        _facts: ReplyFacts | None = None,
    ) -> Any:
        """Return the JSON body of a reply with an answer to every question; see `ServedFormat.encode_response`.

        `scores` are the probabilities that the documents are relevant.
        """
        answers = [(one.name, self._answer(one, float(scores[one.document]))) for one in request.questions]
        return {"model": request.model, "answers": self._answers(answers), "usage": self._usage(tokens)}

    def _answer(self, question: RelevanceQuestion, probability: float) -> dict[str, Any]:
        """Return the answer to a question: the second of two levels has the probability of relevance."""
        if question.levels is None:
            kind = self.contract.types[Predicate]
            return {"type": kind, self.contract.probability_key: probability}
        shares = (1.0 - probability, probability)
        answer = {"type": self.contract.types[Scale], "score": probability, "confidence": max(shares)}
        return {**answer, **self._distribution(question.levels, shares)}

    def _sent(self, question: Any, name: str | None, path: str) -> SentQuestion:
        """Return a question as it was sent.

        Raises
        ------
        WireError
            If it is malformed or of a type that no reranker answers.
        """
        if not isinstance(question, Mapping):
            raise self.refusals.invalid(path, "must be an object")
        kind, types = self.refusals.text(question, "type", path), self.contract.types
        if kind not in types.values():
            answered = " and ".join(repr(one) for one in types.values())
            raise self.refusals.unanswerable(
                f"{path}.type",
                f"is {shown_amount(kind)}: a reranker answers questions of type {answered} only",
            )
        return self._read(question, name, path, kind == types[Scale])

    @abstractmethod
    def _content(self, given: Any) -> Any:
        """Return the content as a text or as one object."""

    @abstractmethod
    def _questions(self, given: Any) -> Iterator[tuple[Any, str | None, str]]:
        """Yield each question with its name and its path."""

    @abstractmethod
    def _read(
        self, question: Mapping[str, Any], name: str | None, path: str, is_scale: bool
    ) -> SentQuestion: ...

    @abstractmethod
    def _answers(self, answers: Sequence[tuple[str | None, dict[str, Any]]]) -> Any: ...

    @abstractmethod
    def _distribution(self, levels: tuple[str, str], shares: tuple[float, float]) -> dict[str, Any]: ...

    @abstractmethod
    def _usage(self, tokens: int) -> dict[str, Any]: ...


class OpenAIDecisionFormat(DecisionFormat):
    """OpenAI's ``POST /v1/decisions``: yes/no questions and scores of two levels."""

    name = "openai_decisions"
    path = "/v1/decisions"
    contract = CONTRACTS["openai"]
    options = frozenset({"prompt_cache_key", "prompt_cache_options", "safety_identifier"})

    def _content(self, given: Any) -> Any:
        """Return the text or the merged JSON objects of the messages.

        Raises
        ------
        WireError
            If a part is neither text nor JSON, or if they do not form one text or one object.
        """
        if not isinstance(given, list):
            return given
        texts: list[str] = []
        fields: dict[str, Any] = {}
        for path, part in self._parts(given):
            if isinstance(part, str):
                texts.append(part)
            else:
                self._merge(fields, part, path)
        if len(texts) + bool(fields) != 1:
            raise self.refusals.unanswerable(
                "input", "must hold one text, which is the query, or JSON with the fields of the content"
            )
        return fields or texts[0]

    def _parts(self, messages: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """Yield the path and the text or object of each part of the messages."""
        for number, message in enumerate(messages):
            path = f"input.{number}"
            if not isinstance(message, Mapping):
                raise self.refusals.invalid(path, "must be an object")
            if message.get("type", "message") != "message" or message.get("role") != "user":
                raise self.refusals.unanswerable(
                    path, "is not read by a reranker, which reads messages of users"
                )
            content = message.get("content")
            parts = content if isinstance(content, list) else [{"type": "input_text", "text": content}]
            for place, part in enumerate(parts):
                where = f"{path}.content.{place}" if isinstance(content, list) else f"{path}.content"
                yield from self._part(part, where)

    def _part(self, part: Any, path: str) -> Iterator[tuple[str, Any]]:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "input_text":
            yield path, self.refusals.text(part, "text", path)
        elif kind == "input_json":
            data = part.get("data")
            for one in data if isinstance(data, list) else [data]:
                if not isinstance(one, Mapping):
                    raise self.refusals.invalid(f"{path}.data", "must be an object or a list of objects")
                yield f"{path}.data", one
        else:
            raise self.refusals.unanswerable(
                path, f"is of type {shown_amount(kind)}; a reranker reads 'input_text' and 'input_json'"
            )

    def _merge(self, fields: dict[str, Any], part: Mapping[str, Any], path: str) -> None:
        """Add the fields of a part; documents of several parts are one object."""
        for key, value in part.items():
            held = fields.get(key)
            if isinstance(held, dict) and isinstance(value, Mapping) and not held.keys() & value.keys():
                fields[key] = {**held, **value}
            elif key in fields:
                raise self.refusals.invalid(path, f"holds '{key[:40]}' for the second time")
            else:
                fields[key] = value

    def _questions(self, given: Any) -> Iterator[tuple[Any, str | None, str]]:
        most = self.contract.most_questions or 0
        if not isinstance(given, list) or not 1 <= len(given) <= most:
            raise self.refusals.invalid("questions", f"must be a list of 1 to {most} questions")
        for place, question in enumerate(given):
            path = f"questions.{place}"
            name = question.get("name") if isinstance(question, Mapping) else None
            if name is not None and not isinstance(name, str):
                raise self.refusals.invalid(f"{path}.name", "must be a string")
            yield question, name, path

    def _read(self, question: Mapping[str, Any], name: str | None, path: str, is_scale: bool) -> SentQuestion:
        self.refusals.keys(
            question, ("type", "name", "instructions", *(["levels"] if is_scale else [])), path
        )
        instructions = question.get("instructions")
        if isinstance(instructions, list) and len(instructions) == 1:
            ((_, instructions),) = self._part(instructions[0], f"{path}.instructions.0")
        asked = self.refusals.text({"instructions": instructions}, "instructions", path)
        levels = tuple(self._levels(question, path)) if is_scale else ()
        return SentQuestion(name, path, is_scale, asked, levels=levels)

    def _levels(self, question: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
        """Yield label and meaning of each level."""
        levels = question.get("levels")
        if not isinstance(levels, list) or not all(isinstance(level, Mapping) for level in levels):
            raise self.refusals.invalid(f"{path}.levels", "must be a list of objects")
        for place, level in enumerate(levels):
            where = f"{path}.levels.{place}"
            self.refusals.keys(level, ("label", "description"), where)
            label = self.refusals.text(level, "label", where)
            described = level.get("description") not in (None, "")
            yield label, self.refusals.text(level, "description", where) if described else label

    def _answers(self, answers: Sequence[tuple[str | None, dict[str, Any]]]) -> Any:
        return [{**answer, "name": name} for name, answer in answers]

    def _distribution(self, levels: tuple[str, str], shares: tuple[float, float]) -> dict[str, Any]:
        listed = enumerate(zip(levels, shares, strict=True))
        return {
            "probabilities": [
                {"label": label, "value": value, "probability": share} for value, (label, share) in listed
            ]
        }

    def _usage(self, tokens: int) -> dict[str, Any]:
        return {
            "input_tokens": tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens,
        }

    def encode_error(self, error: WireError) -> Any:
        """Return ``{"error": {message, type, code, param}}``; the API has all four in every error."""
        return {"error": {"param": None, **openai_error(error)["error"]}}


class SystemOneFormat(DecisionFormat):
    """System One's ``POST /v1/systemone``: yes/no questions and scores of two levels."""

    name = "system_one"
    path = "/v1/systemone"
    contract = CONTRACTS["system_one"]
    refusal_status = 422

    def _content(self, given: Any) -> Any:
        return given

    def _questions(self, given: Any) -> Iterator[tuple[Any, str | None, str]]:
        if not isinstance(given, Mapping) or not given:
            raise self.refusals.invalid("questions", "must be an object of questions by name")
        for name, question in given.items():
            yield question, name, f"questions.{name[:40]}"

    def _read(self, question: Mapping[str, Any], name: str | None, path: str, is_scale: bool) -> SentQuestion:
        self.refusals.keys(question, ("type", "instructions", "criteria"), path)
        asked = self.refusals.text(question, "instructions", path)
        criteria, where = question.get("criteria"), f"{path}.criteria"
        if is_scale:
            if not isinstance(criteria, list) or not all(isinstance(one, str) for one in criteria):
                raise self.refusals.unanswerable(where, "must be a list of texts")
            return SentQuestion(name, path, True, asked, levels=tuple((one, one) for one in criteria))
        if not isinstance(criteria, Mapping | None):
            raise self.refusals.invalid(where, "must be an object")
        given = {side: text for side, text in (criteria or {}).items() if text is not None}
        self.refusals.keys(given, ("true", "false"), where)
        true, false = (
            self.refusals.text(given, side, where) if side in given else "" for side in ("true", "false")
        )
        return SentQuestion(name, path, False, asked, true, false)

    def _answers(self, answers: Sequence[tuple[str | None, dict[str, Any]]]) -> Any:
        return dict(answers)

    def _distribution(self, levels: tuple[str, str], shares: tuple[float, float]) -> dict[str, Any]:
        return {
            "legend": {str(value): text for value, text in enumerate(levels)},
            "probabilities": {str(value): share for value, share in enumerate(shares)},
        }

    def _usage(self, tokens: int) -> dict[str, Any]:
        return {"input_tokens": tokens, "output_tokens": 0}

    def encode_error(self, error: WireError) -> Any:
        """Return ``{"detail": [{loc, msg, type}]}`` for a request that is not valid, else ``{"detail": text}``."""
        if error.status != self.refusal_status:
            return {"detail": error.message}
        shown = field_error(error)
        shown["detail"][0]["loc"] = ["body", *(error.param.split(".") if error.param else ())]
        return shown


DECISION_FORMATS: tuple[type[DecisionFormat], ...] = (OpenAIDecisionFormat, SystemOneFormat)
"""The decision APIs that the service offers."""
