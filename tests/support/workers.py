"""What replicas on a cluster are given to do: functions that another process can import."""

from __future__ import annotations

import os
import signal
import time

from evalkit.errors import CallError, InputError


def open_ten() -> int:
    """Open a hand: the number ten."""
    return 10


def open_nothing() -> int:
    """Fail to open."""
    raise InputError("there is no such model", "use another")


def add(worker: int, task: int) -> int:
    """Add slowly; 13 is unlucky."""
    time.sleep(0.05)
    if task == 13:
        raise CallError("memory", "13 does not fit", "use 12")
    return worker + task


def die_at_seven(worker: int, task: int) -> int:
    """Add, but for 7, which ends the process."""
    if task == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return worker + task


def die_once(worker: int, task: tuple[int, str]) -> int:
    """Add; the first process that gets a task whose file is not there yet makes the file and ends."""
    number, file = task
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return worker + number
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def wait(worker: int, seconds: float) -> int:
    """Return what was opened, after a while."""
    time.sleep(seconds)
    return worker
