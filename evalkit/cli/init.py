"""``evalkit init``."""

from __future__ import annotations

import re
from pathlib import Path

import click


@click.command()
@click.argument(
    "file", required=False, default="evalkit.yaml", type=click.Path(dir_okay=False, path_type=Path)
)
def init(file: Path) -> None:
    """Write a commented configuration to start from; it runs as it is.

    FILE is evalkit.yaml if none is given; a file that is there is left alone.
    """
    from evalkit.errors import InputError, StorageError

    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._") or "evalkit"
    text = Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text.format(name=name, file=file))
    except FileExistsError:
        raise InputError(f"{file.resolve()} is there already", "name another file, or remove it") from None
    except FileNotFoundError:
        raise InputError(f"there is no folder {file.resolve().parent}", "make it first") from None
    except OSError as error:
        raise StorageError(f"cannot write {file.resolve()}: {error.strerror}", "name another file") from None
    click.echo(
        f"wrote {file}: three depths of a lexical reranker on the bundled collection, and what else there is"
    )
    click.echo(f"next: evalkit run {file}")
