"""The two records that everything in this package passes around: a metric, and the definition that computes it.

A `MetricDefinition` holds all that evalkit knows about one metric. Each is in a file of its own, and
`definitions.DEFINITIONS` lists them; no other module knows a metric by its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.ranked import RankedGrades
from evalkit.records import Qrels, Run, ValueRange

Values = NDArray[np.float64]


class UnjudgedEffect(Enum):
    """What happens to a value when an unjudged document within the cutoff becomes relevant."""

    NEVER_LOWERS = "never lowers"
    """One more relevant document in the list never lowers the value."""
    EITHER_WAY = "either way"
    """The document also raises the best value that is possible, so the metric may rise or fall."""
    NOT_APPLICABLE = "not applicable"
    """The metric does not count an unjudged document as not relevant, so there are no bounds."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that a metric accepts, e.g. ``rel=2``.

    Attributes
    ----------
    name
        As in the notation.
    default
        The value that changes nothing; None if there is no such value.
    check
        Raises `InputError` if the metric's value of the parameter is impossible. Called whether or not it is given.
    """

    name: str
    default: object
    check: Callable[[Metric], None]


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric that evalkit computes itself.

    Attributes
    ----------
    name
        Canonical name, e.g. ``RR``.
    value
        Returns the ``(q,)`` values of ranked lists.
    expected_value
        Returns the ``(q,)`` means over all orders of tied documents; the rows of `RankedGrades` carry their ties.
    value_at_depths
        Returns the ``(q, d)`` values of some queries at every reranking depth; None if the metric does not follow
        from the places of judged documents alone.
    unjudged
        How the value changes when an unjudged document becomes relevant.
    aliases
        Other names of the metric in ir_measures' notation.
    typed
        How other tools and people write the name, in lower case and without separators.
    parameters
        What the metric accepts, in the order in which they are checked.
    needs_cutoff
        Whether the metric is undefined without a cutoff.
    takes_cutoff
        Whether the metric may have a cutoff.
    summed
        Whether the metric is a count, which is summed over queries and not averaged.
    partial
        Whether a query may have no value: NaN.
    check_judgments
        Raises `InputError` if the metric cannot be computed on judgments; None if it can on all.
    at_budget
        Whether `value` has a meaning for lists that end at a budget of tokens.
    no_budget
        Why it has none, as the end of a sentence; empty where there is nothing to add.
    ideal_bound
        Returns ``(q,)`` whether the ideal list at a budget is an upper bound; None if the metric has no ideal list.
    """

    name: str
    value: Callable[[RankedGrades, Metric], Values]
    expected_value: Callable[[RankedGrades, Metric], Values]
    value_at_depths: Callable[[JudgedPlaces, Metric], Values] | None
    unjudged: UnjudgedEffect
    aliases: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    needs_cutoff: bool = False
    takes_cutoff: bool = True
    summed: bool = False
    partial: bool = False
    check_judgments: Callable[[Metric, Qrels], None] | None = None
    at_budget: bool = False
    no_budget: str = ""
    ideal_bound: Callable[[RankedGrades, Metric], NDArray[np.bool_]] | None = None


@dataclass(frozen=True, slots=True)
class RunMetric:
    """A metric that compares the lists of several queries, so that no list has a value by itself.

    Attributes
    ----------
    name
        Canonical name, e.g. ``pMRR``.
    typed
        How other tools and people write the name, in lower case and without separators.
    value
        Returns the ``(q,)`` values of a run for some queries of the judgments; NaN where a query has none.
    check
        Raises `InputError` if it cannot be computed with some judgments; the text says whose they are.
    lowest
        The lowest value; the highest is 1.
    """

    name: str
    typed: tuple[str, ...]
    value: Callable[[Run, Qrels, tuple[str, ...]], Values]
    check: Callable[[Qrels, str], None]
    lowest: float = 0.0


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its parameters. Two spellings of one metric are equal; `label` keeps the user's spelling.

    Attributes
    ----------
    name
        Canonical name, e.g. ``RR``.
    params
        Sorted ``(key, value)`` pairs without defaults; the value of ``gains`` is a tuple of sorted pairs.
    cutoff
        The n in nDCG@n, or None.
    label
        The notation as given.
    definition
        How evalkit computes the metric from single lists; None for others.
    budget_tokens
        The n in nDCG@nt: the list ends before the document with which its texts have more tokens; None for no budget.
    run_metric
        How evalkit computes a metric over several lists; None for other metrics.
    """

    name: str
    params: tuple[tuple[str, object], ...]
    cutoff: int | None
    label: str = field(compare=False)
    definition: MetricDefinition | None = field(default=None, compare=False, repr=False)
    budget_tokens: int | None = None
    run_metric: RunMetric | None = field(default=None, compare=False, repr=False)

    @property
    def summed(self) -> bool:
        """Whether the metric is a count, which is summed over queries and not averaged."""
        return self.definition is not None and self.definition.summed

    @property
    def limits(self) -> ValueRange:
        """The values that are possible: 0 to 1, but for counts and metrics of changes."""
        return ValueRange(
            self.run_metric.lowest if self.run_metric else 0.0, math.inf if self.summed else 1.0
        )

    @property
    def rel(self) -> int:
        """The lowest grade that counts as relevant (binary metrics)."""
        return int(str(dict(self.params).get("rel", 1)))

    @property
    def binary(self) -> bool:
        """Whether evalkit's own definition reads grades only as relevant or not."""
        return self.definition is not None and any(one.name == "rel" for one in self.definition.parameters)

    @property
    def judged_only(self) -> bool:
        """Whether unjudged documents are removed from the lists first."""
        return bool(dict(self.params).get("judged_only", False))

    @property
    def exponential(self) -> bool:
        """Whether the gain of a grade is ``2**grade - 1``."""
        return dict(self.params).get("dcg") == "exp-log2"

    @property
    def gains(self) -> dict[int, int]:
        """Grade -> gain; a grade that is not in the mapping is its own gain."""
        return dict(next((value for key, value in self.params if key == "gains"), ()))  # type: ignore[call-overload, no-any-return]
