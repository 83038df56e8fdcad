"""A cross-encoder as a reranker: it reads query and document together and returns raw logits.

A listwise model reads the whole list instead, and returns cosines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from scipy.special import logsumexp

from evalkit.config import RerankerSettings
from evalkit.config.settings import PositiveInt, with_hint
from evalkit.encoding import InstructedEngines, ListModel, is_listwise, pair_engine
from evalkit.encoding.input_forms import PromptSettings, form_of, preset_named, preset_names
from evalkit.encoding.open_model import open_model
from evalkit.errors import InputError, UnknownNameError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.rerankers.base import IN_QUERY
from evalkit.rerankers.local_lists import LocalLists
from evalkit.rerankers.local_model import LocalModelSettings, pool_facts, times_of


def _known_form(name: str) -> str:
    try:
        return preset_named(name).name
    except UnknownNameError as error:
        raise with_hint(error) from None


PromptName = Annotated[
    str,
    AfterValidator(_known_form),
    Field(json_schema_extra=lambda schema: schema.update(enum=preset_names())),
]
"""The name of a known input form."""
Form = Annotated[
    Annotated[PromptName, Tag("a name")] | Annotated[PromptSettings, Tag("a mapping")],
    Discriminator(lambda value: "a mapping" if isinstance(value, Mapping | PromptSettings) else "a name"),
]


class CrossEncoder:
    """A cross-encoder, or a language model that answers with a token; the score is its raw logit (extra: local)."""

    pointwise = True
    score_kind: ScoreKind = "logit"

    class Settings(LocalModelSettings):
        """Settings of `cross_encoder`, in addition to those of every local model.

        Attributes
        ----------
        label
            For a model with several labels: the label that means relevant, by name or number. The score is
            its log odds against all others.
        instruction
            Definition of relevance, for models that accept an instruction (default: the model's own). Refused where
            the model has no place for it: neither in a template nor before the query, as models that list prompts do.
            A query with an instruction of its own is read with that one instead, if the model's template has a place
            for it; otherwise the instruction follows the query's text.
        prompt
            Text in which the model reads a pair, for a model that was trained with a template which its files do not
            contain: the name of a known form, such as ``qwen3_reranker``, or a template with its tokens (default: found
            by the model's files and published name; what is not found is refused).
        cutoff_layer
            For a layerwise model: the last layer that is computed, whose head scores (default: the model's last).
        """

        backend: Literal["cross_encoder"] = "cross_encoder"
        label: str | Annotated[int, Field(ge=0, le=1_000_000)] | None = None
        instruction: str | None = None
        prompt: Form | None = None
        cutoff_layer: PositiveInt | None = None

        @model_validator(mode="after")
        def _instruction_has_a_place(self) -> CrossEncoder.Settings:
            if self.prompt is None:
                return self
            takes = form_of(self.prompt).takes_instruction
            if self.instruction and not takes:
                raise ValueError(
                    "sets instruction, for which its prompt has no place: add {instruction} to the template,"
                    " or remove instruction"
                )
            if takes and not self.instruction and isinstance(self.prompt, PromptSettings):
                raise ValueError("has a prompt with a place for an instruction: set instruction")
            return self

        @property
        def is_pointwise(self) -> bool:
            """Whether the model scores every pair by itself; a listwise model does not."""
            return not is_listwise(self.model, self.revision)

        def fewer_bits(self) -> tuple[str, RerankerSettings] | None:
            """Return the precision and the same settings in fp32; None if the model runs in fp32 or is listwise."""
            return super().fewer_bits() if self.is_pointwise else None

    def __init__(self, settings: Settings) -> None:
        self._lists = _open_lists(settings)
        if self._lists is not None:
            self.pointwise, self.score_kind, self.pool_pairs = False, "cosine", 1
            return
        self._model = open_model(settings.of_kind("cross_encoder", settings.prompt, settings.cutoff_layer))
        self._engine = pair_engine(self._model, settings.model, settings.instruction)
        self._instructed = InstructedEngines(self._model, settings.model, self._engine)
        self._label = label_of(settings, self._model.card.labels)
        self.pool_pairs = self._engine.pool_items

    @property
    def instruction_place(self) -> str:
        """Where the instruction of a query is put."""
        if self._lists is not None:
            return "the instruction of the model's own code" if self._lists.takes_instruction else IN_QUERY
        return "the instruction of the model's template" if self._instructed.has_place else IN_QUERY

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the logit of every pair."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return the logits of several requests; those with the same instruction are scored in one run."""
        if self._lists is not None:
            return self._lists.score_many(requests)
        responses: list[RerankResponse] = []
        for instruction, group in groupby(requests, key=lambda request: request.instruction):
            responses += self._score_group(list(group), instruction, timed=len(requests) == 1)
        return responses

    def _score_group(
        self, requests: Sequence[RerankRequest], instruction: str, *, timed: bool
    ) -> list[RerankResponse]:
        """Return the logits of requests with the same instruction, scored in one run of the engine."""
        engine, texts = self._engine, [request.instructed_query for request in requests]
        if instruction and self._instructed.has_place:
            engine, texts = self._instructed.engine(instruction), [request.query for request in requests]
        found = engine.run(
            [(text, document) for text, r in zip(texts, requests, strict=True) for document in r.documents]
        )
        scores = logits(found.rows, self._label)
        times = times_of(found) if timed else ()
        responses, start = [], 0
        for request in requests:
            part = slice(start, start + len(request.documents))
            start = part.stop
            responses.append(
                RerankResponse(
                    scores[part],
                    usage=Usage(tokens=int(found.tokens[part].sum())),
                    server_times=times,
                    truncated=found.truncated[part],
                )
            )
        return responses

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return ``(n,)`` logits of query-document pairs; a listwise model scores each as a list of one."""
        if self._lists is not None:
            return self._lists.score_pairs(pairs)
        return logits(self._engine.run(list(pairs)).rows, self._label)

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` tokens that the model would read per pair, and whether the pair would be truncated."""
        if self._lists is not None:
            return self._lists.measure(pairs)
        return self._engine.measure(list(pairs))

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, threads, length limit, and the input form if it is not a plain pair."""
        if self._lists is not None:
            return self._lists.facts()
        facts = pool_facts(self._engine.facts(), self._model.card.rules.max_length)
        form = self._model.card.form
        return facts if form is None else {**facts, "input_form": form.name}

    def close(self) -> None:
        """Do nothing: the model is freed with this object."""


def _open_lists(settings: CrossEncoder.Settings) -> LocalLists | None:
    """Return the reranker of a listwise model; None if the model scores pairs.

    Raises
    ------
    InputError
        If the model is listwise and a label is configured, or see `ListModel`.
    """
    if settings.is_pointwise:
        return None
    if settings.label is not None:
        raise InputError(
            f"the model {settings.model!r} is a listwise reranker without labels", "remove label"
        )
    wanted = settings.of_kind("cross_encoder", settings.prompt, settings.cutoff_layer)
    return LocalLists(ListModel(wanted, settings.instruction))


def logits(rows: Sequence[NDArray[Any]], label: int | None) -> NDArray[np.float64]:
    """Return ``(n,)`` scores: the only logit of each row, or the log odds of a label against all others.

    Parameters
    ----------
    rows
        ``(n, labels)`` logits.
    label
        The column that means relevant; None if there is a single column.
    """
    if not len(rows):
        return np.empty(0)
    values = np.stack(rows).astype(np.float64)
    if label is None:
        return np.asarray(values[:, 0])
    others = np.delete(values, label, axis=1)
    return np.asarray(values[:, label] - logsumexp(others, axis=1))


def label_of(settings: CrossEncoder.Settings, labels: Mapping[int, str]) -> int | None:
    """Return the column that means relevant; None if the model has a single one.

    Raises
    ------
    InputError
        If the model has several labels and none is configured, or it has no label of the configured name.
    """
    known = ", ".join(f"{number} {name!r}" for number, name in labels.items())
    if len(labels) == 1 and settings.label is None:
        return None
    if settings.label is None:
        raise InputError(
            f"the model {settings.model!r} has {len(labels)} labels: {known}", "set label to the relevant one"
        )
    found = [number for number, name in labels.items() if settings.label in {number, name}]
    if len(labels) == 1 or not found:
        raise InputError(
            f"the model {settings.model!r} has no label {settings.label!r}; its labels: {known}",
            "set label to one of them",
        )
    return found[0]
