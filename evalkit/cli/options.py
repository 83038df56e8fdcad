"""Flags that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click


class WholeNumber(click.IntRange):
    """A whole number in digits of ASCII: Python alone also takes ``1_000`` and the digits of other scripts."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or raise an error of usage."""
        _check_plain(self, value, param, ctx)
        return super().convert(value, param, ctx)


class FiniteNumber(click.types.FloatParamType):
    """A finite number, written as a `WholeNumber` is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or raise an error of usage."""
        _check_plain(self, value, param, ctx)
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


class NumberInRange(click.FloatRange, FiniteNumber):
    """A finite number in a range."""


def _check_plain(
    kind: click.ParamType[Any], value: Any, param: click.Parameter | None, ctx: click.Context | None
) -> None:
    if isinstance(value, str) and (not value.isascii() or "_" in value or len(value) > _MOST_DIGITS):
        kind.fail(f"{value[:_MOST_DIGITS]!r} is not a valid number.", param, ctx)


_MOST_DIGITS = 100

_NAMED = "evalkit.config"
"""Key of the configuration that a command names, in what all contexts of click share."""


def remember_config(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Remember the first configuration among the arguments of a command, and return them as they are."""
    named = value if isinstance(value, tuple) else (value,)
    found = next((str(one) for one in named if str(one).endswith((".yaml", ".yml"))), None)
    if found is not None:
        ctx.meta[_NAMED] = found
    return value


def with_named_config(hint: str, ctx: click.Context) -> str:
    """Return a hint with the configuration that the command named in place of ``CONFIG``."""
    from evalkit.report.manifest_command import with_config

    found = ctx.meta.get(_NAMED)
    return hint if found is None else with_config(hint, found)


SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override one setting, e.g. --set retriever.depth=50. Repeatable.",
)
CONFIG = click.argument("config", metavar="CONFIG", type=click.Path(dir_okay=False), callback=remember_config)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON: an array of objects.")
PLAN = click.option(
    "--plan",
    is_flag=True,
    help="Print the planned calls, pairs, tokens and cost, without calling a reranker.",
)
DETAILS = click.option("--details", is_flag=True, help="Print all tables and all warnings.")

F = TypeVar("F", bound=Callable[..., Any])


def purpose_option(help_text: str) -> Callable[[F], F]:
    """Return the flag ``--for``: what judgments are for, one of `evalkit.workflows.pooled_dataset.Purpose`."""
    kinds = click.Choice(["quality", "depth", "threshold"])
    return click.option("--for", "purpose", type=kinds, default="quality", help=help_text)
