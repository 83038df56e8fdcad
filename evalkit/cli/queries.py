"""``evalkit queries``: queries from logs and from documents."""

from __future__ import annotations

import click

from evalkit.cli.lazy_group import LazyGroup

COMMANDS = {
    "sample": "evalkit.cli.queries_sample:sample",
    "write": "evalkit.cli.queries_write:write",
}


@click.group(cls=LazyGroup, commands=COMMANDS)
def queries() -> None:
    """Sample queries from a log, or write them for documents."""
