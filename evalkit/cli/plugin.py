"""``evalkit plugin``: the plugins that a configuration can name, and their settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import JSON
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.config.key_reference import Key
    from evalkit.registry import Plugin

FILES = click.option(
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Python file with your own plugins. Repeatable.",
)


@click.group()
def plugin() -> None:
    """List plugins or show their settings."""


@plugin.command("list")
@FILES
@JSON
def list_(files: tuple[str, ...], *, as_json: bool) -> None:
    """Print all plugins and the packages that contain them."""
    from evalkit import registry
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json

    _load(files)
    rows = [
        (one.kind, one.name, f"{one.owner} {one.version}", _what(one))
        for kind in registry.GROUPS
        for one in registry.plugins(kind)
    ]
    if as_json:
        names = ("kind", "name", "owner", "what")
        echo_json(to_json([dict(zip(names, row, strict=True)) for row in rows]))
        return
    echo_text(as_text(Table("plugins", ("kind", "name", "owner", "what"), tuple(rows), left=4)))
    echo("next: evalkit plugin show NAME")


@plugin.command()
@click.argument("name")
@FILES
@JSON
def show(name: str, files: tuple[str, ...], *, as_json: bool) -> None:
    """Print the settings of the plugins named NAME, with their defaults."""
    from evalkit import registry
    from evalkit.errors import UnknownNameError
    from evalkit.results.json_shapes import to_json

    _load(files)
    found = [registry.find(kind, name) for kind in registry.GROUPS if name in registry.names(kind)]
    if not found:
        raise UnknownNameError(
            "plugin", name, [known for kind in registry.GROUPS for known in registry.names(kind)]
        )
    shown = [(one, _keys(one.load())) for one in found]
    if as_json:
        rows = [
            {
                "kind": one.kind,
                "name": name,
                "owner": one.owner,
                "setting": key.name,
                "type": key.form,
                "default": key.default,
                "meaning": key.meaning,
            }
            for one, keys in shown
            for key in keys
        ]
        echo_json(to_json(rows))
        return
    for one, keys in shown:
        echo(f"{one.kind} {name}, package {one.owner} {one.version}: {_what(one)}")
        if keys:
            echo_text(_as_help(keys))
    echo("next: use it in a configuration and run evalkit config check")


def _load(files: tuple[str, ...]) -> None:
    from evalkit.config.plugins import load_plugins

    for file in files:
        load_plugins(Path(file))


def _what(one: Plugin) -> str:
    """Return the first line of a plugin's docstring, or the reason why it cannot be used."""
    from evalkit.errors import InputError

    try:
        return (one.load().__doc__ or "").strip().partition("\n")[0]
    except InputError as error:
        return f"broken: {error.message.partition('cannot be imported: ')[2]}"


def _keys(plugin: Any) -> list[Key]:
    """Return the settings of a plugin with type and meaning; a dialect has none."""
    from evalkit.config.key_reference import keys_of

    settings = getattr(plugin, "Settings", None)
    return [] if settings is None else keys_of(settings)


def _as_help(keys: Sequence[Key]) -> str:
    """Return keys with their meanings in the format of click's help."""
    help_ = click.HelpFormatter(max_width=100)
    rows = []
    for key in keys:
        default = key.default if key.default in {"", "required"} else f"default: {key.default}"
        rows.append((key.name, f"{key.meaning} [{'; '.join(filter(None, (key.form, default)))}]"))
    with help_.indentation():
        help_.write_dl(rows)
    return help_.getvalue()
