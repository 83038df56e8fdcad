"""The table of attacks: what was tried against evalkit, and whether it survived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

KEY = "evalkit attack"
"""Name of the property under which a test reports its attack: pytest carries properties from its workers."""
CLASSES = ("crash", "names", "concurrent", "input", "service", "client", "supply", "privacy", "cluster")


def attack_of(item: pytest.Item) -> tuple[str, str] | None:
    """Return class and attack of a test that is marked ``attack("class", "what is tried")``; None without the mark.

    Raises
    ------
    ValueError
        If the class is not in `CLASSES`.
    """
    mark = item.get_closest_marker("attack")
    if mark is None:
        return None
    kind, attack = mark.args
    if kind not in CLASSES:
        raise ValueError(f"{item.nodeid}: unknown class of attack {kind!r}; known: {', '.join(CLASSES)}")
    return kind, attack


def attack_table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of class, attack, and whether evalkit survived, in the order of `CLASSES`.

    An attack that several tests make survives if all of them pass.
    """
    survived: dict[tuple[str, str], bool] = {}
    for kind, attack, outcome in rows:
        survived[kind, attack] = survived.get((kind, attack), True) and outcome == "passed"
    ordered = sorted(survived.items(), key=lambda row: (CLASSES.index(row[0][0]), row[0][1]))
    lines = [f"| {kind} | {attack} | {'yes' if ok else 'NO'} |" for (kind, attack), ok in ordered]
    return "\n".join(["| class | attack | survived |", "| --- | --- | --- |", *lines])
