"""A folder with results, baselines, comparisons and a store, in which commands are killed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from support.collections import write_beir_folder
from support.killer import Killer

CONFIG = """\
name: t
datasets: [{source: beir_folder, path: small}]
retriever: {depth: 4}
rerankers:
  lexical: {backend: lexical}
metrics: [nDCG@10]
"""


def make_scene(folder: Path, killer: Killer) -> None:
    """Write a collection, a configuration, and the results ``a`` and ``b`` with their store."""
    write_beir_folder(folder / "small")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    for name, depth in (("a", 4), ("b", 5)):
        words = ("run", "c.yaml", "--into", "results", "--set", f"retriever.depth={depth}")
        assert killer.run(*words, below=folder, cwd=folder).code == 0
        (made,) = (folder / "results").glob("2*")
        made.rename(folder / name)
    (folder / "results" / "scores.sqlite").rename(folder / "scores.sqlite")
    shutil.rmtree(folder / "results")


@dataclass(frozen=True, slots=True)
class Case:
    """A command that writes, and the one that wrote what it replaces.

    Attributes
    ----------
    words, old
        The command; the one before it, None where nothing is replaced.
    outputs
        Files and folders that it writes.
    kills
        Number of kills, of 50 in all commands together.
    at_once
        Whether all outputs change in one step; otherwise each file does.
    last
        Start of the names of the files that appear after all others.
    code
        Exit code of the command.
    """

    words: tuple[str, ...]
    old: tuple[str, ...] | None
    outputs: tuple[str, ...]
    kills: int
    at_once: bool = True
    last: str = "-"
    code: int = 0


Content = dict[str, bytes]


def content(folder: Path, outputs: tuple[str, ...]) -> Content:
    """Return path -> content of all files of some outputs, without unfinished ones."""
    found: Content = {}
    for output in outputs:
        path = folder / output
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            parts = file.relative_to(folder).parts
            if file.is_file() and not any(part.startswith(".") and part.endswith(".part") for part in parts):
                found["/".join(parts)] = file.read_bytes()
    return found


def check_old_or_new(case: Case, found: Content, old: Content, new: Content) -> None:
    """Check that what a killed command left is what there was before, or what it writes."""
    if case.at_once:
        assert found in (old, new)
        return
    for name in old | new:
        assert found.get(name) in (old.get(name), new.get(name)), name
    assert set(found) <= set(old | new)
    changed = {name for name in new if old.get(name) != new[name]}
    if any(found.get(name) == new[name] for name in changed if name.startswith(case.last)):
        early = [name for name in changed if not name.startswith(case.last)]
        assert all(found.get(name) == new[name] for name in early), "the last file came before others"
