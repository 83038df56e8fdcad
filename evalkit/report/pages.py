"""Write ``report.md`` and ``report.html``: the same sections, with plots as files or embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.files import replacing_folder, write_file
from evalkit.report.explorer import as_script, explorer_note
from evalkit.report.first_screen import FirstScreen, first_screen
from evalkit.report.manifest_command import config_in
from evalkit.report.sections import Findings, Section, all_cautions
from evalkit.report.systems import Measured
from evalkit.report.table import Table
from evalkit.report.table_files import file_names, write_tables
from evalkit.report.templating import page_templates
from evalkit.results import ResultFolder
from evalkit.results.folder import results_folder
from evalkit.results.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Chapter:
    """One comparison on a page: its first screen, and its sections."""

    screen: FirstScreen
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What both pages show.

    Attributes
    ----------
    chapters
        One for a report; one for each reranker of a comparison of two versions.
    facts
        Name and value of the run's settings and versions; may be empty.
    explored
        Data of the query explorer; None without one.
    """

    chapters: Sequence[Chapter]
    facts: Sequence[tuple[str, str]] = ()
    explored: Mapping[str, Any] | None = None

    def files(self) -> dict[Table, str]:
        """Return table -> name of its files without ending."""
        return file_names(
            table for chapter in self.chapters for one in chapter.sections for table in one.every_table
        )

    def render(self, template: str) -> str:
        """Return the page as HTML or Markdown, by the name of its template."""
        content = {
            "chapters": self.chapters,
            "facts": self.facts,
            "files": self.files(),
            "explorer": self.explored and as_script(self.explored),
            "explorer_note": self.explored and explorer_note(self.explored),
        }
        return page_templates().get_template(template).render(content)


def write_table_files(folder: ResultFolder, sections: Sequence[Section]) -> None:
    """Write the files of all tables."""
    files = file_names(table for one in sections for table in one.every_table)
    with replacing_folder(folder.tables_folder, inside=folder.path) as tables:
        write_tables(tables, files)


def write_pages(
    folder: ResultFolder, found: Findings, sections: Sequence[Section], explored: Mapping[str, Any] | None
) -> None:
    """Write both pages; `explored` is the data of the query explorer."""
    config = config_in(found.manifest.command)
    page = Page(
        [Chapter(screen_of(found, folder), [one.naming(config) for one in sections])],
        _facts(found.manifest),
        explored,
    )
    write_file(folder.report_markdown_file, page.render("report.md"), inside=folder.path)
    write_file(folder.report_html_file, page.render("report.html"), inside=folder.path)


def screen_of(found: Findings, folder: ResultFolder, result: str | None = None) -> FirstScreen:
    """Return the first screen of a result.

    Parameters
    ----------
    result
        The folder as commands name it. By default it is where a run puts the folder without ``--into``, so that the
        page does not depend on where it is built.
    """
    manifest = found.manifest
    return first_screen(
        manifest.name,
        found.compared,
        all_cautions(found),
        Measured(manifest, found.summary, found.tuned),
        found.latency,
        result or (results_folder(manifest.name, None) / folder.path.name).as_posix(),
    )


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
