"""Monitor the machine during a round: speed on a reference workload, CPU steal and throttling."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_REPEATS = 3
_SETTLE_S, _MOST_SETTLE_S = 0.02, 0.3
"""Threads of a matrix library keep a processor busy for about 0.1 s after their work: they must not meet calls."""
_THROTTLING = (
    (Path("/sys/fs/cgroup/cpu.stat"), "throttled_usec", 1e-6),
    (Path("/sys/fs/cgroup/cpu/cpu.stat"), "throttled_time", 1e-9),
)
"""Where Linux reports a container's throttled time: file, key and unit in seconds of control groups 2 and 1."""


@dataclass(frozen=True, slots=True)
class RoundState:
    """The state of the machine in one round of a latency pass; unknown values are None.

    Attributes
    ----------
    dataset, round
        The round.
    reference_s
        Seconds of the reference workload just before the round: the median of three runs.
    stolen
        CPU steal: share of processor time that the host gave to other guests during the round.
    throttled_s
        Seconds for which the container was throttled by its CPU quota during the round.
    load
        Load average over the last minute, at the end of the round.
    """

    dataset: str
    round: int
    reference_s: float
    stolen: float | None
    throttled_s: float | None
    load: float | None


class MachineMonitor:
    """Records the state of the machine from its creation on."""

    def __init__(self) -> None:
        self._reference_s = float(np.median([_reference_work() for _ in range(_REPEATS)]))
        _settle()
        self._ticks = _ticks()
        self._throttled_s = _throttled_s()

    def state(self, dataset: str, number: int) -> RoundState:
        """Return the state of the machine since the monitor was created."""
        return RoundState(
            dataset,
            number,
            self._reference_s,
            self._stolen(),
            _difference(self._throttled_s, _throttled_s()),
            os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        )

    def _stolen(self) -> float | None:
        now = _ticks()
        if now is None or self._ticks is None or now[0] <= self._ticks[0]:
            return None
        return (now[1] - self._ticks[1]) / (now[0] - self._ticks[0])


def _settle() -> None:
    """Wait until this process uses no processor, at most 0.3 s."""
    end_s = time.perf_counter() + _MOST_SETTLE_S
    while time.perf_counter() < end_s:
        used_s = time.process_time()
        time.sleep(_SETTLE_S)
        if time.process_time() - used_s < _SETTLE_S / 2:
            return


def _reference_work() -> float:
    """Return the seconds that matrix products and a Python loop take: the work of models and of clients."""
    matrix: NDArray[np.floating[Any]] = np.linspace(0.0, 1.0, 256 * 256).reshape(256, 256)
    start = time.perf_counter()
    for _ in range(4):
        matrix = matrix @ matrix / 256
    total = 0
    for number in range(60_000):
        total += number & 3
    return time.perf_counter() - start


def _ticks() -> tuple[int, int] | None:
    """Return the total and the stolen processor time since boot, in ticks; None if unknown."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        return sum(map(int, first[1:9])), int(first[8])
    except (OSError, ValueError, IndexError):
        return None


def _throttled_s() -> float | None:
    """Return the seconds for which the container has been throttled; None if unknown."""
    for path, key, unit_s in _THROTTLING:
        try:
            lines = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
            return int(lines[key]) * unit_s
        except (OSError, ValueError, KeyError):
            continue
    return None


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
