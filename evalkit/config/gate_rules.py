"""Settings of a gate and its rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from evalkit.config.settings import Concurrency, PositiveInt, Settings, Slug, with_hint
from evalkit.errors import EvalkitError
from evalkit.metrics import parse_metric, proper_name
from evalkit.stats import level_of_two_looks

LIMITS = {
    "max_drop": "metric",
    "retain": "metric",
    "min": "metric",
    "max_fallen": "metric",
    "max_ratio": "latency_to",
    "max_slowdown": "latency_to",
    "max_failed": None,
    "max_kept": "threshold",
    "min_kept": "threshold",
    "max_empty": "threshold",
    "max_cost_per_1k": None,
}
"""Name of a limit -> the key that says what is limited."""
_SLICED = {"max_drop", "min", "max_fallen"}
"""Limits that can be judged on slices of the queries."""


Share = Annotated[float, Field(gt=0, lt=1)]
"""A share that queries can show: they never exclude that it is a little more than 0, or less than 1."""


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
    threshold
        Score of ``max_kept``, ``min_kept`` and ``max_empty``: documents with a lower score are dropped.
    max_kept, min_kept
        Maximum and minimum of the share of a query's documents that the threshold keeps, on average.
    max_empty
        Maximum share of queries for which the threshold drops every document.
    max_cost_per_1k
        Maximum cost of 1,000 queries in US dollars, at the depth of the result.
    by
        Judge each value of this field of the queries by itself, e.g. ``language``: every slice must pass. All slices
        together have the error rate `alpha`. For ``max_drop``, ``min`` and ``max_fallen``.
    levels
        Values of the field that are judged (default: all).
    reranker, dataset
        Apply the rule only to this one (default: all that both sides have).
    """

    metric: str | None = None
    max_drop: Annotated[float, Field(gt=0, le=1e9)] | None = None
    retain: Annotated[float, Field(gt=0, lt=1)] | None = None
    min: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    max_fallen: Annotated[float, Field(gt=0, lt=1)] | None = None
    fallen_by: Annotated[float, Field(gt=0, le=1e9)] | None = None
    latency_to: Slug | None = None
    batch_size: PositiveInt | None = None
    concurrency: Concurrency = 1
    max_ratio: Annotated[float, Field(gt=0, le=1e9)] | None = None
    max_slowdown: Annotated[float, Field(ge=1, le=1e9)] | None = None
    max_failed: Annotated[float, Field(ge=0, lt=1)] | None = None
    threshold: Annotated[float, Field(ge=-1e300, le=1e300)] | None = None
    max_kept: Share | None = None
    min_kept: Share | None = None
    max_empty: Share | None = None
    max_cost_per_1k: Annotated[float, Field(ge=0, le=1e9)] | None = None
    by: str | None = None
    levels: tuple[str, ...] = ()
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
        given = [name for name in LIMITS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of: {', '.join(LIMITS)}")
        needs = LIMITS[given[0]]
        for name in ("metric", "latency_to", "threshold"):
            if (getattr(self, name) is not None) != (name == needs):
                raise ValueError(
                    f"{'needs' if name == needs else 'must not have'} {name!r} with {given[0]!r}"
                )
        if (self.batch_size is not None) != (needs == "latency_to"):
            raise ValueError("needs 'batch_size' for a latency rule, and only for a latency rule")
        if self.fallen_by is not None and self.max_fallen is None:
            raise ValueError("must not have 'fallen_by' without 'max_fallen'")
        if self.by is not None and given[0] not in _SLICED:
            raise ValueError(
                f"must not have 'by' with {given[0]!r}: use it with {', '.join(sorted(_SLICED))}"
            )
        if self.levels and self.by is None:
            raise ValueError("must not have 'levels' without 'by'")
        if len(set(self.levels)) != len(self.levels):
            raise ValueError("must not have the same level twice")
        return self

    @property
    def bound(self) -> tuple[str, float]:
        """Name and value of the one bound."""
        name = next(name for name in LIMITS if getattr(self, name) is not None)
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
    allow_synthetic
        ``true``: rules on a metric may rest on queries that a model wrote. Otherwise they cannot be decided with fewer
        than 30 queries of people, or where a model wrote most queries.
    """

    rules: Annotated[tuple[GateRule, ...], Field(min_length=1)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    looks: Annotated[int, Field(ge=1, le=2)] = 1
    look: Annotated[int, Field(ge=1, le=2)] = 1
    on_cannot_tell: Literal["fail", "warn"] = "fail"
    max_score_age_hours: Annotated[float, Field(gt=0, le=1e9)] | None = None
    drift_check_queries: PositiveInt | None = None
    allow_synthetic: bool = False

    @model_validator(mode="after")
    def _check_looks(self) -> GateSettings:
        if self.look > self.looks:
            raise ValueError(f"needs a 'look' of at most 'looks': {self.looks} (given: {self.look})")
        return self

    @property
    def alpha_per_look(self) -> float:
        """Error of one look, so that the error of all looks is `alpha` at most."""
        return self.alpha if self.looks == 1 else level_of_two_looks(self.alpha)
