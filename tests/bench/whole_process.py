"""Measure commands as whole processes, in turn: what a user waits for, and the memory that it takes.

Rounds are interleaved, so that a change of the machine's speed meets every command; figures are medians over rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost, with the processes that it started and waited for.

    Attributes
    ----------
    wall_s, cpu_s
        Seconds from start to end, and of all processors.
    peak_bytes
        The largest memory of one of its processes.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int


def cost_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end; what it prints is thrown away.

    Raises
    ------
    RuntimeError
        If it fails: the time of a failure is no measurement.
    """
    # Python compiles its modules once, as it does for a user; a container may have turned this off.
    settings = {**os.environ, **(environment or {})}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    problems = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {problems[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do a job.

    Attributes
    ----------
    name
        Its name in the table.
    command
        The command.
    prepare
        Called before each round, untimed.
    """

    name: str
    command: Sequence[str]
    prepare: Callable[[], object] | None = None


def measured(ways: Sequence[Way], rounds: int = 5, *, warm: bool = True) -> dict[str, Cost]:
    """Return the medians of each way; all have their turn in every round, after one that does not count."""
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    for number in range(rounds + warm):
        for way in ways:
            if way.prepare:
                way.prepare()
            cost = cost_of(way.command)
            if number >= warm:
                costs[way.name].append(cost)
    return {name: _median(of_way) for name, of_way in costs.items()}


def table(title: str, costs: Mapping[str, Cost], reference: str) -> str:
    """Return the costs as lines of text; each ratio is to the reference, below 1 where the way is cheaper."""
    base = costs[reference]
    lines = [f"\n{title}", f"{'way':<28} wall s  ratio   cpu s  ratio  peak MB  ratio"]
    lines += [
        f"{name:<28} {cost.wall_s:6.2f}  {cost.wall_s / base.wall_s:5.2f}"
        f"  {cost.cpu_s:6.2f}  {cost.cpu_s / base.cpu_s:5.2f}"
        f"  {cost.peak_bytes / 1e6:7.0f}  {cost.peak_bytes / base.peak_bytes:5.2f}"
        for name, cost in costs.items()
    ]
    return "\n".join(lines) + "\n"


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
        int(statistics.median(cost.peak_bytes for cost in costs)),
    )
