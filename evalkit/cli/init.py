"""``evalkit init``."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

import click

from evalkit.cli.output import echo


@click.command()
@click.argument(
    "file", required=False, default="evalkit.yaml", type=click.Path(dir_okay=False, path_type=Path)
)
def init(file: Path) -> None:
    """Write an example configuration that runs without changes.

    FILE defaults to evalkit.yaml. An existing file is not overwritten.
    """
    from evalkit.errors import InputError, StorageError
    from evalkit.files import create_file

    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._") or "evalkit"
    text = Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
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
    echo(
        f"wrote {file}: three depths of a lexical reranker on the demo dataset, with comments on other"
        " settings"
    )
    echo(f"next: evalkit run {quote(str(file))}")
