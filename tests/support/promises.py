"""The table of promises: what evalkit's sentences claim, and how often simulations found the claim true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KEY = "evalkit promise"
"""Name of the property under which a test reports a row: pytest carries properties from its workers."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the table.

    Attributes
    ----------
    world
        Where the draws come from, such as ``demo, n = 100, 5 contenders``.
    claim
        What is measured and its limit, such as ``false adopt: at most .05``.
    before
        The share that the method of an earlier version, or the naive one, reaches in the same draws; None where
        there was none.
    now
        The share that evalkit reaches.
    draws
        Number of simulated experiments.
    """

    world: str
    claim: str
    before: float | None
    now: float
    draws: int

    def cells(self) -> tuple[str, ...]:
        """Return the cells of its row."""
        return (self.claim, self.world, _share(self.before), _share(self.now), f"{self.draws:,}")


def promise_table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table of rows of cells, sorted by claim and world."""
    lines = ["| claim | simulated world | before | now | draws |", "| --- | --- | ---: | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in sorted(map(tuple, rows)))])


def _share(value: float | None) -> str:
    """Return a share with three decimals, without a leading zero."""
    return "-" if value is None else f"{value:.3f}".removeprefix("0")
