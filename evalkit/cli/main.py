"""The command ``evalkit``: its subcommands, error messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from evalkit import __version__
from evalkit.errors import EvalkitError, EvalkitWarning, InputNote, nearest_name_hint

COMMANDS = {
    "init": "evalkit.cli.init:init",
    "run": "evalkit.cli.run:run",
    "bench": "evalkit.cli.bench:bench",
    "evaluate": "evalkit.cli.evaluate:evaluate",
    "compare": "evalkit.cli.compare:compare",
    "diff": "evalkit.cli.diff:diff",
    "gate": "evalkit.cli.gate:gate",
    "baseline": "evalkit.cli.baseline:baseline",
    "leaderboard": "evalkit.cli.leaderboard:leaderboard",
    "aa": "evalkit.cli.aa:aa",
    "tune": "evalkit.cli.tune:tune",
    "report": "evalkit.cli.report:report",
    "probe": "evalkit.cli.probe:probe",
    "serve": "evalkit.cli.serve:serve",
    "store": "evalkit.cli.store:store",
    "config": "evalkit.cli.config:config",
    "dataset": "evalkit.cli.dataset:dataset",
    "plugin": "evalkit.cli.plugin:plugin",
}
INTERRUPTED = 130
BUG_EXIT_CODE = 70


class LazyGroup(click.Group):
    """A group that imports a command only when it is used or its help is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; the error for an unknown name suggests the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(
                f"unknown command {args[0]!r}; {nearest_name_hint(args[0], COMMANDS)}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="evalkit")
@click.pass_context
def cli(context: click.Context) -> None:
    """Compare, regression-test and tune rerankers on your own data, with error bars.

    RESULT is a result folder, a folder with results (the newest complete one is taken), or the word 'latest' (the
    newest complete one in ./results).
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False
    context.with_resource(_print_warnings())


@contextmanager
def _print_warnings() -> Iterator[None]:
    """Print each note and each warning once, as ``note: ...`` or ``warning: ...`` on stderr, while a command runs."""
    printed: set[str] = set()

    with warnings.catch_warnings():
        warnings.simplefilter("always", EvalkitWarning)
        show = warnings.showwarning

        def print_warning(
            message: Warning | str, category: type[Warning], *rest: Any, **options: Any
        ) -> None:
            if not issubclass(category, EvalkitWarning):
                show(message, category, *rest, **options)
            elif str(message) not in printed:
                printed.add(str(message))
                kind = "note" if issubclass(category, InputNote) else "warning"
                click.echo(f"{kind}: {message}", err=True)

        warnings.showwarning = print_warning
        yield


def main() -> NoReturn:
    """Run the command line and exit with its code (table in evalkit/cli/README.md)."""
    out = sys.stdout
    try:
        code = cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = 2
    except click.ClickException as error:
        code = _report_usage(error)
    except EvalkitError as error:
        click.echo(error.render(), err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except Exception:  # noqa: BLE001 - every bug is reported in one line
        code = _report_bug()
    except SystemExit:
        if sys.stdout is out:
            raise
        code = 0  # click replaced stdout as the reader of the pipe is gone: no failure
    code = code if isinstance(code, int) else 0
    if code == INTERRUPTED or "datasets" in sys.modules:
        # Native threads abort the process if the interpreter shuts down while they run: those of a model that was
        # interrupted, and Arrow's, which `datasets` leaves behind (https://github.com/apache/arrow/issues/45214).
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _report_usage(error: click.ClickException) -> int:
    """Print an error of usage with a hint, and return the exit code."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "evalkit"
    message = error.format_message().rstrip(".")
    click.echo(f"error: {message[:1].lower() + message[1:]}\n  hint: see {path} --help", err=True)
    return 2


def _report_bug() -> int:
    """Print the current exception in one line, write its traceback to a file, and return the exit code."""
    kind, problem, _ = sys.exc_info()
    descriptor, name = tempfile.mkstemp(prefix="evalkit-", suffix=".log")
    os.close(descriptor)
    Path(name).write_text(traceback.format_exc(), encoding="utf-8")
    click.echo(
        f"error: this is a bug in evalkit: {kind.__name__ if kind else ''}: {problem}\n"
        f"  hint: please report it with {name}",
        err=True,
    )
    return BUG_EXIT_CODE
