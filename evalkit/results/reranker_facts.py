"""What a manifest says of each reranker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from evalkit.records import ScoreKind
from evalkit.results.bounds import Amount, AtLeastOne
from evalkit.results.json_shapes import JsonObject, Key


@dataclass(frozen=True, slots=True)
class CascadeStage:
    """A stage of a cascade: the tag of its reranker, and how many documents the next stage scores (None: the last)."""

    reranker: str
    keep: AtLeastOne | None


@dataclass(frozen=True, slots=True)
class CascadeFacts:
    """How a cascade is derived from its stages.

    Attributes
    ----------
    below
        ``kept`` or ``dropped``: documents that a later stage did not score.
    skip_margin
        Margin of the first stage from which the later stages are skipped; None for never.
    """

    stages: tuple[CascadeStage, ...]
    below: Literal["kept", "dropped"]
    skip_margin: float | None

    @property
    def keeps(self) -> tuple[int, ...]:
        """``keep`` of every stage but the last."""
        return tuple(stage.keep for stage in self.stages if stage.keep is not None)


@dataclass(frozen=True, slots=True)
class RerankerFacts(JsonObject):
    """A reranker as it was opened.

    Attributes
    ----------
    pointwise
        Whether a pair's score does not depend on the other documents of the call.
    timed
        Whether the time of a call is that of real scoring, and not of a look-up.
    runs_on
        Device, precision and limits of a local model; None for others.
    remote
        Whether calls leave this machine for a billed API.
    moving_name
        Why its name may denote another model in a later run; None where it cannot.
    price
        The configured price; None without one.
    scores_stated
        Whether the configuration states `score_kind`; otherwise it is that of the backend or dialect.
    query_template, document_template
        What is sent in place of a query and of a document; None where the texts themselves are.
    instruction_place
        Where the instructions of queries are put; None where no query has one, or no call is made.
    proven_by
        What proves that the same settings mean the same scores, such as the hash of a model's files; None where
        nothing does, as for an API.
    prompt_sha256
        Hash of the prompts that evalkit writes for fixed texts; None where it writes none.
    cascade
        The stages of a cascade, whose scores are derived without a call; None for others.
    models
        Names of models in its settings, and of those that a local model was made of; None without any.
    """

    backend: str
    pointwise: bool
    score_kind: ScoreKind
    timed: bool
    runs_on: Mapping[str, Any] | None
    remote: bool
    moving_name: str | None
    price: Mapping[str, Any] | None
    usd_per_hour: Amount | None = None
    proven_by: str | None = None
    cascade: Annotated[CascadeFacts | None, Key(omit_none=True)] = None
    scores_stated: bool = False
    query_template: Annotated[str | None, Key(omit_none=True)] = None
    document_template: Annotated[str | None, Key(omit_none=True)] = None
    instruction_place: Annotated[str | None, Key(omit_none=True)] = None
    models: Annotated[tuple[str, ...] | None, Key(omit_none=True)] = None
    prompt_sha256: Annotated[str | None, Key(omit_none=True)] = None

    @property
    def has_scores(self) -> bool:
        """Whether a document's score means something by itself, and is not only its rank."""
        return self.score_kind != "rank"
