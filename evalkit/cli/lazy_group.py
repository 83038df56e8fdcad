"""A group of commands that imports a command only when it is used, or when its help is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from evalkit.errors import nearest_name_hint


class LazyGroup(click.Group):
    """A group of commands, each in a module of its own.

    Parameters
    ----------
    commands
        Name of the command -> ``module:attribute``, in the order of the help.
    """

    def __init__(self, *args: Any, commands: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._homes = commands

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in order."""
        return list(self._homes)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name not in self._homes:
            return None
        module, _, attribute = self._homes[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; the error for an unknown name suggests the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in self._homes:
            raise click.UsageError(
                f"unknown command {args[0]!r}; {nearest_name_hint(args[0], self._homes)}", ctx
            )
        return super().resolve_command(ctx, args)
