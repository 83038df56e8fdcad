"""One rule of a gate on one dataset and reranker, with the values of both sides that it compares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from evalkit.comparison import Paired, pair
from evalkit.comparison.comparison_set import QueryClusters
from evalkit.comparison.missing_queries import MOST_MISSING
from evalkit.comparison.score_origins import AcceptedScores
from evalkit.comparison.slices import group_by_level
from evalkit.config import GateRule
from evalkit.metrics import find_spelling, parse_metric
from evalkit.records import MetricValues
from evalkit.results.failure_reasons import in_words, of_system
from evalkit.stats import Clusters
from evalkit.summaries.gate_evidence import BELOW_DEPTH, NONE_BELOW, TOKENIZER, Evidence
from evalkit.summaries.scored_texts import PASSAGES

Look = Literal["only", "first", "last"]
"""Which of the planned looks at the same change a gate is."""
MOST_SLICES = 50
"""A field with more values than this needs ``levels`` in its rule."""


class NothingToJudgeError(Exception):
    """A rule cannot be judged; the message names what is missing or does not match."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all rules of a gate share.

    Attributes
    ----------
    alpha
        Error of this look.
    look
        Which of the planned looks this is.
    accepted
        Cached scores of the new version that are accepted.
    """

    alpha: float
    look: Look = "only"
    accepted: AcceptedScores = field(default_factory=AcceptedScores)


@dataclass(frozen=True, slots=True)
class Part:
    """The slice of the queries that a rule is judged on.

    Attributes
    ----------
    by, level
        The property that queries are grouped by, and its value in this slice.
    query_ids
        The queries of the slice.
    of
        Number of slices that the rule is judged on.
    """

    by: str
    level: str
    query_ids: frozenset[str]
    of: int

    @property
    def name(self) -> str:
        """The slice for people, such as ``language = de``."""
        return f"{self.by} = {self.level}"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One rule on one dataset and reranker, with both sides.

    Attributes
    ----------
    part
        The slice of the queries; None for all of them.
    without
        Queries that are left out.
    """

    rule: GateRule
    dataset: str
    tag: str
    new: Evidence
    old: Evidence
    terms: Terms
    part: Part | None = None
    without: frozenset[str] = frozenset()

    @property
    def alpha(self) -> float:
        """The error of this verdict.

        All slices of a rule together have the error of the rule: each bound holds at a share of it (Bonferroni), so
        that every statement on a slice holds at once with the others, however the slices depend on each other.
        """
        return self.terms.alpha / (self.part.of if self.part else 1)

    @property
    def metric(self) -> str:
        """The metric of the rule."""
        return self.rule.metric or ""

    @property
    def clusters(self) -> QueryClusters:
        """Which queries of the dataset are not independent."""
        return self.new.clusters.get(self.dataset, QueryClusters())

    def values(self, side: Evidence, role: str) -> MetricValues:
        """Return the values of the reranker on one side and in the slice; `role` names the side in messages.

        Raises
        ------
        NothingToJudgeError
            If the reranker, the metric or the scores of a query are missing.
        """
        key = self.dataset, self.tag
        if key not in side.values:
            raise NothingToJudgeError(f"the {role} {side.name} has no {self.tag!r} on {self.dataset}")
        values, unscored = side.values[key], side.unscored[key]
        if unscored:
            why = in_words(of_system(side.failures, self.dataset, self.tag))
            raise NothingToJudgeError(
                f"{self.tag} has no scores for {unscored} of {len(values.query_ids) + unscored} queries"
                f"{f': {why}' if why else ''}"
            )
        lost = len(side.missing.get(key, ()))
        if lost > MOST_MISSING * len(values.query_ids):
            raise NothingToJudgeError(
                f"the run {self.tag} of the {role} lacks {lost} of {len(values.query_ids)} judged queries: complete"
                " its file, or set `missing_queries: zero` if the engine returned nothing for them"
            )
        if find_spelling(self.metric, values.metrics) is None:
            raise NothingToJudgeError(f"the {role} has no values of {self.metric}")
        return self._in_part(spelt_as(self.metric, values))

    @property
    def missing(self) -> frozenset[str]:
        """Queries that the file of one side lacks; for a rule on one side, that of the result."""
        key = self.dataset, self.tag
        of_new = self.new.missing.get(key, frozenset())
        return of_new if self.rule.bound[0] == "min" else of_new | self.old.missing.get(key, frozenset())

    def _in_part(self, values: MetricValues) -> MetricValues:
        if self.part is None and not self.without:
            return values
        kept = frozenset(values.query_ids) if self.part is None else self.part.query_ids
        kept -= self.without
        rows = [row for row, query_id in enumerate(values.query_ids) if query_id in kept]
        if not rows and self.part is not None:
            raise NothingToJudgeError(f"no query of {self.dataset} has {self.part.name!r}")
        return replace(
            values, query_ids=tuple(values.query_ids[row] for row in rows), values=values.values[rows]
        )

    def paired(self) -> Paired:
        """Return the values of the rule's metric on both sides.

        Raises
        ------
        NothingToJudgeError
            If values are missing, or the data of both sides are not the same.
        """
        before, after = self.values(self.old, "baseline"), self.values(self.new, "result")
        key, mine, theirs = (
            (self.dataset, self.tag),
            self.new.prints[self.dataset],
            self.old.prints[self.dataset],
        )
        if (key in self.new.runs) != (key in self.old.runs):
            raise NothingToJudgeError(f"{self.tag} is a run on one side and a reranker on the other")
        # A run has candidates of its own: a change of those is what the gate judges.
        same = {"judgments"} if key in self.new.runs else set(theirs) - {BELOW_DEPTH, TOKENIZER, PASSAGES}
        if key not in self.new.runs:
            self._check_below_depth()
        if parse_metric(self.metric).budget_tokens is not None:
            same.add(TOKENIZER)
        differing = [name for name, hashed in theirs.items() if name in same and mine.get(name) != hashed]
        if differing:
            raise NothingToJudgeError(
                f"the {' and the '.join(differing)} of {self.dataset} differ from the baseline"
            )
        paired = pair(before, after, self.metric)
        if paired.left_out:
            raise NothingToJudgeError(f"{paired.left_out} queries have a value on only one side")
        return replace(paired, clusters=self.clusters_of(paired.query_ids))

    def _check_below_depth(self) -> None:
        """Check that candidates below the depth are kept on both sides or dropped on both, if there are any.

        Raises
        ------
        NothingToJudgeError
            If they are not: rankings of both kinds differ without a change of the reranker.
        """
        mine, theirs = (
            side.prints[self.dataset].get(BELOW_DEPTH, "dropped") for side in (self.new, self.old)
        )
        if mine != theirs and NONE_BELOW not in {mine, theirs}:
            raise NothingToJudgeError(
                f"candidates below the depth are {mine} in {self.new.name} and {theirs} in {self.old.name}"
                " (below_depth)"
            )

    def clusters_of(self, query_ids: tuple[str, ...]) -> Clusters | None:
        """Return the ``(n,)`` cluster of each query; None if each is a cluster of its own."""
        return self.clusters.of(query_ids)


