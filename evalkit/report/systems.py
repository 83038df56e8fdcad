"""The systems of one dataset side by side: difference to the baseline, quality, latency and cost, candidates needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from evalkit.comparison import Comparison
from evalkit.comparison.plan import SYNTHETIC
from evalkit.comparison.rests_on import is_withheld
from evalkit.report.candidate_counts import reached
from evalkit.report.comparison_sentences import VERDICT_WORDS
from evalkit.report.depth import interpolated_text, needed_text
from evalkit.report.manifest_command import timing_command
from evalkit.report.numbers import (
    NO_VALUE,
    Figure,
    cost_text,
    difference_text,
    level_text,
    milliseconds,
    milliseconds_text,
    value_text,
)
from evalkit.report.table import Table
from evalkit.results.cascade_rows import find_cascade
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.manifest import Manifest
from evalkit.results.summary_document import LatencyRow, Summary
from evalkit.results.tuning_document import DepthRow, DepthSweep, Tuning
from evalkit.stats import Interval

OTHER_QUERIES = (
    "A system whose difference is not corrected has no mean here, as it would be of other queries than that of the"
    " baseline."
)
"""Why a table has no mean of a system."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a result holds beyond comparisons; a comparison of TREC runs has none of it."""

    manifest: Manifest
    summary: Summary
    tuned: Tuning

    def timing_command(self, documents: int | None) -> str:
        """Return the command that times calls with so many documents, in a result with quality."""
        return timing_command(self.manifest.command, documents if self.summary.latency else None)


@dataclass(frozen=True, slots=True)
class SystemRow:
    """One system on one dataset.

    Attributes
    ----------
    difference
        Mean paired difference to the baseline with its simultaneous interval; None for the baseline, where nothing was
        compared, and where a file lacks too many queries.
    verdict
        The verdict in words; ``baseline`` for the baseline.
    mean
        Mean of the primary metric; None where it is of other queries than that of the baseline.
    queries
        Number of queries of `difference`, or of the mean of the baseline; of a corrected one those that people judged.
    corrected_for
        Number of queries that a corrected mean and difference are for; None where they are not corrected.
    depth
        Candidates per query that `p95` and `cost` are for; None where there is no depth.
    is_run
        Whether it is a run of another engine, which evalkit does not call.
    indication
        What the interval does not allow for, where the difference is no verdict; empty for others.
    p95, cost
        95th percentile of the latency of one call in milliseconds, and US dollars per 1,000 queries.
    median
        Median of the latency in milliseconds; only where p95 is not known.
    calls_missing
        Further timed calls that p95 needs; 0 if they are not what is missing.
    needed
        Candidates needed: the smallest depth that held-out queries confirm, else all.
    """

    system: str
    difference: Interval | None
    verdict: str
    mean: float | None
    queries: int
    depth: int | None = None
    p95: str = NO_VALUE
    cost: str = NO_VALUE
    needed: str = NO_VALUE
    median: str = NO_VALUE
    calls_missing: int = 0
    is_run: bool = False
    indication: str = ""
    corrected_for: int | None = None

    @property
    def is_timed(self) -> bool:
        """Whether p95 or the median is known."""
        return isinstance(self.p95, Figure) or self.median != NO_VALUE

    @property
    def latency(self) -> str:
        """The 95th percentile without its bounds, else the median, marked as such."""
        if isinstance(self.p95, Figure):
            return self.p95.alone
        return self.p95 if self.median == NO_VALUE else f"{self.median} (p50)"

    @property
    def latency_basis(self) -> str:
        """What the latency is of: a call with a number of documents, or what the file of a run states."""
        return "stated" if self.is_run else f"at {self.depth}"

    @property
    def difference_text(self) -> str:
        """The difference as text."""
        return difference_text(self.difference)

    @property
    def mean_text(self) -> str:
        """The mean as text."""
        return value_text(self.mean)

    @property
    def is_baseline(self) -> bool:
        """Whether the other systems are compared with this one."""
        return self.verdict == "baseline"


def indication_note(comparisons: Iterable[Comparison]) -> str:
    """Return how to read differences that rest on grades or queries of models; empty without any."""
    withheld = {one.verdict for one in comparisons if is_withheld(one)}
    notes = []
    if withheld - {SYNTHETIC}:
        notes.append("Undecided rows are indications: intervals and p do not allow for errors of the judge.")
    if SYNTHETIC in withheld:
        notes.append("Undecided rows are indications: intervals and p are for queries that a model wrote.")
    return " ".join(notes)


