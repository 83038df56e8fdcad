"""One rule of a gate on one dataset and reranker, with the values of both sides that it compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from evalkit.comparison import Paired, pair
from evalkit.comparison.corrected_pairs import in_part
from evalkit.comparison.corrected_sides import PARTS, CorrectedSide, pair_of_sides
from evalkit.comparison.correction import CorrectedValues
from evalkit.comparison.missing_queries import MOST_MISSING
from evalkit.comparison.score_origins import AcceptedScores
from evalkit.comparison.slices import group_by_level
from evalkit.config import GateRule
from evalkit.metrics import find_spelling, parse_metric
from evalkit.query_clusters import QueryClusters
from evalkit.records import JudgedBy, MetricValues
from evalkit.report.manifest_command import PLACEHOLDER
from evalkit.results.failure_reasons import in_words, of_system
from evalkit.stats import Clusters
from evalkit.summaries.gate_evidence import BELOW_DEPTH, NONE_BELOW, TOKENIZER, Evidence
from evalkit.summaries.scored_texts import PASSAGES

_Values = tuple[CorrectedValues, CorrectedValues]
Look = Literal["only", "first", "last"]
"""Which of the planned looks at the same change a gate is."""
_WHOSE: dict[JudgedBy, str] = {
    "human": "people",
    "corrected": "people and models",
    "mixed": "people and models",
    "judge only": "models",
}
"""Whose judgments a side counts -> in words."""
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
    allow_synthetic
        Whether rules on a metric may rest on queries that a model wrote.
    config
        The configuration of the new version, as commands name it.
    """

    alpha: float
    look: Look = "only"
    accepted: AcceptedScores = field(default_factory=AcceptedScores)
    allow_synthetic: bool = False
    config: str = PLACEHOLDER


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
                f"{self._raters_differ() if 'judgments' in differing else ''}"
            )
        paired = pair(before, after, self.metric)
        if paired.left_out:
            raise NothingToJudgeError(f"{paired.left_out} queries have a value on only one side")
        return replace(paired, clusters=self.clusters_of(paired.query_ids))

    def _raters_differ(self) -> str:
        """Return whose judgments each side counts, as the end of a sentence; empty if it is the same."""
        before, after = (side.judged_by.get(self.dataset, "human") for side in (self.old, self.new))
        if _WHOSE[before] == _WHOSE[after]:
            return ""
        return f": the baseline counts those of {_WHOSE[before]}, this result those of {_WHOSE[after]}"

    @property
    def corrected_sides(self) -> tuple[CorrectedSide | None, CorrectedSide | None]:
        """The corrected values of the reranker in the baseline and in the result; None where a side has none."""
        key = self.dataset, self.tag
        return self.old.corrected.get(key), self.new.corrected.get(key)

    def corrected(self) -> Paired | None:
        """Return the values of both sides under people's grades of the draw, with the judge's.

        They are None where both sides have another draw or other grades, and where people have not judged all
        documents of the draw, or the judge has not answered for all.
        """
        return self._corrected_pair(lambda old, new: (old, new), self.corrected_sides)

    def corrected_own(self) -> Paired | None:
        """Return the values of the result alone, as both sides of a pair; None if some are unknown."""
        return self._corrected_pair(lambda new: (new, new), self.corrected_sides[1:])

    def corrected_target(self, share: float) -> Paired | None:
        """Return the values that keep a share of the baseline's gain over its first stage, and those of the result."""
        first = self.old.corrected.get((self.dataset, self.old.first_stage))

        def target(first: CorrectedValues, old: CorrectedValues, new: CorrectedValues) -> _Values:
            kept = {part: share * getattr(old, part) + (1 - share) * getattr(first, part) for part in PARTS}
            return CorrectedValues(**kept), new

        return self._corrected_pair(target, (first, *self.corrected_sides))

    def corrected_gain(self) -> Paired | None:
        """Return the values of the baseline's first stage and of the baseline; None if some are unknown."""
        first = self.old.corrected.get((self.dataset, self.old.first_stage))
        return self._corrected_pair(lambda first, old: (first, old), (first, self.corrected_sides[0]))

    def _corrected_pair(
        self, combined: Callable[..., _Values], sides: Sequence[CorrectedSide | None]
    ) -> Paired | None:
        known = [side for side in sides if side is not None]
        draws = {side.draw for side in known}
        if len(known) < len(sides) or len(draws) > 1:
            return None
        values = [one for side in known if (one := side.values(self.metric)) is not None]
        if len(values) < len(sides):
            return None
        found = pair_of_sides(known[-1].draw, combined(*values), self.metric, self.clusters)
        if self.part is None and not self.without:
            return found
        kept = frozenset(found.all_query_ids) if self.part is None else self.part.query_ids
        return in_part(
            found, [query_id for query_id in found.all_query_ids if query_id in kept - self.without]
        )

    def unrated(self) -> list[tuple[str, str]]:
        """Return the documents of the draw that people still have to judge for this rule."""
        return list(dict.fromkeys(pair for side in self._needed_sides for pair in side.unrated(self.metric)))

    def unanswered(self) -> list[tuple[str, str]]:
        """Return the documents that the judge still has to be asked for."""
        return list(
            dict.fromkeys(pair for side in self._needed_sides for pair in side.unanswered(self.metric))
        )

    @property
    def _needed_sides(self) -> list[CorrectedSide]:
        sides = self.corrected_sides[1:] if self.rule.bound[0] == "min" else self.corrected_sides
        return [side for side in sides if side is not None]

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
    side = case.corrected_sides[1]
    query_ids = values.query_ids if values else ()
    if side is not None:
        query_ids = side.draw.query_ids  # also those without a relevant document
    # Levels of a number are padded, so that they sort.
    found = group_by_level(level_of, query_ids)
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
