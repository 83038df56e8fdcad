"""Findings on the data from before the run: warnings on the most severe ones, and tables of all."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.dataset_checks import DataFinding
from evalkit.report.cautions import Caution
from evalkit.report.table import WIDTH, Table, as_text
from evalkit.results.manifest import Manifest

MOST_LINES = 4
"""Findings among the warnings of a report."""
OTHER_WARNINGS = frozenset({"no_candidates", "judged_share"})
"""Codes of findings that are left out of the sentences: other warnings of the report cover them."""
TITLE = "Findings on the data"
COLUMNS = ("dataset", "severity", "finding", "effect on the figures", "remedy", "examples")


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


def finding_tables(findings: Iterable[DataFinding], width: int = WIDTH) -> str:
    """Return findings for a terminal: a table for each severity."""
    by_severity: dict[str, list[tuple[str, ...]]] = {}
    for finding in findings:
        dataset, severity, *rest = _row(finding)
        by_severity.setdefault(severity, []).append((dataset, *rest))
    columns = tuple(name for name in COLUMNS if name != "severity")
    return "\n".join(
        as_text(Table(f"{severity}s: {len(rows)}", columns, tuple(rows), left=len(columns)), width)
        for severity, rows in by_severity.items()
    )


def _row(finding: DataFinding) -> tuple[str, ...]:
    examples = ", ".join(finding.examples) or "-"
    return (finding.dataset, finding.severity, finding.what, finding.effect, finding.remedy, examples)
