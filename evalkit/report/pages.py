"""Write ``report.md`` and ``report.html``: the same sections, with plots as files or embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.report.explorer import as_script, explorer_note
from evalkit.report.headline import headline
from evalkit.report.sections import Findings, Section
from evalkit.report.table_files import file_names, write_tables
from evalkit.report.templating import page_templates
from evalkit.report.verdict import verdicts
from evalkit.results import ResultFolder
from evalkit.results.manifest import Manifest

MOST_PLOTS = 4
"""Plots of a section that are shown without unfolding."""


def write_pages(
    folder: ResultFolder, found: Findings, sections: Sequence[Section], explored: Mapping[str, Any] | None
) -> None:
    """Write both pages and the files of all tables; `explored` is the data of the query explorer."""
    names = file_names(table for section in sections for table in section.every_table)
    write_tables(folder.tables_folder, names)
    per_dataset = verdicts(found.compared, found.summary)
    content = {
        "name": found.manifest.name,
        "started": found.manifest.started,
        "status": found.manifest.status,
        "headline": headline(per_dataset, found.compared, found.manifest.status),
        "verdicts": per_dataset,
        "sections": sections,
        "files": names,
        "facts": _facts(found.manifest),
        "warnings": sum(len(section.lines) for section in sections if section.key == "warnings"),
        "most_plots": MOST_PLOTS,
        "explorer": explored and as_script(explored),
        "explorer_note": explored and explorer_note(explored),
    }
    environment = page_templates()
    for template, file in (
        ("report.md", folder.report_markdown_file),
        ("report.html", folder.report_html_file),
    ):
        text = environment.get_template(template).render(content)
        file.write_text(text, encoding="utf-8", errors="replace")


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    machine = manifest.machine
    git = manifest.git
    memory = machine.memory_bytes
    return [
        ("started", manifest.started),
        ("command", manifest.command),
        ("seed", str(manifest.seed)),
        ("machine", f"{machine.cpu or 'unknown CPU'}, {machine.cores} cores"
                    + (f", {memory / 2**30:.0f} GiB" if memory else "")),
        ("platform", machine.platform),
        ("git", "not in a repository" if git is None else git.commit + (" (with changes)" if git.dirty else "")),
        *[(name, version) for name, version in manifest.versions.items()],
        *[(f"dataset {entry.name}", f"sha256 {entry.origin.content_hash}") for entry in manifest.datasets],
    ]  # fmt: skip
