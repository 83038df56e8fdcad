"""Sections of a report in their order; both pages and the table files are rendered from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.charts.chart import Chart
from evalkit.report.calibration import calibration_table
from evalkit.report.comparison import (
    cautions,
    comparison_tables,
    evidence_tables,
    extreme_tables,
    findings,
    slice_tables,
)
from evalkit.report.dataset_findings import preflight_tables
from evalkit.report.decision import decision_tables
from evalkit.report.depth import depth_line, depth_table, depth_tables
from evalkit.report.latency_sentences import latency_cautions, latency_lines
from evalkit.report.latency_tables import latency_details, latency_tables
from evalkit.report.model_precision import precision_lines, precision_tables
from evalkit.report.quality import call_tables, data_table, result_tables
from evalkit.report.table import Table
from evalkit.report.thresholds import threshold_line, threshold_table
from evalkit.report.undecided import to_judge_tables
from evalkit.report.warnings import failure_tables, warnings
from evalkit.results.comparison_document import Comparisons
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.manifest import Failure, Manifest
from evalkit.results.summary_document import Summary
from evalkit.results.tuning_document import Tuning


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All inputs of a report.

    Attributes
    ----------
    manifest, failures
        Manifest and failed calls of the result.
    summary, compared, tuned, latency
        Contents of ``summary.json``, ``comparisons.json``, ``tuning.json`` and ``latency.json``.
    """

    manifest: Manifest
    failures: Sequence[Failure]
    summary: Summary
    compared: Comparisons
    tuned: Tuning
    latency: LatencyAnswers


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report under one heading.

    Attributes
    ----------
    key
        Anchor of the section in the page.
    lines
        Sentences.
    plots, tables
        Shown at once.
    more
        Detail tables, folded in the page.
    explorer
        Whether the query explorer is in this section.
    """

    key: str
    title: str
    lines: Sequence[str] = ()
    plots: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    more: Sequence[Table] = ()
    explorer: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there are no sentences, plots and tables."""
        return not (self.lines or self.plots or self.tables or self.more)

    @property
    def every_table(self) -> tuple[Table, ...]:
        """All tables, the folded ones last."""
        return (*self.tables, *self.more)


def report_sections(
    found: Findings, plots: Mapping[str, Sequence[Chart]], *, explorer: bool
) -> list[Section]:
    """Return all sections that are not empty.

    Parameters
    ----------
    found
        All inputs of the report.
    plots
        Key of a section -> its charts.
    explorer
        Whether the query explorer has data.
    """
    summary, compared, tuned = found.summary, found.compared, found.tuned
    everything = (
        Section(
            "decision", "Decision",
            lines=[*findings(compared), *precision_lines(summary)],
            tables=decision_tables(compared, summary, tuned),
            more=[*comparison_tables(compared, details=False), *to_judge_tables(compared), *result_tables(summary),
                  *precision_tables(summary), *evidence_tables(compared)],
        ),
        Section("trade-off", "Quality against latency and cost", plots=plots["trade-off"]),
        Section(
            "depth", "How many candidates",
            lines=list(map(depth_line, tuned.depth)),
            plots=plots["depth"],
            more=[*depth_tables(summary), *map(depth_table, tuned.depth)],
        ),
        Section(
            "latency", "Latency",
            lines=latency_lines(summary, found.latency),
            plots=plots["latency"],
            tables=latency_tables(summary, found.latency),
            more=latency_details(summary, found.latency),
        ),
        Section(
            "thresholds", "Where to cut the scores",
            lines=list(map(threshold_line, tuned.threshold)),
            plots=plots["thresholds"],
            more=[
                *map(threshold_table, tuned.threshold),
                *(calibration_table(one) for one in tuned.calibration if one.functions),
            ],
        ),
        Section("queries", "Query by query", plots=plots["queries"], more=extreme_tables(compared), explorer=explorer),
        Section("slices", "Kinds of queries", tables=slice_tables(compared)),
        Section(
            "warnings", "Failures and warnings",
            lines=[*warnings(found.manifest, summary), *latency_cautions(found.latency), *cautions(compared)],
            tables=[*preflight_tables(found.manifest), *failure_tables(found.failures)],
        ),
        Section("data", "Data and calls", tables=[data_table(summary), *call_tables(summary)]),
    )  # fmt: skip
    return [section for section in everything if section.explorer or not section.is_empty]
