"""``evalkit init``."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

import click

from evalkit.cli.output import echo

JOBS = {
    "compare": (
        "starter.yaml",
        "three depths of a lexical reranker on the demo dataset, with comments on other settings",
        "evalkit run",
    ),
    "judging": (
        "starter_judging.yaml",
        "a folder of documents, queries of a log, a judge, and a sample of the queries for people",
        "set the two paths and the judge's url and model, then: evalkit config check",
    ),
}
"""What the configuration is for -> its template, what it has, and the next command."""


@click.command()
@click.argument(
    "file", required=False, default="evalkit.yaml", type=click.Path(dir_okay=False, path_type=Path)
)
@click.option(
    "--for",
    "job",
    type=click.Choice([*JOBS]),
    default="compare",
    show_default=True,
    help="compare: rerankers on judged data; runs without changes. judging: documents and queries without judgments.",
)
def init(file: Path, job: str) -> None:
    """Write an example configuration.

    FILE defaults to evalkit.yaml. An existing file is not overwritten.
    """
    from evalkit.errors import InputError, StorageError
    from evalkit.files import create_file

    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._") or "evalkit"
    template, what, words = JOBS[job]
    text = Path(__file__).with_name(template).read_text(encoding="utf-8")
    try:
        create_file(file, text.format(name=name, file=file))
    except FileExistsError:
        raise InputError(
            f"{file.resolve()} already exists", "choose another file name, or delete the file"
        ) from None
    except FileNotFoundError:
        raise InputError(f"folder not found: {file.resolve().parent}", "create the folder first") from None
    except OSError as error:
        raise StorageError(
            f"cannot write {file.resolve()}: {error.strerror}", "choose another file name"
        ) from None
    echo(f"wrote {file}: {what}")
    echo(f"next: {words} {quote(str(file))}")
