"""``evalkit dataset``: what data there is, what is in it, and how to keep a copy."""

from __future__ import annotations

import click

from evalkit.cli.options import JSON


@click.group()
def dataset() -> None:
    """List dataset sources; look into a dataset; turn it into a BEIR folder."""


@dataset.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """Print the sources that `datasets:` may name."""
    from evalkit import registry
    from evalkit.experiment.folder import to_json
    from evalkit.report.tables import Table, as_text

    kind = "dataset source"
    rows = [(name, registry.lookup(kind, name).__doc__.splitlines()[0]) for name in registry.names(kind)]
    if as_json:
        click.echo(to_json([{"source": name, "what": what} for name, what in rows]), nl=False)
        return
    click.echo(as_text(Table("dataset sources", ("source", "what"), tuple(rows), left=2)))
    click.echo("next: evalkit dataset info demo")
