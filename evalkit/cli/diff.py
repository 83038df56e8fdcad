"""``evalkit diff``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from evalkit.cli.options import JSON

_CAUSES = ("configuration", "data", "code", "machine", "reranker")


@click.command()
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@JSON
def diff(before: Path, after: Path, *, as_json: bool) -> None:
    """Say why two results differ: configuration, data, code, machine, rerankers; then which means differ.

    Whether a difference of means is more than chance, evalkit compare A B tells.
    """
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.diff import differences, means_in_common

    found = differences(before, after)
    if as_json:
        click.echo(to_json([asdict(one) for one in found]), nl=False)
        return
    rows = tuple((one.about, one.what, one.before, one.after) for one in found)
    if rows:
        click.echo(as_text(Table("differences", ("about", "what", "A", "B"), rows, left=4)))
    causes = sorted({one.about for one in found if one.about in _CAUSES}, key=_CAUSES.index)
    effects = sum(one.about == "mean" for one in found)
    if effects and not means_in_common(before, after):
        click.echo(f"they have no mean in common, so there is nothing to compare: another {_listed(causes)}")
        return
    if not effects:
        click.echo(
            "no mean differs" if not causes else f"no mean differs, though there is another {_listed(causes)}"
        )
    elif causes:
        click.echo(f"{effects} means differ; what may be why: {_listed(causes)}")
    else:
        click.echo(f"{effects} means differ, and nothing that is recorded says why: the rerankers themselves")
    click.echo(f"next: evalkit compare {before} {after}")


def _listed(words: list[str]) -> str:
    return ", ".join(words)
