"""Find out under which names a model is known: its repository or folder, its configuration, its model card."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from evalkit.encoding.checkpoints.model_files import ModelFiles

_OWNER = re.compile(r".+(?:__|--)(?=.)")
"""The owner in the name of a folder that was downloaded: ``owner__name`` or ``owner--name``."""
_CACHED = re.compile(r"models--.+?--(.+)")
"""A repository's folder in the cache of the hub, which has the folder ``snapshots`` with one folder per revision."""
_CODE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#[ \t]+(.+)$", re.MULTILINE)
_BASE = re.compile(r"^base_model:(.*(?:\n[ \t]*-[ \t].*)*)", re.MULTILINE)
_COMMENT = re.compile(r"[ \t]#.*")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_MOST_CARD = 200_000
"""Characters of a model card that are read."""


def own_names(files: ModelFiles) -> Iterator[str]:
    """Yield the name of a model's repository or folder, with and without its owner where the folder's name has one."""
    for path in dict.fromkeys((files.name, str(files.folder))):
        name = _of_path(path)
        yield name
        if owner := _OWNER.match(name):
            yield name[owner.end() :]


def origin(files: ModelFiles) -> str:
    """Return the name, without its owner, that a model had where its configuration was loaded; empty if not said."""
    said = files.config.get("_name_or_path")
    return _of_path(said) if isinstance(said, str) and said else ""


def card_title(files: ModelFiles) -> str:
    """Return the first heading of the model card (``README.md``), without its marks; empty if there is none."""
    _, body = _card(files.folder)
    found = _HEADING.search(_CODE.sub("", body))
    return found[1].strip(" \t*`#") if found else ""


def base_models(files: ModelFiles) -> list[str]:
    """Return the repositories that the front matter of the model card names as what the model was made of."""
    head, _ = _card(files.folder)
    return [one for found in _BASE.findall(head) for one in _REPOSITORY.findall(_COMMENT.sub("", found))]


def bases(files: ModelFiles) -> Iterator[str]:
    """Yield what a model's files say of what it was made of: names of models, the type and classes of its network."""
    yield from filter(None, (origin(files), files.model_type, *files.architectures, *base_models(files)))
    base = files.adapter_config.get("base_model_name_or_path")
    if isinstance(base, str) and base:
        yield _of_path(base)


def _of_path(path: str) -> str:
    """Return the last part of a path or hub id; of a revision in the hub's cache, the name of its repository."""
    parts = Path(path).absolute().parts if Path(path).is_dir() else tuple(path.rstrip("/").split("/"))
    cached = _CACHED.fullmatch(parts[-3]) if len(parts) > 2 and parts[-2] == "snapshots" else None
    return cached[1] if cached else parts[-1]


def _card(folder: Path) -> tuple[str, str]:
    """Return front matter and text of the model card; both empty if there is none."""
    file = folder / "README.md"
    if not file.is_file():
        return "", ""
    card = file.read_text(encoding="utf-8-sig", errors="replace")[:_MOST_CARD].replace("\r\n", "\n")
    if not card.startswith("---\n"):
        return "", card
    head, _, body = card.removeprefix("---").partition("\n---")
    return head, body
