"""What several commands share: the configuration that a command names completes its hints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from evalkit.cli.options import CONFIG, remember_config, with_named_config

PATHS = click.argument("paths", nargs=-1, callback=remember_config)
HINT = "run first: evalkit judge run CONFIG --judge j"


@pytest.mark.parametrize(
    ("argument", "words", "named"),
    [
        (CONFIG, ["a.yaml"], "a.yaml"),
        (CONFIG, ["with space.yml"], "'with space.yml'"),
        (PATHS, ["results/x", "b.yaml", "c.yaml"], "b.yaml"),
        (PATHS, ["results/x"], "CONFIG"),
    ],
)
def test_a_hint_names_the_configuration_of_the_command(
    argument: Callable[..., Any], words: list[str], named: str
) -> None:
    """The first one among the arguments; without one, and in other words, the placeholder stays."""

    @click.command()
    @argument
    @click.pass_context
    def command(ctx: click.Context, **_arguments: object) -> None:
        click.echo(with_named_config(f"{HINT}; a dataset CONFIG", ctx))

    assert CliRunner().invoke(command, words).output == f"{HINT.replace('CONFIG', named)}; a dataset CONFIG\n"
