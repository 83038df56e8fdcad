"""``evalkit report``."""

from __future__ import annotations

import click


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(file_okay=False))
@click.option(
    "--allow-incomplete", is_flag=True, help="Report what there is of a result that is not complete."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def report(result: str, *, allow_incomplete: bool, opens: bool) -> None:
    """Rebuild everything derived of a result folder; calls nothing."""
    from evalkit.report.headline import headline
    from evalkit.report.latency_tables import latency_tables
    from evalkit.report.quality import result_tables
    from evalkit.report.table import as_text
    from evalkit.report.verdict import verdicts
    from evalkit.results import ResultFolder
    from evalkit.results.locate import locate_result
    from evalkit.workflows.report import rebuild

    folder = ResultFolder.open(locate_result(result, allow_incomplete=allow_incomplete))
    found = rebuild(folder, allow_incomplete=allow_incomplete)
    for table in (*result_tables(found.summary), *latency_tables(found.summary, found.latency)):
        click.echo(as_text(table))
    verdict = headline(verdicts(found.compared, found.summary), found.compared, found.summary.status)
    click.echo(f"{verdict}\n")
    if opens:
        click.launch(str(folder.report_html_file.resolve()))
        click.echo(folder.report_html_file)
    else:
        click.echo(f"next: open {folder.report_html_file} in a browser (--open does it)")
