"""``evalkit report``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import DETAILS
from evalkit.cli.output import echo


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(file_okay=False))
@click.option("--allow-incomplete", is_flag=True, help="Also report an incomplete result.")
@click.option("--open", "opens", is_flag=True, help="Open the report in the browser.")
@DETAILS
def report(result: str, *, allow_incomplete: bool, opens: bool, details: bool) -> None:
    """Rebuild the report of a result, without any call."""
    from evalkit.cli.showing import show_next, show_screen, shown_tables
    from evalkit.report.pages import screen_of
    from evalkit.report.sections import all_cautions
    from evalkit.results import ResultFolder
    from evalkit.results.locate import locate_result
    from evalkit.workflows.report import rebuild

    folder = ResultFolder.open(locate_result(result, allow_incomplete=allow_incomplete))
    found = rebuild(folder, allow_incomplete=allow_incomplete)
    screen = screen_of(found, folder, str(folder.path))
    show_screen(screen, all_cautions(found), details=details, tables=shown_tables(found, details=details))
    echo(f"report: {folder.report_html_file}")
    show_next(screen.next_step)
    if opens:
        _open(folder.report_html_file)


def _open(file: Path) -> None:
    """Open a page in the browser; print a line if there is none."""
    import webbrowser

    if not webbrowser.open(file.resolve().as_uri()):
        echo(f"no browser found; open {file}", err=True)
