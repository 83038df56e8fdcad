"""Work on several systems in threads: numpy leaves the interpreter to other threads while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")
_MOST_THREADS = 4
"""Each thread has the columns of a system in memory."""


def side_by_side(function: Callable[[_Task], _Done], tasks: Iterable[_Task]) -> list[_Done]:
    """Return the value of a function for each task, in the order of the tasks; the first error is raised."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        return list(pool.map(function, tasks))
