"""The first screen of a report: the decision, the systems side by side, three cards, and the next step.

The page, the Markdown file, the terminal and a notebook all show this record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from shlex import quote

from evalkit.charts.palette import system_roles
from evalkit.charts.scales import Span
from evalkit.comparison import Comparison
from evalkit.plurals import queries_of
from evalkit.report.advice import NextStep
from evalkit.report.candidate_counts import reached
from evalkit.report.cards import Card, confidence_card, quality_card, speed_card
from evalkit.report.cautions import Caution
from evalkit.report.chart_parts import roles_of
from evalkit.report.decision import Decision, decide
from evalkit.report.forest import Forest, forest, span_of_differences
from evalkit.report.latency_screen import latency_cards, latency_decision
from evalkit.report.manifest_command import PLACEHOLDER, config_in, repeated
from evalkit.report.next_step import next_step
from evalkit.report.numbers import NO_VALUE
from evalkit.report.run_coverage import coverage_lines
from evalkit.report.systems import (
    Measured,
    SystemRow,
    pooled_rows,
    system_rows,
    systems_note,
    systems_table,
)
from evalkit.report.table import Table
from evalkit.report.verdict import Verdict, verdicts
from evalkit.report.warnings import RESUME
from evalkit.results.comparison_document import Comparisons
from evalkit.results.latency_document import FitRow, LatencyAnswers


@dataclass(frozen=True, slots=True)
class Panel:
    """The systems of one dataset.

    Attributes
    ----------
    title
        Name of the dataset.
    baseline, metric
        What the differences are to, and of which metric.
    margin
        Largest loss that does not matter.
    headline
        The verdict on this dataset in one clause; empty for the mean of several datasets.
    note
        How to read it.
    table
        The same rows as a table.
    """

    title: str
    baseline: str
    metric: str
    margin: float
    headline: str
    rows: tuple[SystemRow, ...]
    forest: Forest
    note: str
    table: Table

    def has(self, column: str) -> bool:
        """Return whether any system has a value of `latency`, `cost` or `needed`."""
        return any(getattr(row, column) != NO_VALUE for row in self.rows)

    @property
    def columns_after_plot(self) -> int:
        """Number of columns to the right of the plot."""
        return 2 + sum(map(self.has, ("latency", "cost", "needed")))


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """What a reader sees first.

    Attributes
    ----------
    name
        Name of the experiment.
    context
        What was compared: datasets, queries, candidates.
    started
        Date and time of the run; empty where it is not known.
    lead
        The panel above the cards: of the only dataset, or of the mean of several. None without a comparison.
    others
        The panels of single datasets where there are several.
    cards
        Quality, speed and cost, confidence.
    roles
        System -> role of its colour.
    coverage
        Sentences on judged queries that files of rankings lack, and on queries that are left out.
    """

    name: str
    context: str
    started: str
    decision: Decision
    lead: Panel | None
    others: tuple[Panel, ...]
    cards: tuple[Card, ...]
    next_step: NextStep
    roles: Mapping[str, str]
    coverage: tuple[str, ...] = ()


def first_screen(
    name: str,
    compared: Comparisons,
    cautions: Sequence[Caution],
    measured: Measured | None = None,
    latency: LatencyAnswers | None = None,
    result: str | None = None,
) -> FirstScreen:
    """Return the first screen.

    Parameters
    ----------
    name
        Name of the experiment, or of the comparison.
    cautions
        All warnings on the result.
    measured, latency
        Latency, cost and depth; None for runs that evalkit did not make.
    result
        The result folder as a command takes it; None for such runs.
    """
    if measured is not None and latency is not None and not compared.datasets and measured.summary.latency:
        return _latency_screen(name, measured, latency)
    config = PLACEHOLDER if measured is None else quote(config_in(measured.manifest.command))
    found = verdicts(compared, config)
    status = "complete" if measured is None else measured.manifest.status
    decision = decide(found, compared, status)
    rows = [tuple(system_rows(entry, compared, measured)) for entry in compared.datasets]
    first_rows = rows[0] if rows else ()
    lead, others = _panels(compared, found, rows)
    fits = _fits(compared, latency)
    failed = any(one.left_out for entry in compared.datasets for one in entry.comparisons)
    return FirstScreen(
        name=name,
        context=_context(compared, measured),
        started="" if measured is None else date_text(measured.manifest.started),
        decision=decision,
        lead=lead,
        others=others,
        cards=(
            quality_card(compared, decision),
            speed_card(compared, decision, first_rows, measured, fits),
            confidence_card(compared, decision, len(cautions), failed=failed),
        ),
        next_step=next_step(compared, decision, first_rows, measured, result),
        roles=_roles(compared, measured),
        coverage=coverage_lines(compared),
    )


def date_text(moment: str) -> str:
    """Return an ISO date and time as people write it, such as ``28 Nov 2026, 11:20 UTC``."""
    at = datetime.fromisoformat(moment).astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _roles(compared: Comparisons, measured: Measured | None) -> dict[str, str]:
    """Return the colours of all systems, the same as in the charts."""
    own = [one.contender for entry in compared.datasets for one in entry.comparisons]
    known = {} if measured is None else roles_of(measured.summary)
    return system_roles(own, compared.plan.baseline) | known


def _latency_screen(name: str, measured: Measured, latency: LatencyAnswers) -> FirstScreen:
    """Return the first screen of a result without quality."""
    manifest, summary = measured.manifest, measured.summary
    provisional = manifest.status != "complete"
    text = (
        RESUME if provisional else "Decide with a result that has quality, too; if there is none, measure it."
    )
    command = manifest.command
    calls = sum(row.calls for row in summary.latency)
    return FirstScreen(
        name=name,
        context=f"{', '.join(dict.fromkeys(row.dataset for row in summary.latency))}, {calls:,} timed calls",
        started=date_text(manifest.started),
        decision=latency_decision(summary, provisional=provisional),
        lead=None,
        others=(),
        cards=latency_cards(summary, latency),
        next_step=NextStep(
            text,
            repeated(command, refreshed=True) if provisional else f"evalkit run {quote(config_in(command))}",
        ),
        roles={},
    )


def _queries(one: Comparison) -> int:
    """Return the number of queries that a difference rests on, also those that a judge alone graded."""
    return one.n if one.corrected is None else one.corrected.human + one.corrected.judged_only


def _fits(compared: Comparisons, latency: LatencyAnswers | None) -> list[FitRow]:
    if latency is None or not compared.datasets:
        return []
    return [row for row in latency.fits if row.dataset == compared.datasets[0].dataset]


def _panels(
    compared: Comparisons, found: Sequence[Verdict], rows: Sequence[tuple[SystemRow, ...]]
) -> tuple[Panel | None, tuple[Panel, ...]]:
    """Return the panel above the cards and the others; the plots of all datasets have the same axis."""
    span = span_of_differences([row for of_entry in rows for row in of_entry], compared.plan.margin)
    panels = tuple(
        _panel(entry.dataset, verdict.headline, compared, of_entry, span)
        for entry, verdict, of_entry in zip(compared.datasets, found, rows, strict=True)
    )
    if len(panels) < 2 or not compared.pooled:
        return (panels[0] if panels else None), panels[1:]
    pooled = tuple(pooled_rows(compared))
    own_span = span_of_differences(pooled, compared.plan.margin)
    return _panel(compared.pooled[0].dataset, "", compared, pooled, own_span), panels


def _panel(
    title: str, headline: str, compared: Comparisons, rows: tuple[SystemRow, ...], span: Span
) -> Panel:
    plan = compared.plan
    return Panel(
        title,
        plan.baseline,
        plan.primary,
        plan.margin,
        headline,
        rows,
        forest(rows, plan.margin, span),
        systems_note(compared, rows),
        systems_table(title, compared, rows),
    )


def _context(compared: Comparisons, measured: Measured | None) -> str:
    """Return datasets, queries and candidates on one line."""
    entries = compared.datasets
    if not entries:
        return ""
    queries = [max((_queries(one) for one in entry.comparisons), default=0) for entry in entries]
    names = entries[0].dataset if len(entries) == 1 else f"{len(entries)} datasets"
    parts = [names, queries_of(sum(queries))]
    people = [
        one.corrected.human for entry in entries for one in entry.comparisons if one.corrected is not None
    ]
    if people and len(entries) == 1:
        parts[-1] += f", of which people judged {max(people):,}"
    if unjudged := sum(entry.unjudged_queries for entry in entries):
        parts[-1] += f" ({unjudged:,} more are not judged)"
    depths = sorted({depth for one in entries if (depth := reached(one.depth, one.candidates)) is not None})
    if depths:
        source = "" if measured is None else f" from {measured.manifest.first_stage}"
        parts.append(f"up to {' or '.join(map(str, depths))} candidates{source}")
    runs = {name for entry in entries for name in entry.runs}
    if runs:
        one = "1 run with its own candidates"
        parts.append(one if len(runs) == 1 else f"{len(runs)} runs with their own candidates")
    return ", ".join(part for part in parts if part)
