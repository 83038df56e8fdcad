"""``tuning.json``: recommended depths and thresholds, and calibration of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from evalkit.comparison.plan import Corrected
from evalkit.records import BelowDepth
from evalkit.results.bounds import Count
from evalkit.results.json_shapes import Document, Inline, JsonObject, Key, Mean
from evalkit.results.manifest import CandidateLists
from evalkit.stats import Interval
from evalkit.tuning import Limits
from evalkit.tuning.calibration_fit import Calibration, Quality
from evalkit.tuning.depth_bands import DepthBand
from evalkit.tuning.depth_choice import Choice
from evalkit.tuning.threshold_choice import Promise

DepthSource = Literal["given", "recommended", "deepest"]


@dataclass(frozen=True, slots=True)
class TunedDepth:
    """The depth at which scores are tuned: only the first `depth` candidates of a query take part.

    Attributes
    ----------
    source
        ``given`` by the user, ``recommended`` by the sweep of depths, or the ``deepest``, where none is recommended.
    why
        Why it is the deepest; None for other sources.
    band
        Depths at which the guarantee of a threshold holds, where these queries chose the depth; None where they did
        not.
    """

    depth: int
    source: DepthSource
    why: str | None = None
    band: DepthBand | None = None


@dataclass(frozen=True, slots=True)
class DepthRow(JsonObject):
    """One depth of a sweep.

    Attributes
    ----------
    mean
        Mean of the metric if only the first `depth` candidates are reranked.
    to_deepest
        Mean paired difference to the deepest depth.
    recall
        Share of the relevant documents that are among the candidates.
    oracle
        Mean of the metric for the candidates in the order of their grades.
    retrieval_loss, ranking_loss
        1 minus `oracle`, and `oracle` minus the mean: what the first stage and the reranker lose.
    p95_s
        95th percentile of a call's latency in seconds; None where it is not known.
    p95_measured
        Whether it was measured at this batch size, and not interpolated.
    p95_upper_s
        Upper bound of the interval of `p95_s`; None where it is not known.
    """

    depth: int
    mean: Annotated[Interval, Inline.interval("mean")]
    to_deepest: Mean
    recall: float | None
    oracle: float | None
    retrieval_loss: float | None
    ranking_loss: float | None
    p95_s: float | None
    p95_measured: bool
    usd_per_thousand_queries: float | None
    p95_upper_s: float | None = None


@dataclass(frozen=True, slots=True)
class DepthSweep(JsonObject):
    """Every depth of one reranker on one dataset, from 1 to the longest list, and which of them is recommended.

    Attributes
    ----------
    candidates
        The lists at the deepest depth; None if unknown.
    below_depth
        What became of the candidates below a depth; results of earlier versions dropped them.
    first_stage
        Mean of the metric for the candidates in the order of the first stage.
    cost_unknown
        Why the cost of some depths is unknown; None where it is known, or where nothing is billed.
    rests_on
        Whose grades of which queries count, where these are not all; None where all do.
    corrected
        What means and differences rest on where people's grades of a random draw correct those of a judge: then
        `queries` are those in which people found a relevant document, and `recall`, `oracle` and the losses are
        unknown.
    """

    dataset: str
    reranker: str
    metric: str
    margin: float
    limits: Limits
    queries: int
    first_stage: Mean
    rows: tuple[DepthRow, ...]
    choice: Choice
    cost_unknown: Annotated[str | None, Key(omit_none=True)] = None
    candidates: CandidateLists | None = None
    below_depth: BelowDepth = "dropped"
    rests_on: Annotated[str | None, Key(omit_none=True)] = None
    corrected: Annotated[Corrected | None, Key(omit_none=True)] = None

    @property
    def deepest(self) -> DepthRow:
        """The last row."""
        return self.rows[-1]

    @property
    def enlarged(self) -> int:
        """How often the draw was enlarged after people had judged: each time halves the levels."""
        return 0 if self.corrected is None else self.corrected.enlarged


@dataclass(frozen=True, slots=True)
class GoalRow:
    """The goal of a threshold; see `evalkit.summaries.threshold_curves.Goal`."""

    what: str
    target: float | None
    confidence: float | None
    promise: Promise


@dataclass(frozen=True, slots=True)
class ThresholdFigures:
    """Figures at a threshold, each a mean over queries.

    Attributes
    ----------
    recall, f1
        Over queries with a relevant candidate.
    precision
        Over queries that keep a document.
    kept
        Documents kept per query.
    empty
        Share of the queries that keep no document.
    """

    recall: Mean
    precision: Mean
    f1: Mean
    kept: Mean
    empty: Mean


@dataclass(frozen=True, slots=True)
class ThresholdRow(JsonObject):
    """One threshold: means of `ThresholdFigures` over held-out queries, and the metric over the kept documents.

    Attributes
    ----------
    figures
        The same means with their intervals; None in older results.
    """

    threshold: float
    recall: float | None
    precision: float | None
    f1: float | None
    kept: float
    empty: float
    metric: str
    quality: float | None
    figures: Annotated[ThresholdFigures | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class ThresholdChoice(JsonObject):
    """A threshold that is chosen on one half of the queries, with its figures on the other half.

    Attributes
    ----------
    queries, with_relevant_candidate, unanswerable
        Queries that are answerable, those among them with a relevant candidate, and the unanswerable ones.
    first_stage_recall
        Share of all relevant documents that are candidates.
    separation
        AUROC of best scores: answerable against unanswerable queries; None without either.
    threshold
        None where none can be chosen; `why_not` is the reason.
    chosen_on
        Queries that the choice is based on.
    tuned, held_out
        On the queries of the choice, and on the others; None without threshold.
    false_accepts
        Share of the unanswerable queries that keep a document; None without threshold or such queries.
    rows
        Other thresholds, on the held-out queries.
    left_out
        Candidates without a score of their own, which take no part; None if it is unknown which they are.
    clusters
        Independent groups of queries that the choice is based on; None if each query is its own group.
    made_at
        Where the depth comes from; None in older results, whose thresholds are made at the deepest depth.
    candidates
        The lists that were scored; None if unknown.
    rests_on
        As in `DepthSweep`.
    enlarged
        How often the draw that it rests on was enlarged after people had judged: each time halves the errors of the
        guarantee, as in `goal`, and of the intervals. None for never.
    """

    dataset: str
    reranker: str
    depth: int | None
    goal: GoalRow
    queries: int
    with_relevant_candidate: int
    unanswerable: int
    first_stage_recall: float | None
    separation: float | None
    threshold: float | None
    chosen_on: int
    why_not: str | None
    tuned: ThresholdFigures | None
    held_out: ThresholdFigures | None
    false_accepts: Mean | None
    rows: tuple[ThresholdRow, ...]
    left_out: int | None = 0
    clusters: int | None = None
    made_at: TunedDepth | None = None
    candidates: CandidateLists | None = None
    rests_on: Annotated[str | None, Key(omit_none=True)] = None
    enlarged: Annotated[Count | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class CalibrationFunction:
    """A function from scores to probabilities with its quality on held-out queries; None for the scores themselves."""

    quality: Quality
    function: Calibration | None


@dataclass(frozen=True, slots=True)
class CalibrationResult(JsonObject):
    """Functions that turn the scores of one reranker into probabilities.

    Attributes
    ----------
    pairs
        Held-out query-document pairs.
    relevant_share
        Share of all pairs that is relevant; None without queries.
    functions
        Name -> function; empty where none can be fitted, and `why_not` is the reason.
    left_out
        Candidates without a score of their own, which take no part; None if it is unknown which they are.
    made_at
        As in `ThresholdChoice`.
    candidates
        The lists that were scored; None if unknown.
    rests_on
        As in `DepthSweep`.
    """

    dataset: str
    reranker: str
    depth: int | None
    score_kind: str
    queries: int
    pairs: int
    relevant_share: float | None
    functions: Mapping[str, CalibrationFunction]
    why_not: str | None
    left_out: int | None = 0
    candidates: CandidateLists | None = None
    made_at: TunedDepth | None = None
    rests_on: Annotated[str | None, Key(omit_none=True)] = None

    @property
    def best(self) -> str | None:
        """The name of the function with the lowest log loss; None without functions."""
        return min(self.functions, key=lambda name: self.functions[name].quality.log_loss.value, default=None)


@dataclass(frozen=True, slots=True)
class Tuning(Document):
    """The content of ``tuning.json``; rerankers with failed queries are left out."""

    VERSION: ClassVar[int] = 1

    depth: tuple[DepthSweep, ...]
    threshold: tuple[ThresholdChoice, ...]
    calibration: tuple[CalibrationResult, ...]
