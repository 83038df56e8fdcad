"""The command ``evalkit``: its subcommands, error messages and exit codes."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from evalkit import __version__
from evalkit.cli.bug_reports import bug_report
from evalkit.cli.lazy_group import LazyGroup
from evalkit.cli.options import with_named_config
from evalkit.cli.output import echo, echo_text, guarded_outputs
from evalkit.cli.system_errors import check_text_of_paths, impossible_path, memory_limit
from evalkit.errors import EvalkitError, EvalkitWarning, InputError, InputNote, shortened

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
    "judge": "evalkit.cli.judge:judge",
    "queries": "evalkit.cli.queries:queries",
    "report": "evalkit.cli.report:report",
    "probe": "evalkit.cli.probe:probe",
    "serve": "evalkit.cli.serve:serve",
    "store": "evalkit.cli.store:store",
    "config": "evalkit.cli.config:config",
    "dataset": "evalkit.cli.dataset:dataset",
    "plugin": "evalkit.cli.plugin:plugin",
}
INTERRUPTED = 130
_NATIVE = frozenset({"datasets", "pyarrow"})
"""Modules that leave native threads behind."""
BUG_EXIT_CODE = 70
_NEW_OBJECTS = 20_000
"""Objects between two searches for cycles: a command imports for most of its time, and modules are no garbage."""
_IDLE_LOOPS = "20"
"""Idle threads of OpenBLAS wait awake for 2 to the power of this many clock ticks, instead of its default of 26."""


class _UnexpectedError(Exception):
    """An exception that click would take for an interrupt or for a closed pipe; it is the cause."""


class _Program(LazyGroup):
    """All commands."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; hide from click what it would take for an interrupt or a closed pipe; complete hints."""
        try:
            return super().invoke(ctx)
        except (EOFError, OSError) as error:
            raise _UnexpectedError from error
        except EvalkitError as error:
            error.hint = error.hint and with_named_config(error.hint, ctx)
            raise


@click.group(
    cls=_Program,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
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
                echo(f"{kind}: {shortened(str(message))}", err=True)

        warnings.showwarning = print_warning
        yield


def main() -> NoReturn:
    """Run the command line and exit with its code (table in evalkit/cli/README.md)."""
    # Read when numpy is imported. Otherwise each thread, of which there are as many as processors, uses its processor
    # for 60 ms after every import of numpy and scipy; products one after the other are as fast as before.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _IDLE_LOOPS)
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    with guarded_outputs():
        try:
            code = _run()
        except KeyboardInterrupt:  # while another error was reported
            code = INTERRUPTED
        except BaseException:  # noqa: BLE001 - the report itself failed
            code = BUG_EXIT_CODE
        if code == INTERRUPTED or not _NATIVE.isdisjoint(sys.modules):
            # Native threads abort the process if the interpreter shuts down while they run or could not be started:
            # those of a model that was interrupted, and Arrow's (https://github.com/apache/arrow/issues/45214).
            os._exit(code)
    sys.exit(code)


def _run() -> int:
    """Run the command and return its exit code; whatever it raises is reported."""
    try:
        check_text_of_paths()
        code = cli(standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - every bug is reported in one line
        return _report(error)
    return code if isinstance(code, int) else 0


def _report(error: BaseException) -> int:
    """Print an error and return its exit code."""
    if isinstance(error, _UnexpectedError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        echo_text(error.format_message(), err=True)
        return InputError.exit_code
    known = _known_error(error)
    echo_text(bug_report(error) if known is None else known.render(), err=True)
    return BUG_EXIT_CODE if known is None else known.exit_code


def _known_error(error: BaseException) -> EvalkitError | None:
    """Return what to show a user; None for a bug."""
    if isinstance(error, EvalkitError):
        return error
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        message = error.format_message().rstrip(".")
        path = context.command_path if context else "evalkit"
        return InputError(message[:1].lower() + message[1:], f"see {path} --help")
    return memory_limit(error) or impossible_path(error)
