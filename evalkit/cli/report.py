"""``evalkit report``."""

from __future__ import annotations

import click


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(file_okay=False))
@click.option("--allow-incomplete", is_flag=True, help="Also report an incomplete result.")
@click.option("--open", "opens", is_flag=True, help="Open the report in the browser.")
def report(result: str, *, allow_incomplete: bool, opens: bool) -> None:
    """Rebuild the report of a result, without any call."""
    from evalkit.report.headline import headline
    from evalkit.report.latency_tables import latency_tables
    from evalkit.report.quality import result_tables
    from evalkit.report.table import as_text
    from evalkit.report.verdict import verdicts
    from evalkit.results import ResultFolder
    from evalkit.workflows.report import rebuild

    folder = ResultFolder.open(result)
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
