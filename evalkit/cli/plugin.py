"""``evalkit plugin``: what a configuration can name, and what each thing understands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import JSON

if TYPE_CHECKING:
    from evalkit.registry import Plugin

FILES = click.option(
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    help="A Python file with plugins of your own. Repeatable.",
)


@click.group()
def plugin() -> None:
    """List rerankers, retrievers, dataset sources and dialects, your own among them; show their settings."""


@plugin.command("list")
@FILES
@JSON
def list_(files: tuple[str, ...], *, as_json: bool) -> None:
    """Print everything that a configuration can name, and whose it is."""
    from evalkit import registry
    from evalkit.experiment.folder import to_json
    from evalkit.report.tables import Table, as_text

    _load(files)
    rows = [
        (one.kind, one.name, f"{one.owner} {one.version}", _what(one))
        for kind in registry.GROUPS
        for one in registry.plugins(kind)
    ]
    if as_json:
        names = ("kind", "name", "owner", "what")
        click.echo(to_json([dict(zip(names, row, strict=True)) for row in rows]), nl=False)
        return
    click.echo(as_text(Table("plugins", ("kind", "name", "owner", "what"), tuple(rows), left=4)))
    click.echo("next: evalkit plugin show NAME")


@plugin.command()
@click.argument("name")
@FILES
@JSON
def show(name: str, files: tuple[str, ...], *, as_json: bool) -> None:
    """Print the settings of everything that goes by NAME, with their defaults."""
    from evalkit import registry
    from evalkit.errors import UnknownNameError
    from evalkit.experiment.folder import to_json
    from evalkit.report.tables import Table, as_text

    _load(files)
    found = [registry.find(kind, name) for kind in registry.GROUPS if name in registry.names(kind)]
    if not found:
        raise UnknownNameError(
            "plugin", name, [known for kind in registry.GROUPS for known in registry.names(kind)]
        )
    shown = [(one, _settings(one.load())) for one in found]
    if as_json:
        rows = [
            {
                "kind": one.kind,
                "name": name,
                "owner": one.owner,
                "setting": key,
                "type": kind,
                "default": default,
            }
            for one, settings in shown
            for key, kind, default in settings
        ]
        click.echo(to_json(rows), nl=False)
        return
    for one, settings in shown:
        click.echo(f"{one.kind} {name}, of {one.owner} {one.version}: {_what(one)}")
        if settings:
            click.echo(as_text(Table(name, ("setting", "form", "default"), tuple(settings), left=3)))
    click.echo("next: name it in a configuration; evalkit config check tells what is wrong with it")


def _load(files: tuple[str, ...]) -> None:
    from evalkit.config.plugins import load_plugins

    for file in files:
        load_plugins(Path(file))


def _what(one: Plugin) -> str:
    """Return the first line of a plugin's docstring, or why it cannot be used."""
    from evalkit.errors import InputError

    try:
        return (one.load().__doc__ or "").strip().partition("\n")[0]
    except InputError as error:
        return f"broken: {error.message.partition('is broken: ')[2]}"


def _settings(plugin: Any) -> list[tuple[str, str, str]]:
    """Return name, form and default of each setting; a dialect has none."""
    settings = getattr(plugin, "Settings", None)
    if settings is None:
        return []
    schema = settings.model_json_schema()
    rows = []
    for name, field in settings.model_fields.items():
        default = "required" if field.is_required() else field.get_default(call_default_factory=True)
        rows.append((name, _form(schema["properties"][name]), "" if default is None else str(default)))
    return rows


def _form(schema: Mapping[str, Any]) -> str:
    """Return what a value looks like, in a few words of JSON Schema."""
    if "anyOf" in schema:
        return " or ".join(form for one in schema["anyOf"] if (form := _form(one)) != "null")
    if "enum" in schema or "const" in schema:
        return " or ".join(map(str, schema.get("enum", [schema.get("const")])))
    if "$ref" in schema:
        return "block"
    bounds = [
        f"{sign} {schema[key]:g}"
        for key, sign in (
            ("minimum", ">="),
            ("exclusiveMinimum", ">"),
            ("maximum", "<="),
            ("exclusiveMaximum", "<"),
        )
        if key in schema
    ]
    form = str(schema.get("type", "anything"))
    if form == "array" and "items" in schema:
        form = f"list of {_form(schema['items'])}"
    return " ".join([form, *bounds])