def comparable_mean(entry: DatasetComparisons, one: Comparison) -> float | None:
    """Return the mean of a contender; None where it is not corrected and that of the baseline is.

    The two are then of other queries and grades: their difference is not the one of the comparison.
    """
    return one.contender_mean if one.corrected is not None or not _is_corrected(entry) else None


def _is_corrected(entry: DatasetComparisons) -> bool:
    return any(row.corrected is not None for row in entry.comparisons)


def system_rows(
    entry: DatasetComparisons, compared: Comparisons, measured: Measured | None
) -> list[SystemRow]:
    """Return the systems of one dataset, the highest mean first.

    Parameters
    ----------
    entry, compared
        The comparisons of the dataset, and the document that they are part of.
    measured
        Latency, cost and depth; None for runs that evalkit did not make.
    """
    rows = [_contender_row(entry, one, measured) for one in entry.comparisons]
    mean = entry.baseline_mean
    # Older files have the baseline's mean over the queries of the first contender only.
    known = next((one.baseline_mean for one in entry.comparisons), None) if mean is None else mean.estimate
    queries = max((one.n for one in entry.comparisons), default=0) if mean is None else mean.n
    baseline = SystemRow(compared.plan.baseline, None, "baseline", known, queries)
    is_run = compared.plan.baseline in entry.runs
    rows.append(_with_stated_latency(baseline, entry, measured) if is_run else baseline)
    return sorted(rows, key=lambda row: (row.mean is None, -(row.mean or 0.0), row.is_baseline))


def pooled_rows(compared: Comparisons) -> list[SystemRow]:
    """Return the systems over all datasets, the highest mean first."""
    rows = [
        SystemRow(
            one.contender,
            one.joint_change if one.has_evidence else None,
            VERDICT_WORDS[one.verdict],
            one.contender_mean,
            one.n,
            indication=indication_note([one]),
        )
        for one in compared.pooled
    ]
    first = compared.pooled[0]
    rows.append(SystemRow(first.baseline, None, "baseline", first.baseline_mean, first.n))
    return sorted(rows, key=lambda row: -(row.mean or 0.0))


def _contender_row(entry: DatasetComparisons, one: Comparison, measured: Measured | None) -> SystemRow:
    row = SystemRow(
        one.contender,
        one.joint_change if one.has_evidence else None,
        VERDICT_WORDS[one.verdict] if one.n else "not judged" if entry.is_unjudged else "not scored",
        comparable_mean(entry, one),
        one.n,
        indication=indication_note([one]),
        corrected_for=None if one.corrected is None else one.corrected.human + one.corrected.judged_only,
    )
    if one.contender in entry.runs:
        return _with_stated_latency(row, entry, measured)
    if measured is None:
        return row
    return _with_expense(row, entry, measured)


def _with_stated_latency(row: SystemRow, entry: DatasetComparisons, measured: Measured | None) -> SystemRow:
    """Return the row of a run, with the latency that its file states."""
    stated = None if measured is None else measured.summary.run_latency_of(entry.dataset, row.system)
    if stated is None:
        return replace(row, is_run=True)
    if stated.p95_s.estimate is not None:
        return replace(row, is_run=True, p95=milliseconds_text(stated.p95_s.interval))
    return replace(row, is_run=True, median=milliseconds(stated.p50_s.estimate))


def _with_expense(row: SystemRow, entry: DatasetComparisons, measured: Measured) -> SystemRow:
    """Return the row with candidates needed, and with latency and cost at that number of candidates."""
    sweep = _sweep(measured.tuned, entry.dataset, row.system)
    depth = reached(entry.depth, entry.candidates)
    depth = depth if sweep is None else sweep.choice.recommended or depth
    needed = NO_VALUE if sweep is None else needed_text(sweep)
    at_depth = None if sweep is None or depth is None else sweep.rows[depth - 1]
    median, calls_missing = _median(measured, entry.dataset, row.system, depth)
    return replace(
        row,
        depth=depth,
        p95=_p95(measured, entry.dataset, row.system, depth, at_depth),
        cost=_cost(measured, entry.dataset, row.system, depth, at_depth),
        needed=needed,
        median=median,
        calls_missing=calls_missing,
    )


def _median(measured: Measured, dataset: str, system: str, depth: int | None) -> tuple[str, int]:
    """Return the median where p95 was timed with too few calls, and how many more p95 needs."""
    timed = _timed(measured.summary, dataset, system, depth)
    if timed is None or timed.p95_s.estimate is not None or timed.p50_s.estimate is None:
        return NO_VALUE, 0
    return milliseconds(timed.p50_s.estimate), max(0, timed.p95_s.needs - timed.p95_s.interval.n)


