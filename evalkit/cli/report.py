"""``evalkit report``."""

from __future__ import annotations

import click


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(file_okay=False))
@click.option(
    "--allow-incomplete", is_flag=True, help="Report what there is of a result that is not complete."
)
def report(result: str, *, allow_incomplete: bool) -> None:
    """Rebuild everything derived of a result folder; calls nothing."""
    from evalkit.experiment import ResultFolder
    from evalkit.report import rebuild
    from evalkit.report.latency_tables import latency_tables
    from evalkit.report.tables import as_text, result_tables

    folder = ResultFolder.open(result)
    summary = rebuild(folder, allow_incomplete=allow_incomplete)
    for table in (*result_tables(summary), *latency_tables(summary, folder.read_latency())):
        click.echo(as_text(table))
    click.echo(f"next: open {folder.report_html_file} in a browser")
