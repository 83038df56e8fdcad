"""The content of ``evalkit tune search``: configurations of a reranker, and margins of a cascade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.comparison.gate_verdicts import Status
from evalkit.records import JudgedBy
from evalkit.results.json_shapes import Inline, JsonObject, Key, Mean
from evalkit.results.tuning_document import TunedDepth
from evalkit.stats import Interval
from evalkit.tuning.fusion_choice import AgainstFusion


@dataclass(frozen=True, slots=True)
class AgainstPlain(JsonObject):
    """The mean paired difference to plain reranking, and whether the loss is larger than the margin."""

    mean: Annotated[Interval, Inline.interval("mean")]
    status: Status


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One configuration of a search.

    Attributes
    ----------
    fusion
        Fusion with the first stage: ``none``, ``rrf``, or the reranker's weight.
    kept_share
        Share of the candidates that the threshold keeps on the tuning queries.
    threshold
        None for no threshold.
    tuned, held_out
        Mean of the metric on the queries of the choice and on the others.
    kept
        Mean number of documents kept.
    on_front
        Whether no other configuration is at least as good in every objective and better in one.
    against_plain
        Difference to the reranker alone, at the full depth and without threshold, on the held-out queries.
    """

    depth: int
    fusion: str
    kept_share: float
    threshold: float | None
    tuned: float | None
    held_out: Mean
    kept: float | None
    p95_s: float | None
    usd_per_thousand_queries: float | None
    on_front: bool
    against_plain: AgainstPlain


@dataclass(frozen=True, slots=True)
class MarginRow:
    """A cascade that skips its later stages from one margin of the first stage on.

    Attributes
    ----------
    margin
        None for never skipping.
    configured
        Whether the configuration has this margin.
    chosen
        Whether it skips the later stages for the most tuning queries, of the margins that lose no more than the margin
        of the comparison there, as do all larger ones.
    skipped
        Share of the held-out queries that skip the later stages.
    tuned, held_out
        Mean of the metric on the tuning queries and on the held-out ones.
    to_never
        Mean paired difference to never skipping, on the held-out queries.
    status
        Whether the held-out queries confirm that no more than the margin of the comparison is lost: ``PASS`` or
        ``IDENTICAL``. It is a test of the chosen margin only: of all margins together, some pass by chance.
    """

    margin: float | None
    configured: bool
    chosen: bool
    skipped: Mean
    tuned: float | None
    held_out: Mean
    to_never: Mean
    status: Status
    usd_per_thousand_queries: float | None


@dataclass(frozen=True, slots=True)
class SearchResult(JsonObject):
    """Every configuration of a search over depth, fusion and threshold; no rows without answerable queries.

    Attributes
    ----------
    against_fusion
        The reranker alone against the best fusion of it with the first stage, on the held-out queries; None without
        answerable queries.
    margins
        For a cascade, which has no rows: margins of its first stage from which later stages are skipped, the largest
        first. None for others.
    made_at
        The greatest depth of a configuration, and where it comes from; None in older results.
    judged_by
        Whose grades count, where models gave some: then nothing has a verdict. None where people judged.
    why_not
        Why nothing has a verdict; None where something may.
    rests_on
        As in `DepthSweep`.
    """

    dataset: str
    reranker: str
    metric: str
    margin: float
    queries: int
    rows: tuple[SearchRow, ...]
    against_fusion: Annotated[AgainstFusion | None, Key(omit_none=True)] = None
    margins: Annotated[tuple[MarginRow, ...] | None, Key(omit_none=True)] = None
    made_at: TunedDepth | None = None
    judged_by: Annotated[JudgedBy | None, Key(omit_none=True)] = None
    why_not: Annotated[str | None, Key(omit_none=True)] = None
    rests_on: Annotated[str | None, Key(omit_none=True)] = None