def _timed(summary: Summary, dataset: str, system: str, depth: int | None) -> LatencyRow | None:
    """Return the timed calls with as many texts as a query has at a depth; None where there are none."""
    return None if depth is None else summary.alone(dataset, system).get(summary.sent_at(dataset, depth))


def _sweep(tuned: Tuning, dataset: str, system: str) -> DepthSweep | None:
    return next((one for one in tuned.depth if (one.dataset, one.reranker) == (dataset, system)), None)


def _p95(measured: Measured, dataset: str, system: str, depth: int | None, at: DepthRow | None) -> str:
    """Return p95 with its interval where it was timed at this depth, else as interpolated; or that it was replayed."""
    about = measured.manifest.rerankers.get(system)
    if about is not None and about.backend == "replay":
        return "replayed"
    timed = _timed(measured.summary, dataset, system, depth)
    if timed is not None and timed.p95_s.estimate is not None:
        return milliseconds_text(timed.p95_s.interval)
    row = find_cascade(measured.summary.cascades, dataset, system)
    if row is not None and row.p95_s is not None and row.p95_s.composed.estimate is not None:
        return f"{milliseconds(row.p95_s.composed.estimate)} (composed)"
    return NO_VALUE if at is None else interpolated_text(at)


def _cost(measured: Measured, dataset: str, system: str, depth: int | None, at: DepthRow | None) -> str:
    if at is not None and at.usd_per_thousand_queries is not None:
        return cost_text(at.usd_per_thousand_queries)
    row = find_cascade(measured.summary.cascades, dataset, system)
    if row is not None:
        return cost_text(row.usd_per_thousand_queries)
    return NO_VALUE if depth is None else cost_text(measured.summary.cost_at(dataset, system, depth))


def cost_unknown(measured: Measured, dataset: str, system: str) -> Iterator[str]:
    """Yield why a system with a price has no cost: stored scores are not billed again."""
    manifest = measured.manifest
    about = manifest.rerankers.get(system)
    pairs = next((one for one in manifest.pairs if (one.dataset, one.reranker) == (dataset, system)), None)
    if about is not None and about.price is not None and pairs is not None and pairs.reused:
        yield f"Cost unknown: {'some' if pairs.scored else 'all'} scores were cached."


def systems_table(dataset: str, compared: Comparisons, rows: Sequence[SystemRow]) -> Table:
    """Return the rows as a table for a terminal and for files.

    A column without any value is left out, and the number of queries where it is the same for all.
    """
    plan = compared.plan
    columns: tuple[str, ...] = (
        "system", plan.primary, f"difference to {plan.baseline}", "verdict", "p95 (ms)", "$ per 1,000 queries",
        "candidates needed", "queries",
    )  # fmt: skip
    cells: list[tuple[str, ...]] = [
        (
            row.system,
            row.mean_text,
            row.difference_text,
            row.verdict,
            row.latency,
            row.cost,
            row.needed,
            str(row.queries),
        )
        for row in rows
    ]
    if len({row.queries for row in rows}) == 1:
        columns, cells = columns[:-1], [row[:-1] for row in cells]
    title, note = f"{dataset}: systems", systems_note(compared, rows)
    return Table(title, columns, tuple(cells), note, dataset=dataset).without_empty_columns()


def _means_note(rows: Sequence[SystemRow]) -> Iterator[str]:
    """Yield which queries means are of, where people's grades correct them."""
    sizes = sorted({row.corrected_for for row in rows if row.corrected_for is not None})
    if not sizes:
        return
    counts = " or ".join(f"{size:,}" for size in sizes)
    yield (
        f"Means and differences: corrected, for all {counts} queries that people or the judge graded; 'queries' counts"
        " those that people judged."
    )
    if any(row.mean is None and row.difference is not None for row in rows):
        yield OTHER_QUERIES


def systems_note(compared: Comparisons, rows: Sequence[SystemRow]) -> str:
    """Return how to read the rows, in short sentences; only of what they hold."""
    plan = compared.plan
    parts = [f"Intervals: {level_text(plan.confidence)} confidence, simultaneous for all systems."]
    parts += [note for note in dict.fromkeys(row.indication for row in rows) if note]
    parts += _means_note(rows)
    if any(row.needed != NO_VALUE for row in rows):
        parts.append(
            f"Candidates needed: the fewest that lose at most {plan.margin:g} on held-out queries; 'all' if none is"
            " confirmed."
        )
    elif any(row.is_timed and not row.is_run for row in rows):
        parts.append("p95: one call with the number of candidates after 'at'.")
    if any(row.latency != NO_VALUE and row.is_run for row in rows):
        parts.append("Latency of a run: as its file states it, not measured here.")
    return " ".join(parts)
