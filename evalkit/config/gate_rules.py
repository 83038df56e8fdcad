"""Settings of a gate and its rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from evalkit.config.settings import PositiveInt, Settings, Slug
from evalkit.errors import EvalkitError
from evalkit.metrics import parse_metric, proper_name
from evalkit.stats import level_of_two_looks

_BOUNDS = ("max_drop", "retain", "min", "max_fallen", "max_ratio", "max_slowdown", "max_failed")


class GateRule(Settings):
    """One thing a new version must not break; exactly one bound.

    Attributes
    ----------
    metric
        For ``max_drop``, ``retain``, ``min`` and ``max_fallen``.
    max_drop
        Largest loss of the mean against the baseline that does not matter.
    retain
        Share of the baseline's gain over the first stage that must be kept.
    min
        The mean must be at least that.
    max_fallen
        Share of queries that may fall against the baseline. Its bounds are exact: rare large losses count, too.
    fallen_by
        For ``max_fallen``: a query has fallen if it loses at least that. Absent: if it loses anything.
    latency_to
        The reranker of the same run that latency is held against.
    batch_size, concurrency
        The timed batches that count.
    max_ratio
        Median latency by that of `latency_to`, at most.
    max_slowdown
        That ratio by the same ratio in the baseline's own run, at most.
    max_failed
        Share of calls that may fail for good.
    reranker, dataset
        Only this one; each one that both sides have where absent.
    """

    metric: str | None = None
    max_drop: Annotated[float, Field(gt=0)] | None = None
    retain: Annotated[float, Field(gt=0, lt=1)] | None = None
    min: float | None = None
    max_fallen: Annotated[float, Field(gt=0, lt=1)] | None = None
    fallen_by: Annotated[float, Field(gt=0)] | None = None
    latency_to: Slug | None = None
    batch_size: PositiveInt | None = None
    concurrency: PositiveInt = 1
    max_ratio: Annotated[float, Field(gt=0)] | None = None
    max_slowdown: Annotated[float, Field(ge=1)] | None = None
    max_failed: Annotated[float, Field(ge=0, lt=1)] | None = None
    reranker: Slug | None = None
    dataset: str | None = None

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                return parse_metric(proper_name(text)).label
            except EvalkitError as error:
                raise ValueError(f"{error.message}; {error.hint}") from None
        return text

    @model_validator(mode="after")
    def _check_combination(self) -> GateRule:
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a rule needs exactly one of: {', '.join(_BOUNDS)}")
        needs = {"max_drop": "metric", "retain": "metric", "min": "metric", "max_fallen": "metric",
                 "max_ratio": "latency_to", "max_slowdown": "latency_to"}.get(given[0])  # fmt: skip
        for name in ("metric", "latency_to"):
            if (getattr(self, name) is not None) != (name == needs):
                raise ValueError(f"{given[0]!r} {'needs' if name == needs else 'goes without'} {name!r}")
        if (self.batch_size is not None) != (needs == "latency_to"):
            raise ValueError("a latency rule, and no other, needs 'batch_size'")
        if self.fallen_by is not None and self.max_fallen is None:
            raise ValueError("'fallen_by' needs 'max_fallen'")
        return self

    @property
    def bound(self) -> tuple[str, float]:
        """Name and value of the one bound."""
        name = next(name for name in _BOUNDS if getattr(self, name) is not None)
        return name, float(getattr(self, name))


class GateSettings(Settings):
    """A gate: its rules, its error, and what an open question means.

    Attributes
    ----------
    rules
        Each has exactly one bound.
    alpha
        The chance that one rule lets pass what is worse by exactly its margin, over all looks. ``max_drop`` and
        ``retain`` keep to it where many queries fall a little; add ``max_fallen`` for few that fall a lot.
    looks
        How often the same change may be gated: 2 allows a second gate with as many more queries as you like. Each look
        is stricter then, so that both together err as often as `alpha` says.
    look
        Which of the `looks` this gate is. Set `looks` before the first one.
    on_cannot_tell
        Whether too few queries to tell are a failure.
    """

    rules: Annotated[tuple[GateRule, ...], Field(min_length=1)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    looks: Annotated[int, Field(ge=1, le=2)] = 1
    look: Annotated[int, Field(ge=1, le=2)] = 1
    on_cannot_tell: Literal["fail", "warn"] = "fail"

    @model_validator(mode="after")
    def _check_looks(self) -> GateSettings:
        if self.look > self.looks:
            raise ValueError(f"'look' is {self.look} and 'looks' is {self.looks}")
        return self

    @property
    def alpha_per_look(self) -> float:
        """Error of one look, so that the error of all looks is `alpha` at most."""
        return self.alpha if self.looks == 1 else level_of_two_looks(self.alpha)
