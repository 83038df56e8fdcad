"""The three cards of a report's first screen: quality, speed and cost, and what the decision rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from evalkit.comparison import Comparison
from evalkit.comparison.rests_on import is_withheld
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.report.comparison_sentences import FEW_JUDGED, queries_text, reversal_sentence
from evalkit.report.decision import Decision
from evalkit.report.judged_by import RESTS_ON
from evalkit.report.manifest_command import config_in
from evalkit.report.numbers import NO_VALUE, Figure, change_text, significant
from evalkit.report.run_coverage import missing_sentence
from evalkit.report.systems import Measured, SystemRow, cost_unknown
from evalkit.report.verdict import lead_comparison
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.latency_document import FitRow


@dataclass(frozen=True, slots=True)
class Card:
    """One card.

    Attributes
    ----------
    heading
        What it is about.
    figure
        The main figure with its unit.
    lines
        Sentences below it.
    warns
        Whether it is marked: something here could change the decision.
    warnings
        Number of warnings that it points to; None if it does not count any.
    """

    heading: str
    figure: str
    lines: tuple[str, ...]
    warns: bool = False
    warnings: int | None = None

    @property
    def warnings_text(self) -> str:
        """The number of warnings in words; empty if it does not count any."""
        if self.warnings is None:
            return ""
        return f"{self.warnings or 'No'} warning{'s' * (self.warnings != 1)}"


def quality_card(compared: Comparisons, decision: Decision) -> Card:
    """Return the gain of the system that the decision is about, its wins and losses, and what the test can detect."""
    lead = leading(compared, decision)
    if lead is None or lead.difference is None:
        return Card("Quality", "Not measured", ("Nothing was compared.",))
    if not lead.has_evidence:
        return Card("Quality", "Undecided", (missing_sentence(lead, _entry_of(lead, compared)),), warns=True)
    lines = [
        f"{lead.metric}, {lead.contender} compared with {lead.baseline}.",
        f"{_counted(lead)}{lead.wins} queries better, {lead.ties} unchanged, {lead.losses} worse.",
    ]
    if is_withheld(lead):
        lines.append("This is an indication, and no verdict.")
    elif lead.detectable is not None:
        lines.append(
            f"This test finds a true difference of {lead.detectable:.3f} in 8 of 10 cases (80 % power)."
        )
    return Card("Quality", change_text(lead.difference), tuple(lines))


def _counted(one: Comparison) -> str:
    """Return whose grades the wins and losses are under, where the difference rests on those of a judge, too."""
    return "" if one.corrected is None else "By people's grades: "


def _entry_of(one: Comparison, compared: Comparisons) -> DatasetComparisons | None:
    """Return the dataset of a comparison; None for several datasets together."""
    return next((entry for entry in compared.datasets if entry.dataset == one.dataset), None)


def leading(compared: Comparisons, decision: Decision) -> Comparison | None:
    """Return the comparison that the decision is about: over all datasets where there are several."""
    if compared.pooled:
        chosen = [one for one in compared.pooled if one.contender == decision.choice]
        return (chosen or sorted(compared.pooled, key=lambda one: -(one.difference or 0.0)))[0]
    return lead_comparison(compared.datasets[0]) if compared.datasets else None


def speed_card(
    compared: Comparisons,
    decision: Decision,
    rows: Sequence[SystemRow],
    measured: Measured | None,
    fits: Sequence[FitRow],
) -> Card:
    """Return latency and cost of the system that the decision is about, at the number of candidates it needs."""
    several = len(compared.datasets) > 1
    heading = f"Speed and cost on {compared.datasets[0].dataset}" if several else "Speed and cost"
    lead = leading(compared, decision)
    row = next((one for one in rows if lead is not None and one.system == lead.contender), None)
    if measured is None or row is None:
        config = "CONFIG" if measured is None else quote(config_in(measured.manifest.command))
        why = "Runs hold no latency." if measured is None else "No reranker is compared."
        return Card(heading, "Not measured", (f"{why} Measure a reranker with: evalkit bench {config}",))
    figure, lines = _speed_of_run(row) if row.is_run else _speed(row, measured, compared.datasets[0].dataset)
    lines += [text for fit in fits if fit.reranker == row.system and (text := call_time(fit))]
    lines += [f"{one.system}: {_expense(one)}." for one in rows if one is not row and one.is_timed]
    return Card(heading, figure, tuple(lines[:4]))


def _speed(row: SystemRow, measured: Measured, dataset: str) -> tuple[str, list[str]]:
    """Return the main figure of one system, and the sentence below it."""
    cost = [f"{row.system} costs {row.cost} per 1,000 queries."]
    if row.cost == NO_VALUE:
        cost = list(cost_unknown(measured, dataset, row.system))
    if isinstance(row.p95, Figure):
        lines = [f"{row.system}, one call with {row.depth} candidates."]
        return f"{row.p95.alone} ms p95", [*lines, *cost]
    if row.p95 == "replayed":
        return "Not measured", [f"{row.system} replays stored scores, so it has no latency.", *cost]
    if row.median != NO_VALUE:
        more = f" p95 needs {row.calls_missing} more calls." if row.calls_missing else ""
        return f"{row.median} ms median", [
            f"{row.system}, one call with {row.depth} candidates.{more}",
            *cost,
        ]
    command = measured.timing_command(row.depth)
    return "Not measured", [
        f"{row.system} was not timed with {row.depth} candidates. Measure it with: {command}",
        *cost,
    ]


def _speed_of_run(row: SystemRow) -> tuple[str, list[str]]:
    """Return the latency that the file of a run states, or that there is none."""
    if not row.is_timed:
        return "Not measured", [
            f"{row.system} is a run: evalkit does not call it. State its latency with `latencies:`."
        ]
    figure = f"{row.p95.alone} ms p95" if isinstance(row.p95, Figure) else f"{row.median} ms median"
    return figure, [f"{row.system}, one query, as its latency file states."]


def _expense(row: SystemRow) -> str:
    """Return latency and cost of another system at the candidates that it needs."""
    latency = f"{row.median} ms median" if row.median != NO_VALUE else f"{row.latency} ms p95"
    if row.is_run:
        return f"{latency} as its file states"
    cost = "" if row.cost == NO_VALUE else f", {row.cost} per 1,000 queries"
    return f"{latency} with {row.depth} candidates{cost}"


def call_time(row: FitRow) -> str:
    """Return the time of a call and of each document as a sentence; empty where they do not follow a line."""
    fit = row.fit
    if not row.straight or fit.causes != ("documents",) or fit.per_unit_s[0][1] <= 0:
        return ""
    fixed, each = significant(fit.fixed_s[0] * 1000), significant(fit.per_unit_s[0][0] * 1000)
    return f"Median of a call: {fixed} ms + {each} ms per document."


def confidence_card(compared: Comparisons, decision: Decision, warnings: int, *, failed: bool) -> Card:
    """Return what the decision rests on: judged documents, queries, and what would reverse it.

    Parameters
    ----------
    warnings
        Number of warnings on the result.
    failed
        Whether queries without scores are left out.
    """
    entries = [entry for entry in compared.datasets if entry.comparisons]
    if not entries:
        return Card("Confidence", "Unknown", ("Nothing was compared.",), warns=True, warnings=warnings)
    entry, found = min(((one, _sensitivity(one, decision)) for one in entries), key=_least_judged)
    lines = list(_judged(entry, found, several=len(entries) > 1))
    ties = "" if found is None else tie_reversal(found)
    if ties:
        lines.append(ties)
    if entry.judged_by != "human":
        lines.append(f"Judgments: {RESTS_ON[entry.rests_on]}.")
    lead = leading(compared, decision)
    if lead is not None and lead.corrected is not None and not lead.corrected.weight:
        lines.append(
            "The judge's grades have no weight in this difference: it is that of people's grades alone."
        )
    queries = "Unknown" if lead is None else queries_text(lead)
    if lead is not None and found is not None:
        based = "The difference" if decision.kind == "undecided" else "The decision"
        lines.append(f"{based} is based on {queries}.")
    if failed:
        lines.append("Queries without scores are left out.")
    figure = queries if found is None else f"{found.judged_contender:.0%} judged"
    few = found is not None and found.judged_contender < FEW_JUDGED and entry.unjudged == "unknown"
    marked = few or failed or bool(ties) or decision.kind == "undecided"
    return Card("Confidence", figure, tuple(lines), marked, warnings)


def _sensitivity(entry: DatasetComparisons, decision: Decision) -> Sensitivity | None:
    """Return how the difference of the leading system depends on unjudged documents."""
    lead = lead_comparison(entry)
    name = decision.choice if decision.kind == "adopt" else None if lead is None else lead.contender
    return next((one for one in entry.sensitivity if one.contender == name), None)


def _least_judged(pair: tuple[DatasetComparisons, Sensitivity | None]) -> float:
    return 2.0 if pair[1] is None else pair[1].judged_contender


def tie_reversal(found: Sensitivity) -> str:
    """Return a sentence where the order of equal scores alone could change the sign of the difference."""
    low, high = found.tied_low, found.tied_high
    if low is None or high is None or low >= 0 or high <= 0:
        return ""
    return f"Equal scores: their order alone moves the difference from {change_text(low)} to {change_text(high)}."


def _judged(entry: DatasetComparisons, found: Sensitivity | None, *, several: bool) -> Iterator[str]:
    if found is None:
        return
    where = f" on {entry.dataset}" if several else ""
    yield (
        f"of the first {found.cutoff} documents of {found.contender}{where} ({found.baseline}:"
        f" {found.judged_baseline:.0%})."
    )
    if entry.unjudged != "unknown":
        yield "Unjudged documents count as not relevant, as configured."
    elif found.tipping_of:
        yield reversal_sentence(found)
