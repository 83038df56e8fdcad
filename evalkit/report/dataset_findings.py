"""Findings on the data from before the run: warnings on the most severe ones, and tables of all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from evalkit.dataset_checks import DataFinding
from evalkit.report.cautions import Caution
from evalkit.report.table import Table
from evalkit.results.manifest import Manifest

MOST_LINES = 4
"""Findings among the warnings of a report."""
OTHER_WARNINGS = frozenset({"no_candidates", "judged_share"})
"""Codes of findings that are left out of the sentences: other warnings of the report cover them."""
TITLE = "Findings on the data"
COLUMNS = ("dataset", "severity", "finding", "effect on the figures", "remedy", "examples")
_WIDTHS = (12, 34, 40, 32, 20)
"""Characters of the columns in a terminal, without the column of the severity."""


def preflight_cautions(manifest: Manifest) -> list[Caution]:
    """Return warnings on the data, errors first; further ones are counted."""
    findings = [
        finding
        for checked in manifest.preflight
        for finding in checked.findings
        if finding.severity != "note" and finding.code not in OTHER_WARNINGS
    ]
    findings.sort(key=lambda finding: finding.severity != "error")
    found = [
        Caution(
            "invalid" if one.severity == "error" else "figures",
            f"{one.dataset}: {one.what}: {one.effect}.",
            sentence(one.remedy),
        )
        for one in findings[:MOST_LINES]
    ]
    more = len(findings) - len(found)
    if more:
        text = f"{more} more finding{'s' * (more > 1)} on the data."
        found.append(Caution("figures", text, f"Read the table '{TITLE}' of the report."))
    return found


def sentence(text: str) -> str:
    """Return a clause as a sentence: with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def preflight_tables(manifest: Manifest) -> list[Table]:
    """Return the table of all findings; its note names the checks that did not run."""
    checked = manifest.preflight
    findings = [finding for one in checked for finding in one.findings]
    if not findings:
        return []
    left_out = "; ".join(dict.fromkeys(name for one in checked for name in one.left_out))
    note = (
        "Errors make metric values meaningless, warnings bias them, notes inform. Only `evalkit dataset check` looks"
        f" for: {left_out}."
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
