"""A leaderboard: the systems of many results in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.records import JudgedBy
from evalkit.results.json_shapes import Inline, JsonObject, Key
from evalkit.results.manifest import CandidateLists
from evalkit.stats import Interval


@dataclass(frozen=True, slots=True)
class LeaderboardRow(JsonObject):
    """One system.

    Attributes
    ----------
    rank
        From 1, by the mean; None where the file of a run lacks too many judged queries.
    result
        Name of the result folder.
    tied_with
        Systems without a significant difference, all pairs tested.
    p50_s
        Median seconds of a call with the batch size of the table; None where it was not timed.
    dominated_by
        Systems of the same run that are significantly better and faster; None where it was not timed.
    is_run
        Whether it is a run of another engine, with candidates of its own and without a depth.
    averaged, missing
        Of a run: judged queries with a relevant document, and those that its file lacks. Each counts as 0.
    indication
        True where the mean rests on grades of models that people's do not correct, unlike others of the table.
    """

    rank: int | None
    system: str
    result: str
    mean: Annotated[Interval, Inline.interval("mean")]
    tied_with: tuple[str, ...]
    p50_s: float | None
    usd_per_thousand_queries: float | None
    dominated_by: tuple[str, ...] | None
    is_run: bool = False
    averaged: int | None = None
    missing: int = 0
    indication: Annotated[bool | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class Leaderboard(JsonObject):
    """Systems that were measured on the same queries, judgments, candidates and depth, and runs, the best first.

    Attributes
    ----------
    batch_size
        The largest batch size that every timed system was timed with, up to the depth; None without one.
    why
        Why the systems are not in an earlier table of the same dataset; None for the first table.
    candidates
        The lists that were reranked; None if unknown.
    judged_by
        Whose grades count, where models gave some: then no difference is tested, unless people's grades of a random
        draw correct it. None where people judged.
    unrated_queries
        Drawn queries that people have not judged completely: differences of systems that rank such documents are not
        tested.
    """

    dataset: str
    depth: int | None
    metric: str
    confidence: float
    batch_size: int | None
    why: str | None
    rows: tuple[LeaderboardRow, ...]
    candidates: CandidateLists | None = None
    judged_by: Annotated[JudgedBy | None, Key(omit_none=True)] = None
    unrated_queries: Annotated[int | None, Key(omit_none=True)] = None

    def depth_of(self, row: LeaderboardRow) -> int | None:
        """Return the depth of a system; None for a run."""
        return None if row.is_run else self.depth
