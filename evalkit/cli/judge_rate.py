"""``evalkit judge rate``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import click

from evalkit.cli.options import SET, NumberInRange, WholeNumber, purpose_option, remember_config
from evalkit.cli.output import echo

if TYPE_CHECKING:
    from evalkit.web.active_order import SettledState
    from evalkit.workflows.active_rating import ActiveOrderOf
    from evalkit.workflows.judge_rate import RatingInput
    from evalkit.workflows.pooled_dataset import Purpose

_DEFAULT_HOST = "127.0.0.1"


class RateOptions(TypedDict):
    """The flags of ``evalkit judge rate``."""

    rater: str | None
    host: str
    port: int
    overlap: float
    sample_only: bool
    order: Literal["random", "active"]
    baseline: str | None
    contender: str | None
    purpose: Purpose
    overrides: tuple[str, ...]
    opens: bool


@click.command()
@click.argument(
    "source",
    metavar="CONFIG|FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=remember_config,
)
@SET
@click.option("--rater", metavar="NAME", help="Name of the rater [default: the page asks for it].")
@click.option("--host", default=_DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8090, show_default=True, type=WholeNumber(0, 65535), help="Port; 0 selects a free one."
)
@click.option(
    "--overlap",
    metavar="SHARE",
    default=0.0,
    type=NumberInRange(0, 1),
    help="Share of the pairs that two raters are to grade, to measure their agreement, e.g. 0.1 [default: 0].",
)
@click.option("--sample-only", is_flag=True, help="Rate the human sample only.")
@click.option(
    "--order",
    type=click.Choice(["random", "active"]),
    default="random",
    show_default=True,
    help="Order after the human sample; active: first what matters most for which of two systems is ahead.",
)
@click.option(
    "--baseline", metavar="TAG", help="With --order active: system that the other is compared with."
)
@click.option(
    "--contender",
    metavar="TAG",
    help="With --order active: the other system [default: the best of the others].",
)
@purpose_option(
    "Rate whole queries of the human sample only. depth: what any number of candidates ranks within the cutoff."
    " threshold: every candidate.",
)
@click.option("--no-open", "opens", flag_value=False, default=True, help="Do not open a browser.")
def rate(source: Path, **options: Unpack[RateOptions]) -> None:
    """Grade documents on a local web page, by keyboard or by touch.

    CONFIG: the documents that any system ranks within the cutoff are graded, those of the human sample first. FILE: a
    table with the columns query and document (optionally query_id, doc_id, title, instruction). Every answer is saved
    before the next document is shown. Several people can rate at the same time.
    """
    from evalkit.web.page_server import require_server
    from evalkit.workflows.judge_rate import open_rating_input, open_rating_page

    require_server("evalkit judge rate")
    rated = open_rating_input(
        source,
        overlap=options["overlap"],
        sample_only=options["sample_only"] or options["purpose"] != "quality",
        purpose=options["purpose"],
        active=_active(options),
        overrides=options["overrides"],
    )
    command = ["evalkit", *sys.argv[1:]]
    page = open_rating_page(rated, options["host"], options["port"], options["rater"], command)
    if not page.only_here:
        echo(
            f"warning: every machine that reaches {options['host']} and has the address can read the documents and"
            " write judgments; the connection is not encrypted",
            err=True,
        )
    queries = len({task.group for task in rated.tasks})
    echo(f"{len(rated.tasks)} documents for {queries} queries; {rated.ungraded()} are not graded by a person")
    echo(f"open {page.address}")
    echo("press Ctrl-C to stop; every answer is saved at once")
    sys.stdout.flush()
    if options["opens"] and _has_browser():
        import webbrowser

        webbrowser.open(page.address)
    page.serve()
    _show_counts(rated, source, options)


def _active(options: RateOptions) -> ActiveOrderOf | None:
    """Return the systems that decide on the order; None for a random order."""
    from evalkit.workflows.active_rating import ActiveOrderOf

    systems = options["baseline"], options["contender"]
    if options["order"] == "active":
        return ActiveOrderOf(*systems)
    if systems != (None, None):
        raise click.UsageError("--baseline and --contender go with --order active")
    return None


def _settled_words(state: SettledState) -> str:
    """Return how far it is settled which system is ahead."""
    from evalkit.comparison.settling import SETTLED

    sure = "" if state.probability is None else f" with a probability of {state.probability:.2f}"
    if state.settled:
        return (
            f"it is settled{sure} which system is ahead on these queries; this is no verdict on other queries"
        )
    if state.probability is None:
        return "it is not settled which system is ahead: too few documents are judged for a probability"
    return (
        f"it is known{sure} which system is ahead on these queries; about {state.more} more documents settle it"
        f" ({SETTLED:g} or more)"
    )


def _has_browser() -> bool:
    """Return whether a browser has a screen to open a window on; else one could take the terminal."""
    has_screen = sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return has_screen and sys.stdout.isatty()


def _again(source: Path, options: RateOptions) -> str:
    """Return the command that goes on with the same documents in the same order."""
    words = ["evalkit", "judge", "rate", *_settings(source, options)]
    words += ["--sample-only"] if options["sample_only"] else []
    words += ["--for", options["purpose"]] if options["purpose"] != "quality" else []
    words += ["--order", "active"] if options["order"] == "active" else []
    words += ["--baseline", options["baseline"]] if options["baseline"] is not None else []
    words += ["--contender", options["contender"]] if options["contender"] is not None else []
    return shlex.join(words)


def _settings(source: Path, options: RateOptions) -> list[str]:
    """Return the words of a command for the configuration with its changed settings."""
    return [str(source), *(word for one in options["overrides"] for word in ("--set", one))]


def _show_counts(rated: RatingInput, source: Path, options: RateOptions) -> None:
    """Print what is graded, and the next step."""
    from evalkit.config import is_config_file

    for name, (graded, skipped) in rated.counts().items():
        echo(f"{name}: {graded} graded, {skipped} skipped")
    left = rated.ungraded()
    echo(f"{left} of {len(rated.tasks)} documents are not graded by a person")
    files = [file.path for file in rated.files.values() if file.path.is_file()]
    for file in files:
        echo(f"judgments: {file}")
    for name in rated.uncounted:
        entry = f"judgments: [{{path: {rated.files[name].path}}}]"
        echo(f"these judgments count after you add to dataset {name!r} of {source}: {entry}")
    states = rated.settled()
    for name, state in states.items():
        echo(f"{name}: {_settled_words(state)}")
    if left and not (states and all(state.settled for state in states.values())):
        echo(f"next: {_again(source, options)}")
    elif is_config_file(source):
        settings = shlex.join(_settings(source, options))
        audit = f"evalkit judge audit {settings}; " if rated.has_models else ""
        echo(f"next: {audit}evalkit run {settings}")
    else:
        echo(f"next: {shlex.join(['evalkit', 'judge', 'export', *map(str, files), f'{source}.qrels'])}")
