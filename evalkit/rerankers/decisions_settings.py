"""Settings of the `decisions` backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import orjson
from pydantic import field_validator

from evalkit.config import Traffic, Weight
from evalkit.config.settings import PositiveInt
from evalkit.config.text_templates import DOCUMENT as PLACEHOLDER
from evalkit.config.text_templates import check_template
from evalkit.dialects.decision_records import (
    DOCUMENT,
    DOCUMENTS,
    INSTRUCTION,
    OUR_WORDING,
    QUERY,
    Content,
    Predicate,
    RelevanceWording,
)
from evalkit.rerankers.decision_access import DecisionAccess
from evalkit.rerankers.prompt_hash import (
    SAMPLE_DOCUMENTS,
    SAMPLE_INSTRUCTION,
    SAMPLE_QUERY,
    prompts_sha256,
)
from evalkit.rerankers.remote_settings import RemoteSettings

_QUESTION = f"{OUR_WORDING.before}{PLACEHOLDER}{OUR_WORDING.after}"
_EQUIVALENT = (
    f"Someone who searches for the text in `query` finds what they need in the text of `{PLACEHOLDER}`."
)


class DecisionsSettings(DecisionAccess, RemoteSettings):
    """Settings of `decisions`.

    Attributes
    ----------
    shape
        ``list``: all documents of a list in one request, with one question for each; the score of a document may depend
        on the others. ``single``: one document per request.
    question
        Yes/no question about one document; ``{document}`` is replaced by the field of its text. The query is in the
        field ``query``. Scores depend on the wording, so it is part of the identity of the reranker.
    true, false
        What counts as yes, and as no; empty for no description.
    max_documents
        Most documents of a request with ``shape: list`` (default: the questions that the contract allows, 400 for
        ``openai``). OpenRouter takes 200.
    max_tokens
        Most tokens of a request (default: those that the contract allows). With ``shape: list`` a longer list is an
        error, because its scores would depend on how it is split.
    """

    backend: Literal["decisions"] = "decisions"
    shape: Literal["list", "single"]
    question: str = _QUESTION
    true: str = OUR_WORDING.true
    false: str = OUR_WORDING.false
    max_documents: PositiveInt | None = None
    max_tokens: PositiveInt | None = None

    immaterial: ClassVar[frozenset[str]] = RemoteSettings.immaterial | {"max_documents", "max_tokens"}
    wording_key: ClassVar[str] = "question"
    score_advice: ClassVar[str] = (
        "check contract, question and model: the question must name the document with {document}"
    )

    @field_validator("question")
    @classmethod
    def _names_the_document(cls, question: str) -> str:
        return check_template(question, PLACEHOLDER)

    @property
    def is_pointwise(self) -> bool:
        """Whether each document is asked about in a request of its own."""
        return self.shape == "single"

    def most_documents(self) -> int | None:
        """Return the largest number of documents of a call."""
        if self.shape == "single":
            return 1
        limits = [limit for limit in (self.max_documents, self.wire.most_questions) if limit is not None]
        return min(limits, default=None)

    def splits_calls(self) -> bool:
        """Return whether each document of a call is sent in a request of its own."""
        return self.shape == "single"

    def ask_about(self, key: str, *, instructed: bool) -> Predicate:
        """Return the question about the document with a key; `single` has one document, which has no key.

        Parameters
        ----------
        key
            Key of the document; empty for the only one.
        instructed
            Whether the query has an instruction.
        """
        place = f"{DOCUMENTS}.{key}" if key else DOCUMENT
        before, _, after = self.question.partition(PLACEHOLDER)
        wording = RelevanceWording(before, after, self.true, self.false)
        return wording.ask(key or DOCUMENT, place, instructed=instructed)

    def asked(
        self, query: str, instruction: str, documents: Mapping[str, str]
    ) -> tuple[Content, list[Predicate]]:
        """Return the content and the questions of one request.

        Parameters
        ----------
        query, instruction
            The query and its instruction; empty for none.
        documents
            Key -> text; the only document of `single` has an empty key.
        """
        shared: dict[str, str] = {QUERY: query}
        if instruction:
            shared[INSTRUCTION] = instruction
        texts: Content = {DOCUMENT: documents[""]} if "" in documents else {DOCUMENTS: documents}
        return {**shared, **texts}, [self.ask_about(key, instructed=bool(instruction)) for key in documents]

    def equivalent_wording(self) -> str | None:
        """Return another default question; None if the configuration sets one."""
        return _EQUIVALENT if self.question == _QUESTION else None

    @property
    def prompt_sha256(self) -> str:
        """Hash of what is sent for fixed texts, without the model and the options."""
        texts = SAMPLE_DOCUMENTS if self.shape == "list" else SAMPLE_DOCUMENTS[:1]
        keys = keys_of(len(texts)) if self.shape == "list" else ("",)
        documents = dict(zip(keys, texts, strict=True))
        bodies = [
            self.wire.encode("", *self.asked(SAMPLE_QUERY, instruction, documents), {})
            for instruction in ("", SAMPLE_INSTRUCTION)
        ]
        return prompts_sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode() for body in bodies)

    def traffic(self) -> Traffic:
        """Return retries, rate limits, request limits and prices; a document counts with its question."""
        return replace(
            super().traffic(),
            max_tokens=self.max_tokens or self.wire.most_tokens,
            weigh=self.weigh,
            more_characters=self._question_characters,
        )

    def weigh(self, query: str, documents: tuple[str, ...]) -> Weight:
        """Return the size of the call for a list: the query is sent once per request."""
        requests = len(documents) if self.shape == "single" else 1
        texts = sum(map(len, documents)) + len(documents) * self._question_characters
        return Weight(characters=len(query) * requests + texts, requests=requests)

    @property
    def _question_characters(self) -> int:
        asked = self.ask_about(keys_of(1)[0], instructed=True)
        return sum(map(len, (asked.instructions, asked.true, asked.false)))


def keys_of(documents: int) -> Sequence[str]:
    """Return the keys of the documents of a list: as many digits as the last one needs, at least two.

    >>> keys_of(3)
    ['D00', 'D01', 'D02']
    """
    digits = max(2, len(str(documents - 1)))
    return [f"D{place:0{digits}}" for place in range(documents)]
