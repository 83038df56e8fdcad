"""A judge that asks a language model behind a chat API for the grade of one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from evalkit.config import JudgeSettings, Traffic, Weight
from evalkit.config.settings import PositiveInt, Seed
from evalkit.errors import CallError
from evalkit.judges.base import one_document
from evalkit.judges.optional_keys import OptionalKeys
from evalkit.records import Rater, RerankRequest, RerankResponse, ScoreKind
from evalkit.records.judgments import REFUSED
from evalkit.rerankers.chat import ChatReply
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.rerankers.chat_client import ChatAnswer, ChatClient
from evalkit.rerankers.grade_prompt import JudgePrompt
from evalkit.rerankers.grade_reading import failure, read_grade

ANSWER_TOKENS = 10
"""Tokens of the answer that is asked for: ``{"grade": 2}``."""
Constrained = Literal["auto", "json_schema", "off"]


class ChatJudgeSettings(ChatAccess, JudgeSettings):
    """Settings of `chat`.

    Attributes
    ----------
    max_document_characters
        Longer documents are truncated in the prompt, and counted.
    constrained
        Whether the server forces the answer into the form of a grade (``response_format`` with a JSON schema).
        ``auto``: yes, unless the server refuses it. The grades of the two forms can differ, so the form that was used
        is part of the rater.
    seed
        Seed of the sampling, which is sent unless the server refuses it; ``off`` sends none.
    """

    backend: Literal["chat"] = "chat"
    max_document_characters: PositiveInt = 8000
    constrained: Constrained = "auto"
    seed: Seed | Literal["off"] = 0

    immaterial: ClassVar[frozenset[str]] = (
        JudgeSettings.immaterial | ChatAccess.without_effect | {"url", "headers", "max_answer_tokens"}
    )
    """A model is known by its name, wherever it runs; a longer answer is a grade in place of a failure."""

    @model_validator(mode="after")
    def _keys_are_set_once(self) -> ChatJudgeSettings:
        for name, key in (("seed", "seed"), ("response_format", "constrained")):
            if name in self.options and getattr(self, key) != "off":
                raise ValueError(f"sets {name!r} twice: remove the option, or set {key}: off")
        return self

    @property
    def prompt(self) -> JudgePrompt:
        """The prompt with scale and instruction."""
        return JudgePrompt(self.scale, self.instruction)

    @property
    def known_rater(self) -> Rater:
        """The rater with the model's name as the settings have it."""
        return Rater("model", self.model, self.prompt.sha256, self.prompt.grades, self.deciding())

    def deciding(self) -> dict[str, Any]:
        """Return the settings that can change a grade; a limit of the answer is none of them, under any name."""
        found = super().deciding()
        options = {key: value for key, value in self.options.items() if key != "max_completion_tokens"}
        return {**found, "options": options}

    def traffic(self) -> Traffic:
        """Return retries, rate limits, price and the size of calls."""
        return replace(super().traffic(), weigh=self.weigh)

    def weigh(self, query: str, documents: tuple[str, ...]) -> Weight:
        """Return the size of the calls for some documents: one call each."""
        frame = len(self.prompt.text("", "", "")) + len(query)
        return Weight(
            characters=sum(frame + min(len(text), self.max_document_characters) for text in documents),
            requests=len(documents),
            answer_tokens=len(documents) * ANSWER_TOKENS,
            most_answer_tokens=len(documents) * self.most_answer_tokens,
        )


class ChatJudge:
    """A language model behind an OpenAI-compatible chat API that grades one document a call."""

    Settings = ChatJudgeSettings
    pointwise = True
    score_kind: ScoreKind = "unbounded"  # a grade of the scale
    instruction_place = "a block of its own in the prompt"

    def __init__(self, settings: ChatJudgeSettings) -> None:
        self._settings, self._prompt = settings, settings.prompt
        self._client = ChatClient(settings, "lower max_document_characters")
        schema = {"response_format": _schema(self._prompt.highest)}
        self._fixed = schema if settings.constrained == "json_schema" else {}
        optional = schema if settings.constrained == "auto" else {}
        seed = {} if settings.seed == "off" else {"seed": settings.seed}
        self._optional = OptionalKeys({**optional, **seed})
        self._named = settings.model

    @property
    def known_rater(self) -> Rater:
        """The rater as the settings name it; after the first reply, as that names the model and in the form used."""
        return self._rater(self._named, self._asked(self._optional.answered))

    def rater(self, response: RerankResponse) -> Rater:
        """Return the rater of a response: the model as the reply names it, asked as it was asked."""
        return self._rater(response.model or self._settings.model, response.asked)

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the grade of the only document of a request.

        Raises
        ------
        CallError
            If the call fails; kind ``refusal``, if the model or a filter refuses to answer; kind ``answer``, if the
            answer names no grade of the scale.
        """
        document, most = one_document(request), self._settings.max_document_characters
        prompt = self._prompt.text(request.query, document[:most], request.instruction)
        try:
            answer, accepted = self._optional.call(
                lambda keys: self._client.ask(prompt, {**self._fixed, **keys})
            )
        except CallError as error:
            raise _advised(error, constrained=bool(self._fixed)) from None
        reply = answer.reply
        self._named = reply.model or self._named
        return answer.response(
            np.array([float(self._grade(answer))]),
            truncated=np.array([len(document) > most]),
            raw=reply.text,
            asked=self._asked(accepted),
        )

    def close(self) -> None:
        """Close the connections of all threads."""
        self._client.close()

    def _grade(self, answer: ChatAnswer) -> int:
        """Return the grade of an answer; a failure has the status and the cost added."""
        try:
            return _grade_of(answer.reply, self._prompt.highest)
        except CallError as error:
            raise self._client.paid(error, answer) from None

    def _asked(self, keys: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what calls with some optional keys really sent; `keys` is None before the first answer."""
        if keys is None:
            return {}
        found: dict[str, Any] = {}
        if self._settings.constrained == "auto":
            found["constrained"] = "json_schema" if "response_format" in keys else "off"
        if self._settings.seed != "off":
            found["seed"] = keys.get("seed", REFUSED)
        return found

    def _rater(self, model: str, asked: Mapping[str, Any]) -> Rater:
        known = self._settings.known_rater
        return replace(known, name=model, settings={**known.settings, **asked})


def _grade_of(reply: ChatReply, highest: int) -> int:
    if reply.refusal:
        raise CallError("refusal", reply.refusal, body=reply.refusal)
    if not reply.text.strip() and not reply.cut and not reply.reasoned:
        raise failure("the answer is empty", reply.text)
    return read_grade(reply.text, highest, cut=reply.cut, reasoned=reply.reasoned)


def _schema(highest: int) -> dict[str, Any]:
    """Return the form of an answer for ``response_format``: an object with one grade of the scale."""
    grade = {"type": "integer", "enum": list(range(highest + 1))}
    schema = {
        "type": "object",
        "properties": {"grade": grade},
        "required": ["grade"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "grade", "strict": True, "schema": schema}}


def _advised(error: CallError, *, constrained: bool) -> CallError:
    """Return the error of a call as a refusal if a content filter stopped it, with a hint if it is the form's."""
    if error.http_status == 400 and "content_filter" in (error.body or ""):
        return CallError("refusal", error.message, http_status=400, body=error.body)
    if (
        constrained
        and error.http_status in {400, 422}
        and "response_format" in f"{error.message} {error.body}"
    ):
        error.hint = "set constrained: off, or auto"
    return error
