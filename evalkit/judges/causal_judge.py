"""A judge that is a local causal language model: the expected grade under its probabilities of the grades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import Field, model_validator

from evalkit.config import JudgeSettings
from evalkit.config.settings import PositiveInt
from evalkit.encoding import LevelModel, LocalModel, ModelSettings
from evalkit.encoding.state import state_of
from evalkit.errors import CallError
from evalkit.judges.base import one_document
from evalkit.records import Rater, RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.records.judgments import AUTO
from evalkit.rerankers.grade_prompt import JudgePrompt
from evalkit.rerankers.local_model import pool_facts, times_of


class CausalJudgeSettings(LocalModel, JudgeSettings):
    """Settings of `causal`, in addition to those of every local model.

    Attributes
    ----------
    max_document_characters
        Longer documents are truncated in the prompt, and counted.
    least_probability
        Smallest probability that the model's answer is a grade at all. Below it the answer is a failure, as that of a
        model that would write something else.
    """

    backend: Literal["causal"] = "causal"
    max_document_characters: PositiveInt = 8000
    least_probability: Annotated[float, Field(ge=0, le=1)] = 0.5

    immaterial: ClassVar[frozenset[str]] = JudgeSettings.immaterial | {
        "revision", "runtime", "device", "threads", "batch_tokens", "compile", "least_probability",
    }  # fmt: skip
    """Where a model runs changes no more than the last digits."""

    @model_validator(mode="after")
    def _runs_on_torch(self) -> CausalJudgeSettings:
        if self.runtime == "onnx" or self.precision == "int8":
            raise ValueError("runs on torch: remove runtime: onnx and precision: int8")
        return self

    @property
    def prompt(self) -> JudgePrompt:
        """The prompt with scale and instruction."""
        return JudgePrompt(self.scale, self.instruction, form="digit")

    @property
    def known_rater(self) -> Rater:
        """The rater without the state of the model's files, which need not be on this machine."""
        settings = {**super().deciding(), "model": self.model_name, "state": AUTO}
        return Rater("model", self.model_name, self.prompt.sha256, self.prompt.grades, settings)

    @property
    def model_name(self) -> str:
        """The hub id, or the name of the folder."""
        return Path(self.model).resolve().name if Path(self.model).is_dir() else self.model

    def deciding(self) -> dict[str, Any]:
        """Return the settings that can change a grade, with the commit or the hash of the model's files."""
        return {**super().deciding(), "model": self.model_name, "state": _state(self.model, self.revision)}


@cache
def _state(model: str, revision: str | None) -> str:
    """Return the state of a model, which is read once in a process."""
    return state_of(ModelSettings(kind="cross_encoder", model=model, revision=revision))


class CausalJudge:
    """A local causal language model: the mean of the grades, weighted by their probabilities (extra: local)."""

    Settings = CausalJudgeSettings
    pointwise = True
    score_kind: ScoreKind = "unbounded"  # a fractional grade of the scale
    instruction_place = "a block of its own in the prompt"

    def __init__(self, settings: CausalJudgeSettings) -> None:
        self._settings = settings
        self._prompt = settings.prompt
        self._model = LevelModel(settings, list(map(str, range(len(settings.scale)))))
        self._plain = self._model.engine(self._prompt.text)
        self.pool_pairs = self._plain.pool_items

    @property
    def known_rater(self) -> Rater:
        """The rater: the model with the commit or the hash of its files."""
        return replace(self._settings.known_rater, settings=self._settings.deciding())

    def rater(self, _response: RerankResponse) -> Rater:
        """Return the rater; see `known_rater`."""
        return self.known_rater

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the expected grade of the only document of a request.

        Raises
        ------
        CallError
            Kind ``answer``, if the model would probably answer with something else than a grade.
        """
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return the expected grades of several requests; those with the same instruction are read in one run.

        Raises
        ------
        CallError
            If one of them has no grade.
        """
        responses: list[RerankResponse] = []
        for requirements, group in groupby(requests, key=lambda request: request.instruction):
            responses += self._score_group(list(group), requirements, timed=len(requests) == 1)
        return responses

    def _score_group(
        self, requests: Sequence[RerankRequest], requirements: str, *, timed: bool
    ) -> list[RerankResponse]:
        engine, most = self._plain, self._settings.max_document_characters
        if requirements:
            engine = self._model.engine(partial(self._prompt.text, requirements=requirements))
        documents = [one_document(request) for request in requests]
        found = engine.run(
            [(one.query, document[:most]) for one, document in zip(requests, documents, strict=True)]
        )
        times = times_of(found) if timed else ()
        responses = []
        for place, document in enumerate(documents):
            probabilities = np.exp(found.rows[place].astype(np.float64))
            responses.append(
                RerankResponse(
                    np.array([self._expected(probabilities)]),
                    usage=Usage(tokens=int(found.tokens[place])),
                    server_times=times,
                    truncated=np.array([bool(found.truncated[place]) or len(document) > most]),
                    raw=_as_json(probabilities),
                )
            )
        return responses

    def _expected(self, probabilities: NDArray[np.float64]) -> float:
        """Return the mean of the grades; `probabilities` has one of each grade, and the rest is other answers."""
        total = float(probabilities.sum())
        if not np.isfinite(total) or total <= 0 or total < self._settings.least_probability:
            raise CallError(
                "answer",
                f"the model answers with a grade with a probability of {total:.2g} only",
                "use a model that follows instructions, or lower least_probability",
                body=_as_json(probabilities),
            )
        return float(np.average(np.arange(len(probabilities)), weights=probabilities))

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, threads and length limit."""
        return pool_facts(self._plain.facts(), self._model.max_length)

    def close(self) -> None:
        """Do nothing: the model is freed with this object."""


def _as_json(probabilities: NDArray[np.float64]) -> str:
    """Return the probabilities of the grades as JSON; what they lack of 1 is that of other answers."""
    return orjson.dumps({str(grade): float(f"{one:.6g}") for grade, one in enumerate(probabilities)}).decode()
