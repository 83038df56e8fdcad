"""Findings on the data from before the run: sentences for the most severe ones, and tables of all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from evalkit.dataset_checks import DataFinding
from evalkit.report.table import Table
from evalkit.results.manifest import Manifest

MOST_LINES = 4
"""Findings among the warnings of a report."""
OTHER_WARNINGS = frozenset({"no_candidates", "judged_share"})
"""Codes of findings that are left out of the sentences: other warnings of the report cover them."""
TITLE = "What was found in the data"
COLUMNS = ("dataset", "kind", "what", "effect on the figures", "remedy", "for example")
_WIDTHS = (12, 34, 40, 32, 20)
"""Characters of the columns in a terminal, without the column of the severity."""


def preflight_lines(manifest: Manifest) -> list[str]:
    """Return sentences on the errors and warnings, errors first, and the number of further ones."""
    findings = [
        finding
        for checked in manifest.preflight
        for finding in checked.findings
        if finding.severity != "note" and finding.code not in OTHER_WARNINGS
    ]
    findings.sort(key=lambda finding: finding.severity != "error")
    lines = [f"{one.dataset}: {one.what}: {one.effect}." for one in findings[:MOST_LINES]]
    more = len(findings) - len(lines)
    if more:
        lines.append(f"{more} more finding{'s' * (more > 1)} on the data: see '{TITLE}' in the report.")
    return lines


def preflight_tables(manifest: Manifest) -> list[Table]:
    """Return the table of all findings; its note names the checks that did not run."""
    checked = manifest.preflight
    findings = [finding for one in checked for finding in one.findings]
    if not findings:
        return []
    left_out = "; ".join(dict.fromkeys(name for one in checked for name in one.left_out))
    note = (
        "Warnings move figures, notes are good to know. Not looked for before a run, but by"
        f" `evalkit dataset check`: {left_out}."
    )
    return [Table(TITLE, COLUMNS, tuple(map(_row, findings)), note, left=len(COLUMNS))]


def finding_tables(findings: Iterable[DataFinding]) -> str:
    """Return findings for a terminal: a table for each severity, the cells wrapped."""
    by_severity: dict[str, list[tuple[str, ...]]] = {}
    for finding in findings:
        by_severity.setdefault(finding.severity, []).append(_row(finding))
    return "\n".join(
        f"{severity}s: {len(rows)}\n\n{_wrapped([COLUMNS, *rows])}\n"
        for severity, rows in by_severity.items()
    )


def _row(finding: DataFinding) -> tuple[str, ...]:
    examples = ", ".join(finding.examples) or "-"
    return (finding.dataset, finding.severity, finding.what, finding.effect, finding.remedy, examples)


def _wrapped(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned text, the headings first, without the column of the severity."""
    heading, *body = ([row[0], *row[2:]] for row in rows)
    rule = ["-" * width for width in _WIDTHS]
    return "\n".join([_lines(heading), _lines(rule), *(f"{_lines(row)}\n" for row in body)])


def _lines(row: Sequence[str]) -> str:
    """Return one row as lines, each cell wrapped to the width of its column."""
    cells = [textwrap.wrap(cell, width) for cell, width in zip(row, _WIDTHS, strict=True)]
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    )
