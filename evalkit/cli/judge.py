"""``evalkit judge``: judgments by models and by people, checked against each other."""

from __future__ import annotations

import click

from evalkit.cli.lazy_group import LazyGroup

COMMANDS = {
    "plan": "evalkit.cli.judge_plan:plan",
    "run": "evalkit.cli.judge_run:run",
    "next": "evalkit.cli.judge_next:next_",
    "rate": "evalkit.cli.judge_rate:rate",
    "audit": "evalkit.cli.judge_audit:audit",
    "list": "evalkit.cli.judge_list:list_",
    "import": "evalkit.cli.judge_import:import_",
    "export": "evalkit.cli.judge_export:export",
}


@click.group(cls=LazyGroup, commands=COMMANDS)
def judge() -> None:
    """Judge documents with models or people, and compare raters."""
