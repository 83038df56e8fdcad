"""``evalkit diff``: differences of two results, configuration, data, software and machine before means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.config.key_reference import as_yaml
from evalkit.results import ResultFolder
from evalkit.results.json_shapes import to_plain
from evalkit.results.locate import locate_results
from evalkit.results.summary_document import Summary
from evalkit.stats import Interval

ABSENT = "-"
"""Text for a value that one of the two results does not have."""
_NO_EFFECT = ("name", "store")
"""Keys of a configuration that cannot change a figure."""
_MOMENTARY = ("load_average",)
"""Properties of a machine that change all the time."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs between two results.

    Attributes
    ----------
    about
        ``status``, ``configuration``, ``data``, ``code``, ``machine``, ``reranker``, ``run`` or ``mean``.
    what
        Path of the value, keys joined with dots.
    before, after
        Both values as text; ``-`` where a result has none.
    """

    about: str
    what: str
    before: str
    after: str


def differences(before: str | Path, after: str | Path) -> list[Difference]:
    """Return all values that differ, causes before effects.

    Raises
    ------
    InputError
        If a path is no result folder, or damaged.
    """
    one, other = (_Facts.of(ResultFolder.open(path)) for path in locate_results([before, after]))
    different: list[Difference] = []
    for about, mine in one.groups.items():
        different += _compared(about, mine, other.groups[about])
    return different


def means_in_common(before: str | Path, after: str | Path) -> int:
    """Return the number of means that both results have; see `differences` for errors."""
    paths = locate_results([before, after])
    one, other = (_means(ResultFolder.open(path).read_summary()) for path in paths)
    return len(one.keys() & other.keys())


@dataclass(frozen=True, slots=True)
class _Facts:
    """All compared values of a result, as text, in groups: subject -> path -> value."""

    groups: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, folder: ResultFolder) -> _Facts:
        """Read the values of a result folder."""
        manifest, config = folder.read_manifest(), folder.read_config()
        data = {facts.name: to_plain(facts) for facts in manifest.datasets}
        machine = {key: value for key, value in to_plain(manifest.machine).items() if key not in _MOMENTARY}
        plugins = {one.name: one.version for one in manifest.plugins}
        tokenizer = {} if manifest.tokenizer is None else {"tokenizer": manifest.tokenizer.sha256}
        git = None if manifest.git is None else to_plain(manifest.git)
        rerankers = {tag: to_plain(facts) for tag, facts in manifest.rerankers.items()}
        endpoints = {tag: to_plain(facts) for tag, facts in manifest.endpoints.items()}
        runs = {f"{facts.tag} on {facts.dataset}": to_plain(facts) for facts in manifest.runs}
        settings = {key: value for key, value in config.everything.items() if key not in _NO_EFFECT}
        settings["below_depth"] = config.below_depth  # earlier versions wrote no such key
        return cls(
            {
                "status": {"status": manifest.status},
                "configuration": _flat(settings),
                "data": _flat(data),
                "code": _flat({**manifest.versions, **plugins, "commit": git, **tokenizer}),
                "machine": _flat(machine),
                "reranker": _flat(rerankers) | _flat(endpoints, "endpoint."),
                "run": _flat(runs),
                "mean": _means(folder.read_summary()),
            }
        )


def _means(summary: Summary) -> dict[str, str]:
    return {
        f"{row.dataset} {row.reranker} {row.metric}{_at(row.depth)}": _shown(row.mean)
        for row in summary.quality
    }


def _at(depth: int | None) -> str:
    return "" if depth is None else f" at depth {depth}"


def _shown(mean: Interval) -> str:
    return "none" if mean.estimate is None else f"{mean.estimate:.4f} (n {mean.n})"


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Return path -> the leaves of nested mappings and lists as text."""
    if isinstance(value, Mapping):
        items: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        items = iter(enumerate(value))
    else:
        return {path.rstrip("."): "null" if value is None else as_yaml(value)}
    leaves: dict[str, str] = {}
    for key, inner in items:
        leaves |= _flat(inner, f"{path}{key}.")
    return leaves


def _compared(about: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for what in dict.fromkeys([*before, *after]):
        one, other = before.get(what, ABSENT), after.get(what, ABSENT)
        if one != other:
            yield Difference(about, what, one, other)
