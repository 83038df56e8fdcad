"""The plan of a comparison and its result: one contender against the baseline on one metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.comparison.change_histogram import ChangeHistogram
from evalkit.comparison.looks import enlarged_text
from evalkit.plurals import number_of, queries_of
from evalkit.stats import RESAMPLES, Interval

Verdict = Literal[
    "better",
    "worse",
    "not told apart",
    "identical",
    "too few queries",
    "undecided: failed queries",
    "undecided: missing queries",
    "undecided: unknown values",
    "undecided: unjudged documents",
    "undecided: cached scores",
    "undecided: judge only",
    "undecided: mixed judgments",
    "undecided: human sample incomplete",
    "undecided: judge incomplete",
    "undecided: synthetic queries",
]
"""Those that begin with ``undecided`` replace a claim that other evidence does not support."""
MISSING: Verdict = "undecided: missing queries"
"""The verdict where a file of rankings lacks queries that could change it."""
UNKNOWN: Verdict = "undecided: unknown values"
"""The verdict where a metric has values of only one system for queries that could change it."""
JUDGE_ONLY: Verdict = "undecided: judge only"
"""The verdict where models gave all judgments: the difference is an indication."""
MIXED: Verdict = "undecided: mixed judgments"
"""The verdict where people and models gave the judgments."""
INCOMPLETE: Verdict = "undecided: human sample incomplete"
"""The verdict where people have not judged all documents of the queries that were drawn for them."""
JUDGE_INCOMPLETE: Verdict = "undecided: judge incomplete"
"""The verdict where people have, but the judge was not asked for all documents of all queries."""
SYNTHETIC: Verdict = "undecided: synthetic queries"
"""The verdict where a model wrote the queries, except for too few."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a difference rests on that few judgments of people and many of one judge give.

    Attributes
    ----------
    judge
        Name of the judge.
    human
        Number of queries that people judged: all that were drawn.
    judged_only
        Number of queries with grades of the judge alone, without those of `ungraded`.
    weight
        Average weight of the judge, 0 to 1; 0 gives the difference under grades of people alone.
    too_rarely_wrong
        Whether the judge was not used, because the draw shows too few of its errors, or of the differences.
    declared
        Whether the user states that the draw was random.
    ungraded
        Number of queries, drawn or not, that the judge has no grade for; where it failed, its mean value is used.
    ungraded_drawn
        Number of drawn queries among them.
    enlarged
        How often the draw was enlarged after people had judged: the level of the test is halved each time.
    """

    judge: str
    human: int
    judged_only: int
    weight: float
    too_rarely_wrong: bool = False
    declared: bool = False
    ungraded: int = 0
    enlarged: int = 0
    ungraded_drawn: int = 0

    @property
    def text(self) -> str:
        """What the difference rests on, for people."""
        drawn = ", declared random by the user" if self.declared else ""
        alone = "the verdict rests on people's grades alone"
        unused = "" if self.weight else f"; {alone}, as the judge's have no weight"
        if self.too_rarely_wrong:
            unused = f"; {alone}, as the human sample shows too few differences or errors of the judge"
        others = self.ungraded - self.ungraded_drawn
        without = (
            f"; no grade of the judge for {queries_of(self.ungraded_drawn)} of the human sample and for"
            f" {number_of(others, 'other')}"
        )
        without = without if self.ungraded else ""
        looks = f"; {enlarged_text(self.enlarged)}" if self.enlarged else ""
        notes = f"{drawn}{unused}{without}{looks}"
        return f"corrected ({self.human} human + {self.judged_only} judge: {self.judge}{notes})"


@dataclass(frozen=True, slots=True)
class Plan:
    """How systems are compared; fixed before the results are seen.

    Attributes
    ----------
    baseline
        Name of the system that the others are compared with.
    primary
        The metric that verdicts rest on.
    confidence
        Confidence level of intervals. The family-wise error rate of the verdicts, over all contenders, is at
        most ``1 - confidence``.
    margin
        Largest loss that does not matter. The report says how many queries rule out a larger one.
    correction
        For several contenders: ``holm``, or ``maxT``, which uses the dependence between contenders.
    resamples, seed
        Number of resamples of the sign-flip test, and the seed of its random generator.
    """

    baseline: str
    primary: str
    confidence: float = 0.95
    margin: float = 0.01
    correction: Literal["holm", "maxT"] = "holm"
    resamples: int = RESAMPLES
    seed: int = 0

    @property
    def alpha(self) -> float:
        """Significance level, ``1 - confidence``."""
        return 1 - self.confidence


@dataclass(frozen=True, slots=True)
class Comparison:
    """One contender against the baseline.

    Attributes
    ----------
    n, left_out
        Number of queries with a value for both systems, and of those without scores from one or both.
    difference, lower, upper
        Mean paired difference, contender minus baseline, with its Student-t interval; None if there are too
        few queries.
    p, p_adjusted
        Two-sided p-value of the sign-flip test, and the same corrected for all contenders. Where a draw was enlarged
        after people had judged, they are multiplied for it; see `evalkit.comparison.looks`.
    p_t
        Two-sided p-value of Student's t test.
    fragile
        Whether `p` and `p_t` disagree about significance.
    wins, ties, losses
        Number of queries on which the contender is above, equal to, or below the baseline.
    deviation
        Standard deviation of the paired differences.
    effect
        Mean difference divided by `deviation`; None if `deviation` is 0 or unknown.
    detectable
        Minimum detectable difference with 80 % power, at the level of the strictest corrected test.
    needed
        Queries needed to rule out a loss beyond the margin with 80 % power if there is no true difference; None where
        the interval already shows such a loss, and of a corrected difference where even all queries judged by people do
        not suffice.
    needed_lower, needed_upper
        The same for the smallest and the largest plausible standard deviation.
    joint_lower, joint_upper
        Simultaneous interval of `difference`: all intervals of the family hold at once with the plan's confidence,
        so that of the highest mean does, too. A bound is 0 where only the stepwise correction shows the sign.
    error
        Standard error of `difference`, robust to dependence within clusters.
    clusters
        Number of clusters that the queries form; None where each query is independent.
    unranked
        Number of the n queries that only one of the two runs ranks, and that count as 0 for the other.
    histogram
        How many queries gain and lose how much; None where no query changes, and for several datasets together.
    corrected
        What the difference rests on where grades of people correct those of a judge; its p-value is that of Student's t
        test, and the means are corrected, too. None where the difference rests on all judgments alike.
    baseline_missing, contender_missing
        Number of averaged queries that the file of a run lacks: each counts as 0. 0 for rankings that evalkit made.
    """

    dataset: str
    metric: str
    baseline: str
    contender: str
    n: int
    left_out: int
    baseline_mean: float | None
    contender_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    p: float | None
    p_adjusted: float | None
    p_t: float | None
    fragile: bool
    wins: int
    ties: int
    losses: int
    deviation: float | None
    effect: float | None
    detectable: float | None
    needed: int | None
    verdict: Verdict
    needed_lower: int | None = None
    needed_upper: int | None = None
    joint_lower: float | None = None
    joint_upper: float | None = None
    error: float | None = None
    clusters: int | None = None
    unranked: int = 0
    histogram: ChangeHistogram | None = None
    baseline_missing: int = 0
    contender_missing: int = 0
    corrected: Corrected | None = None

    @property
    def change(self) -> Interval:
        """The mean paired difference with its interval."""
        return Interval(self.difference, self.lower, self.upper, self.n)

    @property
    def joint_change(self) -> Interval:
        """The mean paired difference with its simultaneous interval; the plain one where a file lacks it."""
        if self.joint_lower is None:
            return self.change
        return Interval(self.difference, self.joint_lower, self.joint_upper, self.n)

    @property
    def is_tested(self) -> bool:
        """Whether it is one of the family of tests; False where a file lacks too many queries."""
        return self.verdict != MISSING or self.p is not None

    @property
    def has_evidence(self) -> bool:
        """Whether it has a difference with an interval; without, it has means at most."""
        return self.n > 0 and self.is_tested

    @property
    def undecided(self) -> bool:
        """Whether a claim was withheld."""
        return self.verdict.startswith("undecided")
