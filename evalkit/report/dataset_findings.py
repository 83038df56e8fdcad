"""What was found in the data before anything was asked: a few lines where they matter, the rest as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from evalkit.dataset_checks import DataFinding
from evalkit.report.table import Table
from evalkit.results.manifest import Manifest

MOST_LINES = 4
"""Findings told above the figures."""
TOLD_ELSEWHERE = frozenset({"no_candidates", "judged_share"})
"""Kinds of findings that other warnings tell."""
TITLE = "What was found in the data"
COLUMNS = ("dataset", "kind", "what", "effect on the figures", "remedy", "for example")
_WIDTHS = (12, 34, 40, 32, 20)
"""Characters of the columns in a terminal, where the kind is in the heading."""


def preflight_lines(manifest: Manifest) -> list[str]:
    """Return the findings that move figures, the worst first, and how many more there are."""
    findings = [
        finding
        for checked in manifest.preflight
        for finding in checked.findings
        if finding.severity != "note" and finding.code not in TOLD_ELSEWHERE
    ]
    findings.sort(key=lambda finding: finding.severity != "error")
    lines = [f"{one.dataset}: {one.what}: {one.effect}." for one in findings[:MOST_LINES]]
    more = len(findings) - len(lines)
    if more:
        lines.append(f"{more} more finding{'s' * (more > 1)} on the data: see '{TITLE}' in the report.")
    return lines


def preflight_tables(manifest: Manifest) -> list[Table]:
    """Return the table of all that was found, and of what nobody looked for."""
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
    """Return rows, the headings first, without the column that says of which kind they all are."""
    heading, *body = ([row[0], *row[2:]] for row in rows)
    rule = ["-" * width for width in _WIDTHS]
    return "\n".join([_lines(heading), _lines(rule), *(f"{_lines(row)}\n" for row in body)])


def _lines(row: Sequence[str]) -> str:
    cells = [textwrap.wrap(cell, width) for cell, width in zip(row, _WIDTHS, strict=True)]
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    )
