"""``report.md`` and ``report.html``: the same sections, the plots beside or inside them."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evalkit.experiment import ResultFolder
from evalkit.report.drawing import Plot
from evalkit.report.explorer import as_script, explorer_note
from evalkit.report.sections import Findings, Section
from evalkit.report.table_files import file_names, write_tables
from evalkit.report.tables import as_markdown, markdown_text
from evalkit.report.verdict import headline, verdicts

MOST_PLOTS = 4
"""Plots of a section that are not folded."""


def write_pages(
    folder: ResultFolder, found: Findings, sections: Sequence[Section], explored: Mapping[str, Any] | None
) -> None:
    """Write both pages, and every table beside them; `explored` is what the explorer of queries holds."""
    names = file_names(table for section in sections for table in section.every_table)
    write_tables(folder.tables_folder, names)
    per_dataset = verdicts(found.compared, found.summary)
    content = {
        "name": found.manifest["name"],
        "started": found.manifest["started"],
        "status": found.manifest["status"],
        "headline": headline(per_dataset, found.compared, found.manifest["status"]),
        "verdicts": per_dataset,
        "sections": sections,
        "files": names,
        "facts": _facts(found.manifest),
        "warnings": sum(len(section.lines) for section in sections if section.key == "warnings"),
        "most_plots": MOST_PLOTS,
        "explorer": explored and as_script(explored),
        "explorer_note": explored and explorer_note(explored),
    }
    environment = _environment()
    for template, file in (
        ("report.md", folder.report_markdown_file),
        ("report.html", folder.report_html_file),
    ):
        text = environment.get_template(template).render(content)
        file.write_text(text, encoding="utf-8", errors="replace")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evalkit.report", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"markdown": as_markdown, "plain": markdown_text, "picture": _picture}
    loader = environment.loader
    source = loader.get_source(environment, "explorer.js")[0] if loader else ""
    environment.globals["script"] = Markup(source)  # noqa: S704 - our own file
    environment.globals["script_hash"] = b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return environment


def _picture(plot: Plot) -> Markup:
    """Return a plot for a page that holds others: its ids are its own, and it has a name."""
    prefix = hashlib.sha256(plot.name.encode()).hexdigest()[:8]
    svg = plot.svg[plot.svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    return Markup('<svg role="img" aria-label="{}"{}').format(plot.title, Markup(svg[4:]))  # noqa: S704


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    machine = manifest["machine"]
    git = manifest["git"]
    memory = machine["memory_bytes"]
    return [
        ("started", manifest["started"]),
        ("command", manifest["command"]),
        ("seed", str(manifest["seed"])),
        ("machine", f"{machine['cpu'] or 'unknown CPU'}, {machine['cores']} cores"
                    + (f", {memory / 2**30:.0f} GiB" if memory else "")),
        ("platform", machine["platform"]),
        ("git", "not in a repository" if git is None else git["commit"] + (" (with changes)" if git["dirty"] else "")),
        *[(name, version) for name, version in manifest["versions"].items()],
        *[(f"dataset {entry['name']}", f"sha256 {entry['content_hash']}") for entry in manifest["datasets"]],
    ]  # fmt: skip
