"""A result as the output of a notebook cell: the first screen of its report, with its warnings."""

from __future__ import annotations

from evalkit.report.cautions import grouped
from evalkit.report.pages import screen_of
from evalkit.report.sections import Findings, all_cautions
from evalkit.report.templating import page_templates
from evalkit.results import ResultFolder


def notebook_html(found: Findings, folder: ResultFolder) -> str:
    """Return an HTML element that brings its own styles and changes nothing around it.

    It is a plain element with a style sheet whose rules are nested in its class. A shadow root would not appear in
    JupyterLab, which assigns outputs as text, and a frame cannot take the height of its content without a script.
    """
    cautions = [one for group in grouped(all_cautions(found)) for one in group.cautions]
    return (
        page_templates()
        .get_template("notebook.html")
        .render(
            screen=screen_of(found, folder, str(folder.path)),
            urgent=[one for one in cautions if one.severity == "invalid"],
            others=[one for one in cautions if one.severity != "invalid"],
            report=str(folder.report_html_file),
        )
    )