def parts(case: Case) -> Iterator[Part]:
    """Yield the slices of the new version's queries that the rule of a case is judged on.

    Raises
    ------
    NothingToJudgeError
        If the queries do not have the field, or it has more than `MOST_SLICES` values and the rule names none.
    """
    by, named = case.rule.by or "", case.rule.levels
    level_of = case.new.levels.get(case.dataset, {}).get(by)
    if level_of is None:
        fields = ", ".join(case.new.levels.get(case.dataset, {})) or "none"
        raise NothingToJudgeError(f"the queries of {case.dataset} have no field {by!r} (fields: {fields})")
    values = case.new.values.get((case.dataset, case.tag))
    # Levels of a number are padded, so that they sort.
    found = group_by_level(level_of, values.query_ids if values else ())
    groups = {level.strip(): query_ids for level, query_ids in found.items()}
    if not named and len(groups) > MOST_SLICES:
        raise NothingToJudgeError(
            f"the field {by!r} has {len(groups)} values in {case.dataset}, more than {MOST_SLICES}: name some in levels"
        )
    absent = [level for level in named if level not in groups]
    if absent:
        known = ", ".join(list(groups)[:MOST_SLICES])
        raise NothingToJudgeError(f"no query of {case.dataset} has {by} = {absent[0]!r} (values: {known})")
    chosen = named or tuple(groups)
    for level in chosen:
        yield Part(by, level, frozenset(groups.get(level, ())), len(chosen))


def spelt_as(metric: str, values: MetricValues) -> MetricValues:
    """Return values whose label of a metric is that of the rule."""
    label = find_spelling(metric, values.metrics)
    return replace(values, metrics=tuple(metric if one == label else one for one in values.metrics))
