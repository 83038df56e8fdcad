"""``evalkit diff``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from shlex import quote

import click

from evalkit.cli.options import JSON
from evalkit.cli.output import echo, echo_json, echo_text

_CAUSES = ("configuration", "data", "code", "machine", "reranker", "run")


@click.command()
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@JSON
def diff(before: Path, after: Path, *, as_json: bool) -> None:
    """Show what differs between two results.

    Compares configuration, data, code, machine, rerankers and means. To test whether a difference of means is
    significant, use evalkit compare A B.
    """
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.diff import differences, means_in_common

    found = differences(before, after)
    if as_json:
        echo_json(to_json([asdict(one) for one in found]))
        return
    rows = tuple((one.about, one.what, one.before, one.after) for one in found)
    if rows:
        echo_text(as_text(Table("differences", ("about", "what", "A", "B"), rows, left=4)))
    causes = sorted({one.about for one in found if one.about in _CAUSES}, key=_CAUSES.index)
    effects = sum(one.about == "mean" for one in found)
    if effects and not means_in_common(before, after):
        echo(f"the results have no mean in common; differences: {_listed(causes)}")
        return
    if not effects:
        echo(
            "no mean differs" if not causes else f"no mean differs, despite differences in: {_listed(causes)}"
        )
    elif causes:
        echo(f"{effects} means differ; possible causes: {_listed(causes)}")
    else:
        echo(f"{effects} means differ without a recorded cause; the rerankers themselves may have changed")
    echo(f"next: evalkit compare {quote(str(before))} {quote(str(after))}")


def _listed(words: list[str]) -> str:
    return ", ".join(words)
