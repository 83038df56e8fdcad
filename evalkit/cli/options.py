"""Flags that several commands share."""

from __future__ import annotations

import click

SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override one setting, e.g. --set retriever.depth=50. Repeatable.",
)
CONFIG = click.argument("config", metavar="CONFIG", type=click.Path(dir_okay=False))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON: an array of objects.")
DETAILS = click.option("--details", is_flag=True, help="Print all tables and all warnings.")
