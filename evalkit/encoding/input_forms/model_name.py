"""Find out under which names a model is known: its repository, its configuration, its model card."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from evalkit.encoding.checkpoints.model_files import ModelFiles

_CACHED = re.compile(r"models--.+?--(.+)")
"""A repository's folder in the cache of the hub."""
_QUOTED = re.compile(r"""["'`][\w.-]+/([\w.-]+)["'`]""")
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_BASE = re.compile(r"^base_model:((?:\s*-?\s*[^\s:]+/[^\s:]+)+)", re.MULTILINE)
_MOST_CARD = 200_000
"""Characters of a model card that are read."""


def own_names(files: ModelFiles) -> Iterator[str]:
    """Yield the names of a model without their owners: of its repository or folder, and in its configuration."""
    yield from _of_path(files.name)
    yield from _of_path(str(files.folder))
    said = files.config.get("_name_or_path")
    if isinstance(said, str) and said:
        yield from _of_path(said)


def card_names(files: ModelFiles) -> Iterator[str]:
    """Yield the names in the model card (``README.md``) without their owners, the most telling first.

    These are the base model, the first heading and the repositories that its examples load.
    """
    card = _card(files.folder)
    head, _, body = card.removeprefix("---").partition("\n---") if card.startswith("---") else ("", "", card)
    for base in _BASE.findall(head):
        yield from (one.strip(" -\"'").rpartition("/")[2] for one in base.split())
    yield from _HEADING.findall(body)[:1]
    yield from _QUOTED.findall(body)


def _of_path(path: str) -> Iterator[str]:
    """Yield the last part of a path or hub id, and the repository of a folder in the hub's cache."""
    parts = Path(path).absolute().parts if Path(path).is_dir() else tuple(path.split("/"))
    yield parts[-1]
    yield from (found[1] for found in map(_CACHED.fullmatch, parts) if found)


def _card(folder: Path) -> str:
    file = folder / "README.md"
    if not file.is_file():
        return ""
    return file.read_text(encoding="utf-8", errors="replace")[:_MOST_CARD].replace("\r\n", "\n")
