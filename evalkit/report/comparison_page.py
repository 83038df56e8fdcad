"""The page of a comparison without a result folder of its own: TREC runs, or two versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.report.cautions import grouped
from evalkit.report.comparison import comparison_tables, evidence_tables, extreme_tables, slice_tables
from evalkit.report.comparison_sentences import cautions, findings
from evalkit.report.difference_charts import change_charts
from evalkit.report.first_screen import FirstScreen, first_screen
from evalkit.report.sections import Section
from evalkit.report.transfer import transfer_lines, transfer_tables
from evalkit.report.undecided import to_judge_tables
from evalkit.results.comparison_document import Comparisons, Transfer, VersionComparisons

if TYPE_CHECKING:
    from evalkit.report.pages import Page


def comparison_screen(compared: Comparisons) -> FirstScreen:
    """Return the first screen of a comparison."""
    name = version_names(compared) if isinstance(compared, VersionComparisons) else "comparison of runs"
    return first_screen(name, compared, cautions(compared))


def comparison_page(documents: Sequence[Comparisons]) -> Page:
    """Return the page of all comparisons, one chapter each."""
    from evalkit.report.pages import Chapter, Page

    return Page([Chapter(comparison_screen(one), comparison_sections(one)) for one in documents])


def comparison_sections(compared: Comparisons) -> list[Section]:
    """Return all sections that are not empty."""
    transfer = transfers_of(compared)
    everything = (
        Section(
            "comparison", "Comparison", "Comparison with the baseline",
            lines=findings(compared),
            more=[*comparison_tables(compared), *to_judge_tables(compared), *evidence_tables(compared)],
        ),
        Section(
            "transfer", "Scores", "Scores before and after",
            lines=list(transfer_lines(transfer)), more=transfer_tables(transfer),
        ),
        Section("queries", "Queries", "Results by query", plots=change_charts(compared), more=extreme_tables(compared)),
        Section("slices", "Query types", "Results by query type", more=slice_tables(compared)),
        Section("warnings", "Warnings", "Warnings", cautions=grouped(cautions(compared))),
    )  # fmt: skip
    return [section for section in everything if not section.is_empty]


def transfers_of(compared: Comparisons) -> tuple[Transfer, ...]:
    """Return the drift of scores between two versions; empty for other comparisons."""
    return compared.transfer if isinstance(compared, VersionComparisons) else ()


def version_names(compared: VersionComparisons) -> str:
    """Return the tags of both versions, or the tag that they share."""
    return " -> ".join(dict.fromkeys((compared.reranker.before, compared.reranker.after)))
