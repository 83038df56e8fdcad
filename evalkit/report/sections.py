"""Sections of a report in their order; both pages and the table files are rendered from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from evalkit.charts.chart import Chart
from evalkit.report.audit_tables import all_audit_tables, audit_sentences
from evalkit.report.calibration import calibration_table
from evalkit.report.cascades import cascade_lines, cascade_tables
from evalkit.report.cautions import Caution, CautionGroup, grouped
from evalkit.report.comparison import comparison_tables, evidence_tables, extreme_tables, slice_tables
from evalkit.report.comparison_sentences import cautions, findings
from evalkit.report.dataset_findings import preflight_tables
from evalkit.report.depth import depth_line, depth_table, depth_tables
from evalkit.report.judged_by import judged_lines, rater_tables
from evalkit.report.latency_sentences import latency_cautions, latency_lines
from evalkit.report.latency_tables import latency_details, latency_tables
from evalkit.report.manifest_command import config_in, with_config
from evalkit.report.model_precision import precision_lines, precision_tables
from evalkit.report.passage_tables import passage_tables
from evalkit.report.quality import call_tables, data_table, result_tables
from evalkit.report.run_coverage import lacking
from evalkit.report.run_tables import missing_names, run_cautions, run_latency_tables, run_tables
from evalkit.report.table import Table
from evalkit.report.thresholds import threshold_line, threshold_table
from evalkit.report.token_budgets import token_budget_cautions, token_budget_lines, token_budget_tables
from evalkit.report.undecided import to_judge_tables
from evalkit.report.warnings import failure_tables, warnings
from evalkit.report.weighted_populations import weighted_lines, weighted_tables
from evalkit.report.width_by_people import width_lines, width_tables
from evalkit.results import ResultFolder
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

    @classmethod
    def read(cls, folder: ResultFolder) -> Findings:
        """Read all documents of a result folder."""
        return cls(
            folder.read_manifest(),
            folder.read_failures(),
            folder.read_summary(),
            folder.read_comparisons(),
            folder.read_tuning(),
            folder.read_latency(),
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report under one heading.

    Attributes
    ----------
    key
        Anchor of the section in the page.
    short
        Its name in the navigation.
    lines
        Sentences.
    cautions
        Warnings, the worst first.
    plots, tables
        Shown at once, but for folded plots.
    more
        Detail tables, folded in the page.
    explorer
        Whether the query explorer is in this section.
    """

    key: str
    short: str
    title: str
    lines: Sequence[str] = ()
    cautions: Sequence[CautionGroup] = ()
    plots: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    more: Sequence[Table] = ()
    explorer: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there are no sentences, plots and tables."""
        return not (self.lines or self.cautions or self.plots or self.tables or self.more)

    def naming(self, config: str) -> Section:
        """Return the section with a configuration in the commands of its sentences, warnings and notes."""

        def named(tables: Sequence[Table]) -> tuple[Table, ...]:
            return tuple(replace(one, note=with_config(one.note, config)) for one in tables)

        cautions = tuple(
            replace(group, cautions=tuple(_naming(one, config) for one in group.cautions))
            for group in self.cautions
        )
        lines = tuple(with_config(line, config) for line in self.lines)
        return replace(self, lines=lines, cautions=cautions, tables=named(self.tables), more=named(self.more))

    @property
    def every_table(self) -> tuple[Table, ...]:
        """All tables, the folded ones last."""
        return (*self.tables, *self.more)

    @property
    def shown_plots(self) -> list[Chart]:
        """The plots that are shown at once."""
        return [plot for plot in self.plots if not plot.folded]

    @property
    def folded_plots(self) -> list[Chart]:
        """The plots for people who look after the measurement itself."""
        return [plot for plot in self.plots if plot.folded]


def all_cautions(found: Findings) -> list[Caution]:
    """Return all warnings on a result."""
    return [
        *run_cautions(found.manifest, found.summary.datasets, found.compared),
        *warnings(found.manifest, found.summary),
        *cautions(found.compared, missing_names(found.manifest)),
        *latency_cautions(found.summary, found.latency),
        *token_budget_cautions(found.summary),
    ]


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
            "comparison", "Comparison", "Comparison with the baseline",
            lines=[*_findings(found), *precision_lines(summary), *token_budget_lines(found.manifest)],
            more=[*comparison_tables(compared), *to_judge_tables(compared), *result_tables(summary, lacking(compared)),
                  *passage_tables(summary.passages, summary.confidence), *precision_tables(summary),
                  *token_budget_tables(summary), *evidence_tables(compared)],
        ),
        Section(
            "sample", "Human sample", "Interval by number of human-judged queries",
            lines=width_lines(compared), plots=plots["sample"], tables=width_tables(compared),
        ),
        Section("weighted", "Traffic", "Weighted by traffic",
                lines=weighted_lines(compared), tables=weighted_tables(compared)),
        Section("trade-off", "Trade-off", "Quality against latency and cost", plots=plots["trade-off"]),
        Section(
            "depth", "Candidates", "Number of candidates",
            lines=list(map(depth_line, tuned.depth)),
            plots=plots["depth"],
            more=[*depth_tables(summary), *map(depth_table, tuned.depth)],
        ),
        Section(
            "latency", "Latency", "Latency",
            lines=[*latency_lines(summary, found.latency), *cascade_lines(summary)],
            plots=plots["latency"],
            tables=[*run_latency_tables(summary), *([] if summary.quality else latency_tables(summary, found.latency))],
            more=[*(latency_tables(summary, found.latency) if summary.quality else []),
                  *cascade_tables(summary), *latency_details(summary, found.latency)],
        ),
        Section(
            "thresholds", "Threshold", "Score threshold",
            lines=list(map(threshold_line, tuned.threshold)),
            plots=plots["thresholds"],
            more=[
                *map(threshold_table, tuned.threshold),
                *(calibration_table(one) for one in tuned.calibration if one.functions),
            ],
        ),
        Section(
            "queries", "Queries", "Results by query",
            plots=plots.get("queries", ()), more=extreme_tables(compared), explorer=explorer,
        ),
        Section("slices", "Query types", "Results by query type", more=slice_tables(compared)),
        *_sections_on_the_run(found),
    )  # fmt: skip
    return [section for section in everything if section.explorer or not section.is_empty]


def _naming(one: Caution, config: str) -> Caution:
    return replace(one, text=with_config(one.text, config), remedy=with_config(one.remedy, config))


def _findings(found: Findings) -> list[str]:
    return findings(found.compared, quote(config_in(found.manifest.command)))


def _sections_on_the_run(found: Findings) -> tuple[Section, ...]:
    """Return the sections on warnings, data and calls."""
    summary = found.summary
    return (
        Section(
            "warnings", "Warnings", "Warnings and failures",
            cautions=grouped(all_cautions(found)),
            more=[*preflight_tables(found.manifest), *failure_tables(found.failures)],
        ),
        Section(
            "judges", "Judges", "Judges compared with people",
            lines=audit_sentences(summary.audits or ()), more=all_audit_tables(summary.audits or ()),
        ),
        Section("data", "Data", "Data and calls", lines=judged_lines(summary),
                more=[data_table(summary), *rater_tables(summary), *run_tables(found.manifest), *call_tables(summary)]),
    )  # fmt: skip
