"""``evalkit config check``, ``evalkit config show`` and ``evalkit config schema``."""

from __future__ import annotations

from shlex import quote

import click

from evalkit.cli.options import CONFIG, SET
from evalkit.cli.output import echo, echo_json, echo_text


@click.group()
def config() -> None:
    """Check or show a configuration."""


@config.command()
@CONFIG
@SET
def check(config: str, overrides: tuple[str, ...]) -> None:
    """Print all problems of a configuration."""
    from evalkit.config import load_config

    checked = load_config(config, overrides, keys="warned")
    if any(dataset.human_sample is not None for dataset in checked.datasets):
        from evalkit.experiment.dataset_inspection import check_draws

        check_draws(checked)
    datasets = ", ".join(dataset.label for dataset in checked.datasets)
    echo(f"{config} is valid")
    echo(f"  datasets:  {datasets}")
    echo(f"  rerankers: {', '.join([checked.retriever.label, *checked.rerankers])}")
    if checked.runs:
        echo(f"  runs:      {', '.join(checked.runs)}")
    if checked.judges:
        echo(f"  judges:    {', '.join(checked.judges)}")
    echo(f"  depths:    {', '.join(map(str, checked.depths))}")
    echo("    all files exist; models and servers were not contacted")
    echo(f"next: evalkit dataset check {quote(str(config))}; evalkit run {quote(str(config))} --plan")


@config.command()
@CONFIG
@SET
def show(config: str, overrides: tuple[str, ...]) -> None:
    """Print a configuration with all default values."""
    from evalkit.config import load_config, resolved_yaml

    shown = load_config(config, overrides, check_files=False, keys="ignored")
    echo_text(resolved_yaml(shown), nl=False)


@config.command()
def schema() -> None:
    """Print the JSON Schema of configurations, for editors.

    For an editor with a YAML language server, save the schema and start the configuration with
    # yaml-language-server: $schema=PATH
    """
    from evalkit.config.schema import config_schema
    from evalkit.results.json_shapes import to_json

    echo_json(to_json(config_schema()))
