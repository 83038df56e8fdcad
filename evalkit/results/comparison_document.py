"""``comparisons.json``: which systems differ from the baseline, by how much, how sure, and what it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from evalkit.comparison import AcrossDatasets, Comparison, Plan
from evalkit.comparison.rests_on import RestsOn, rests_on
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.comparison.threshold_transfer import CarriedThreshold, ScoreDrift
from evalkit.comparison.unjudged_documents import ToJudge
from evalkit.records import JudgedBy, Unjudged
from evalkit.results.coverage_row import CoverageRow
from evalkit.results.json_shapes import Document, FieldKeys, Inline, JsonObject, Key, Keys
from evalkit.results.manifest import CandidateLists
from evalkit.results.weighted_rows import WeightedMeans
from evalkit.results.width_rows import HumanWidths
from evalkit.stats import Interval

SensitivityRow = Annotated[Sensitivity, FieldKeys({"condensed": "difference"})]
"""How a difference depends on ties and unjudged documents."""

BaselineMean = Annotated[Interval, Keys("mean")]


@dataclass(frozen=True, slots=True)
class ExploratoryRow(JsonObject):
    """A difference on a metric that no verdict is based on; `p` is not corrected."""

    metric: str
    contender: str
    n: int
    baseline_mean: float | None
    contender_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    p: float | None

    @property
    def change(self) -> Interval:
        """The mean paired difference with its interval."""
        return Interval(self.difference, self.lower, self.upper, self.n)


@dataclass(frozen=True, slots=True)
class MeanOnly:
    """A mean with its interval, over the n of the row that it is part of."""

    mean: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class SliceRow(JsonObject):
    """Means and their difference over some of the queries: exploratory, not corrected.

    Attributes
    ----------
    by, level
        The property that queries are grouped by, and its value in this group.
    difference
        Contender minus baseline.
    """

    contender: str
    by: str
    level: str
    baseline_mean: MeanOnly
    contender_mean: MeanOnly
    difference: Annotated[Interval, Inline.interval("difference")]


@dataclass(frozen=True, slots=True)
class ToRate:
    """How many queries of the draw for people, and how many of their documents, people still have to judge."""

    queries: int
    documents: int


@dataclass(frozen=True, slots=True)
class ToAskJudge:
    """The tag of the judge that people's grades correct, and for how much it still has to be asked."""

    judge: str
    queries: int
    documents: int


@dataclass(frozen=True, slots=True)
class ExtremeQuery:
    """A query with the values of both systems; its text is None where it is not known."""

    query_id: str
    text: str | None
    baseline: float
    contender: float


@dataclass(frozen=True, slots=True)
class Extremes:
    """The queries that lost most and gained most, the largest change first."""

    worst: tuple[ExtremeQuery, ...]
    best: tuple[ExtremeQuery, ...]


@dataclass(frozen=True, slots=True)
class DatasetComparisons(JsonObject):
    """All comparisons on one dataset.

    Attributes
    ----------
    depth
        Configured depth of all systems but `runs`; None where the runs do not come from one first stage.
    unscored
        System -> queries without scores, where there are any.
    comparisons
        One for each contender, on the primary metric.
    tied_with
        System -> the systems that it does not differ from significantly, best first.
    exploratory, sensitivity, slices, extremes
        What the differences depend on; `extremes` by contender.
    baseline_mean
        Mean of the baseline over its own queries; None where a file does not record it.
    relevant_only
        Whether the judgments list relevant documents only, and unjudged documents count as not relevant.
    unjudged
        Whether unjudged documents may be relevant, as the configuration states.
    to_judge
        The documents whose judgments would decide the undecided comparisons, the highest ranks first.
    runs
        The systems with candidates of their own, which have no depth.
    candidates
        The lists that were reranked, which may be shorter than the depth; None if unknown.
    coverage
        System -> which judged queries its file has; without the systems that have no file.
    weighted
        Means of the populations that the queries were drawn from; None if their fields do not say how.
    synthetic_queries
        Queries that a model wrote; None for none.
    judged_by
        Whose grades the judgments are.
    unjudged_queries
        Queries without a judgment; they are in no mean.
    to_rate
        What people still have to judge so that their grades correct those of the judge; None for nothing.
    to_ask_judge
        What the judge still has to be asked for so that its grades can be corrected; None for nothing.
    withheld
        Why people's grades of a draw correct nothing; None where nothing speaks against it.
    human_widths
        How wide the interval of each contender is by the number of human-judged queries; None without a draw for people
        of which enough queries are judged.
    """

    dataset: str
    depth: int | None
    unscored: Mapping[str, int]
    comparisons: tuple[Comparison, ...]
    tied_with: Mapping[str, tuple[str, ...]]
    exploratory: tuple[ExploratoryRow, ...]
    sensitivity: tuple[SensitivityRow, ...]
    slices: tuple[SliceRow, ...]
    extremes: Mapping[str, Extremes]
    baseline_mean: BaselineMean | None = None
    relevant_only: bool = False
    unjudged: Unjudged = "unknown"
    to_judge: tuple[ToJudge, ...] = ()
    candidates: CandidateLists | None = None
    runs: tuple[str, ...] = ()
    coverage: Mapping[str, CoverageRow] = field(default_factory=dict)
    weighted: Annotated[WeightedMeans | None, Key(omit_none=True)] = None
    synthetic_queries: Annotated[int | None, Key(omit_none=True)] = None
    judged_by: JudgedBy = "human"
    unjudged_queries: int = 0
    to_rate: Annotated[ToRate | None, Key(omit_none=True)] = None
    to_ask_judge: Annotated[ToAskJudge | None, Key(omit_none=True)] = None
    withheld: Annotated[str | None, Key(omit_none=True)] = None
    human_widths: Annotated[tuple[HumanWidths, ...] | None, Key(omit_none=True)] = None

    @property
    def rests_on(self) -> RestsOn:
        """What the comparisons rest on."""
        return rests_on(self.judged_by, self.comparisons)

    @property
    def is_unjudged(self) -> bool:
        """Whether no query has a judgment."""
        return self.unjudged_queries > 0 and not any(one.n or one.left_out for one in self.comparisons)

    @property
    def of_files(self) -> bool:
        """Whether the systems are files that a command names, without a configuration."""
        return bool(self.coverage) and not self.runs

    def depth_of(self, system: str) -> int | None:
        """Return the candidates per query of a system; None for a run."""
        return None if system in self.runs else self.depth


@dataclass(frozen=True, slots=True)
class Comparisons(Document):
    """The content of ``comparisons.json``; `pooled` and `across` are empty for a single dataset."""

    VERSION: ClassVar[int] = 1

    plan: Plan
    datasets: tuple[DatasetComparisons, ...]
    pooled: tuple[Comparison, ...]
    across: tuple[AcrossDatasets, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionTags:
    """The tag of a reranker in the result before and in the one after."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Transfer(JsonObject):
    """Drift of the scores between two versions, and carried thresholds.

    Attributes
    ----------
    kinds
        Kind of the scores before and after.
    why_not
        Why no threshold keeps as many relevant candidates; None where one may. What keeps as many documents needs no
        judgments.
    rests_on
        Whose grades of which queries count for relevant candidates; None where all do.
    """

    dataset: str
    reranker: str
    kinds: tuple[str, str]
    drift: ScoreDrift
    thresholds: tuple[CarriedThreshold, ...]
    why_not: Annotated[str | None, Key(omit_none=True)] = None
    rests_on: Annotated[str | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionComparisons(Comparisons):
    """Comparisons of two versions of one reranker, with carried thresholds."""

    reranker: VersionTags
    transfer: tuple[Transfer, ...]
