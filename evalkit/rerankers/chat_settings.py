"""Settings of the `chat` backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from evalkit.config import Traffic, Weight
from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.config.settings import PositiveInt
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.rerankers.grade_prompt import JudgePrompt
from evalkit.rerankers.list_questions import (
    EQUIVALENT,
    LABEL,
    LETTERS,
    RELEVANT,
    ListForm,
    ask_for_best,
    ask_for_letter,
    one_line,
    without_letters,
)
from evalkit.rerankers.pair_prompt import PairPrompt
from evalkit.rerankers.permutations import windows
from evalkit.rerankers.prompt_hash import (
    SAMPLE_DOCUMENTS,
    SAMPLE_INSTRUCTION,
    SAMPLE_QUERY,
    list_prompts_sha256,
    prompts_sha256,
)
from evalkit.rerankers.relevance_prompt import RelevancePrompt
from evalkit.rerankers.remote_settings import RemoteSettings
from evalkit.rerankers.tournaments import Method, Tournament

Form = Literal["yes_no", "graded", "setwise", "pairwise", "first_token"]
_DEFAULTS: Mapping[Form, Mapping[str, Any]] = {
    "yes_no": {"instruction": RELEVANT, "top_logprobs": 20},
    "graded": {"instruction": "", "scale": DEFAULT_SCALE, "grade": "expected", "top_logprobs": 20},
    "setwise": {"instruction": RELEVANT, "method": "heap", "set_size": 3, "top": 10},
    "pairwise": {"instruction": RELEVANT, "method": "sliding", "top": 10},
    "first_token": {"instruction": RELEVANT, "window": 20, "step": 10, "passes": 1, "top_logprobs": 20},
}
"""Form -> the keys that only some forms have, with their defaults."""
_FORM_KEYS = tuple(dict.fromkeys(key for keys in _DEFAULTS.values() for key in keys))
_METHODS: Mapping[str, tuple[Method, ...]] = {
    "setwise": ("heap", "sliding"),
    "pairwise": ("sliding", "all_pairs"),
}
_POINTWISE = {"yes_no", "graded"}
ANSWER_TOKENS = 3
"""Tokens of an answer: a word, a digit, or ``[12]``."""
_MOST_DIGITS = 10
"""Most grades that are one digit each."""


class ChatSettings(ChatAccess, RemoteSettings):
    """Settings of `chat`.

    Attributes
    ----------
    form
        What the model is asked. ``yes_no``: whether one document is relevant; the score is P(yes) / (P(yes) + P(no)),
        by the log-probabilities of the first token. ``graded``: the grade of one document. ``setwise``: the best of
        ``set_size`` documents, many times (Zhuang et al. 2023). ``pairwise``: the better of two documents, in both
        orders (Qin et al. 2023). ``first_token``: the best of a window, whose documents are ordered by the
        log-probabilities of their letters (FIRST, Reddy et al. 2024). For written orders use the backend ``listwise``.
    instruction
        Definition of relevance (default: ``A document is relevant if it helps to answer the query.``; none with
        ``graded``, whose scale defines it). A query with an instruction of its own is asked with both for one document,
        and with that one instead for several. Scores depend on the wording, so it is part of the identity.
    scale
        ``graded``: what each grade means, in one line: the first line is grade 0 (default: four grades, as for judges).
    grade
        ``graded``: the score. ``expected`` (the default): the mean of the grades, weighted by the probabilities of
        their tokens. ``whole``: the grade that the model writes, for servers without log-probabilities.
    method
        ``setwise``: ``heap`` (the default; the number of requests depends on the answers) or ``sliding``.
        ``pairwise``: ``sliding`` (the default) or ``all_pairs``, two requests for each two documents.
    set_size
        ``setwise``: documents per request (default: 3).
    top
        ``setwise``, and ``pairwise`` with ``sliding``: how many of the best documents are found (default: 10). The
        others follow. A metric with a larger cutoff than ``top`` needs more.
    window, step, passes
        ``first_token``: documents per request (default: 20), positions by which the window moves towards the top of the
        list (default: 10), and passes over the list (default: 1).
    top_logprobs
        Log-probabilities asked for (default: 20, the limit of OpenAI and of vLLM). ``first_token`` needs as many as
        ``window``.
    max_document_characters
        Longer documents are truncated in the prompt. The report shows how many.
    max_answer_tokens
        Limit of the answer. Models that reason need more.
    """

    backend: Literal["chat"] = "chat"
    form: Form
    instruction: str | None = None
    scale: Annotated[tuple[str, ...], Field(min_length=2, max_length=11)] | None = None
    grade: Literal["expected", "whole"] | None = None
    method: Method | None = None
    set_size: Annotated[int, Field(ge=3, le=100)] | None = None
    top: PositiveInt | None = None
    window: Annotated[int, Field(ge=2, le=len(LETTERS))] | None = None
    step: PositiveInt | None = None
    passes: Annotated[int, Field(ge=1, le=100)] | None = None
    top_logprobs: Annotated[int, Field(ge=2, le=100)] | None = None
    max_document_characters: PositiveInt = 2000
    max_answer_tokens: PositiveInt = 16

    wording_key: ClassVar[str] = "instruction"
    score_advice: ClassVar[str] = (
        "check that the model follows the question, and that its server reads all of it"
    )

    @model_validator(mode="after")
    def _only_keys_of_the_form(self) -> ChatSettings:
        """Refuse keys of other forms, and set the defaults of this one."""
        defaults = dict(_DEFAULTS[self.form])
        if self.grade == "whole":
            del defaults["top_logprobs"]
        if self.method == "all_pairs":
            del defaults["top"]
        for key in _FORM_KEYS:
            given = getattr(self, key)
            if key not in defaults and given is not None:
                others = " with " + _why_without(key) if key in _DEFAULTS[self.form] else ""
                raise ValueError(f"form: {self.form}{others} has no {key}: remove it")
            if given is None and key in defaults:
                object.__setattr__(self, key, defaults[key])
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> ChatSettings:
        methods = _METHODS.get(self.form, ())
        if self.method is not None and self.method not in methods:
            raise ValueError(f"form: {self.form} has method {' or '.join(methods)}, not {self.method}")
        window, step = self.window or 0, self.step or 0
        if window and step >= window:
            raise ValueError(f"needs a step below window {window} (given: {step}), so that windows overlap")
        if window > (self.top_logprobs or window):
            raise ValueError(
                f"needs as many top_logprobs as documents in a window: {window} (given: {self.top_logprobs})"
            )
        if self.grade == "expected" and len(self.scale or ()) > _MOST_DIGITS:
            raise ValueError(f"needs a scale of at most {_MOST_DIGITS} grades, or grade: whole")
        for key in self.logprob_keys:
            if key in self.options:
                raise ValueError(f"must not set option {key!r}: set top_logprobs")
        return self

    @property
    def is_pointwise(self) -> bool:
        """Whether each document is asked about in a request of its own."""
        return self.form in _POINTWISE

    @property
    def logprob_keys(self) -> dict[str, Any]:
        """Keys of a request for log-probabilities; empty where none are needed."""
        return {} if self.top_logprobs is None else {"logprobs": True, "top_logprobs": self.top_logprobs}

    @property
    def definition(self) -> str:
        """Definition of relevance, on one line."""
        return " ".join((self.instruction or "").split())

    @property
    def prompt(self) -> PairPrompt:
        """The prompt of a form for one document."""
        if self.form == "yes_no":
            return RelevancePrompt(self.definition)
        form: Literal["digit", "json"] = "digit" if self.grade == "expected" else "json"
        return JudgePrompt(self.scale or DEFAULT_SCALE, self.definition, form)

    @property
    def tournament(self) -> Tournament | None:
        """The questions of a tournament; None for the other forms."""
        if self.method is None:
            return None
        return Tournament(self.method, self.set_size or 2, self.top or 1, both_orders=self.form == "pairwise")

    @property
    def list_form(self) -> ListForm:
        """How several documents are asked about."""
        if self.method is not None:
            return ListForm(ask_for_best, one_line)
        return ListForm(ask_for_letter, lambda text: without_letters(one_line(text)))

    def equivalent_wording(self) -> str | None:
        """Return another default definition of relevance; None if the configuration sets one."""
        return EQUIVALENT.get(self.instruction or "")

    @property
    def prompt_sha256(self) -> str:
        """Hash of the prompts for fixed texts."""
        if self.is_pointwise:
            return prompts_sha256(
                self.prompt.text(SAMPLE_QUERY, SAMPLE_DOCUMENTS[0], wanted)
                for wanted in ("", SAMPLE_INSTRUCTION)
            )
        return list_prompts_sha256(*self.list_form, self.definition)

    def spans(self, documents: int) -> list[tuple[int, int]]:
        """Return the start and end of the windows of ``first_token``, in the order of the requests."""
        return [*windows(documents, self.window or 1, self.step or 1)] * (self.passes or 1)

    def most_documents(self) -> int | None:
        """Return the largest number of documents of a call: one, if each is asked about by itself."""
        return 1 if self.is_pointwise else None

    def splits_calls(self) -> bool:
        """Return whether each document of a call is sent in a request of its own."""
        return self.is_pointwise

    def traffic(self) -> Traffic:
        """Return retries, rate limits, request limits and prices."""
        return replace(super().traffic(), weigh=self.weigh)

    def weigh(self, query: str, documents: tuple[str, ...]) -> Weight:
        """Return the size of the call for a list.

        Which documents a tournament asks about depends on the answers: each question counts with documents of mean
        length.
        """
        most = self.max_document_characters
        lengths = [min(len(text), most) for text in documents]
        count, tournament, exact = len(documents), self.tournament, True
        if self.is_pointwise:
            requests, sent = count, (len(self.prompt.text("", "")) + len(query)) * count + sum(lengths)
        elif tournament is None:
            spans = self.spans(count)
            requests, frame = len(spans), len(ask_for_letter(query, (), self.definition))
            sent = sum(frame + sum(lengths[start:end]) + LABEL * (end - start) for start, end in spans)
        else:
            requests, exact = tournament.questions(count), tournament.is_exact
            size = min(tournament.size, count)
            frame = len(ask_for_best(query, (), self.definition)) + LABEL * size
            sent = round(requests * (frame + size * sum(lengths) / max(count, 1)))
        return Weight(
            characters=sent,
            requests=requests,
            answer_tokens=requests * ANSWER_TOKENS,
            most_answer_tokens=requests * self.most_answer_tokens,
            is_exact=exact,
        )


def _why_without(key: str) -> str:
    return {"top_logprobs": "grade: whole", "top": "method: all_pairs"}[key]
