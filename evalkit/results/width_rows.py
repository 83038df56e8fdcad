"""Rows of ``comparisons.json`` and ``summary.json``: how wide an interval is by the number of human-judged queries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WidthRow:
    """The expected half-width of the 95 % interval of a difference.

    Attributes
    ----------
    human
        Number of queries that people judge.
    half_width, lower, upper
        With the judge's grades of all queries; the bounds are those of the correlation.
    alone
        Without a judge.
    """

    human: int
    half_width: float
    lower: float
    upper: float
    alone: float


@dataclass(frozen=True, slots=True)
class HumanWidths:
    """How wide the interval of one difference is by the number of human-judged queries, as those so far suggest.

    Attributes
    ----------
    contender, judge
        The system that is compared with the baseline, and the judge that grades all queries.
    human, queries
        Queries of the draw that people have judged completely, and all queries. With clusters, these are counted.
    correlation, correlation_lower, correlation_upper
        Correlation of the judge's differences with people's on these queries, with its 95 % interval.
    deviation
        Standard deviation of the differences by people's grades.
    margin
        Largest loss that does not matter.
    for_margin
        Queries that people have to judge for a half-width of the margin; None if all of them are too few.
    rows
        By rising number of human-judged queries, the present one among them.
    """

    contender: str
    judge: str
    human: int
    queries: int
    correlation: float
    correlation_lower: float
    correlation_upper: float
    deviation: float
    margin: float
    for_margin: int | None
    rows: tuple[WidthRow, ...]

    @property
    def now(self) -> WidthRow:
        """The row of the present number."""
        return next(row for row in self.rows if row.human == self.human)
