"""Settings of a gate and its rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from evalkit.config.settings import PositiveInt, Settings, Slug, with_hint
from evalkit.errors import EvalkitError
from evalkit.metrics import parse_metric, proper_name
from evalkit.stats import level_of_two_looks

_BOUNDS = ("max_drop", "retain", "min", "max_fallen", "max_ratio", "max_slowdown", "max_failed")


class GateRule(Settings):
    """A rule with exactly one limit.

    Attributes
    ----------
    metric
        Metric of ``max_drop``, ``retain``, ``min`` and ``max_fallen``.
    max_drop
        Largest acceptable loss of the mean, compared with the baseline.
    retain
        Minimum share of the baseline's gain over the first stage.
    min
        Minimum mean.
    max_fallen
        Maximum share of queries that lose against the baseline. The test is exact and also detects rare large losses.
    fallen_by
        For ``max_fallen``: smallest loss that counts (default: any loss).
    latency_to
        Reranker of the same run that the latency is compared with.
    batch_size, concurrency
        Batch size and concurrency of the compared latencies.
    max_ratio
        Maximum ratio of the median latency to that of `latency_to`.
    max_slowdown
        Maximum of that ratio divided by the same ratio in the baseline run.
    max_failed
        Maximum share of calls that fail after all retries.
    reranker, dataset
        Apply the rule only to this one (default: all that both sides have).
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
                raise with_hint(error) from None
        return text

    @model_validator(mode="after")
    def _check_combination(self) -> GateRule:
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of: {', '.join(_BOUNDS)}")
        needs = {"max_drop": "metric", "retain": "metric", "min": "metric", "max_fallen": "metric",
                 "max_ratio": "latency_to", "max_slowdown": "latency_to"}.get(given[0])  # fmt: skip
        for name in ("metric", "latency_to"):
            if (getattr(self, name) is not None) != (name == needs):
                raise ValueError(
                    f"{'needs' if name == needs else 'must not have'} {name!r} with {given[0]!r}"
                )
        if (self.batch_size is not None) != (needs == "latency_to"):
            raise ValueError("needs 'batch_size' for a latency rule, and only for a latency rule")
        if self.fallen_by is not None and self.max_fallen is None:
            raise ValueError("must not have 'fallen_by' without 'max_fallen'")
        return self

    @property
    def bound(self) -> tuple[str, float]:
        """Name and value of the one bound."""
        name = next(name for name in _BOUNDS if getattr(self, name) is not None)
        return name, float(getattr(self, name))


class GateSettings(Settings):
    """A gate: its rules, its error rate, and how it treats an undecided rule.

    Attributes
    ----------
    rules
        Rules, each with exactly one limit.
    alpha
        Probability that a rule passes a system that is worse by exactly the margin, over all looks. For
        ``max_drop`` and ``retain`` it holds if many queries lose a little. Add ``max_fallen`` to detect a few large
        losses.
    looks
        How many times the same change may be tested. 2 allows a second gate with any number of additional queries.
        Each look is then stricter, so that both together have the error rate `alpha`.
    look
        Number of this look, 1 or 2. Set `looks` before the first look.
    on_cannot_tell
        ``fail``: a rule that cannot be decided fails the gate. ``warn``: it only prints a warning.
    max_score_age_hours
        Accept cached scores of the new version up to this age, at the end of its run (default: none). The model behind
        an API may change unnoticed in that time. Imported scores are never accepted. Rerankers that are identified by
        the content of their files need no acceptance.
    drift_check_queries
        Accept cached scores of the new version if its run scored at least so many random queries again
        (``drift_check``) and nothing changed (default: none).
    """

    rules: Annotated[tuple[GateRule, ...], Field(min_length=1)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    looks: Annotated[int, Field(ge=1, le=2)] = 1
    look: Annotated[int, Field(ge=1, le=2)] = 1
    on_cannot_tell: Literal["fail", "warn"] = "fail"
    max_score_age_hours: Annotated[float, Field(gt=0)] | None = None
    drift_check_queries: PositiveInt | None = None

    @model_validator(mode="after")
    def _check_looks(self) -> GateSettings:
        if self.look > self.looks:
            raise ValueError(f"needs a 'look' of at most 'looks': {self.looks} (given: {self.look})")
        return self

    @property
    def alpha_per_look(self) -> float:
        """Error of one look, so that the error of all looks is `alpha` at most."""
        return self.alpha if self.looks == 1 else level_of_two_looks(self.alpha)
