"""Commands that are killed before their N-th change below a folder.

`killing` starts this module as a process that imports evalkit once; each command is a fork of it, which starts within
milliseconds. An audit hook of Python counts the changes: files opened for writing, renamed and removed, folders made
and removed, and the look-up of ``renameat2``, which has no event of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LIMIT_S = 60
"""Seconds after which a command that stands still is ended."""
_PATHS = {"os.rename": (0, 1), "os.remove": (0,), "os.mkdir": (0,), "os.rmdir": (0,), "os.link": (0, 1)}
"""Audit event of a change -> the places of its paths among the arguments."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, or -9; the changes that it began; and the last of them."""

    code: int
    changes: int
    last: str


class Killer:
    """Runs commands of evalkit and kills them; see `killing`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *words: str | Path, below: Path, cwd: Path, at: int = 0) -> Ended:
        """Run a command, and kill it before its `at`-th change below a folder; 0 lets it end."""
        (ended,) = self._ended(
            [{"words": list(map(str, words)), "below": str(below), "cwd": str(cwd), "at": at}]
        )
        return ended

    def run_at_once(self, *commands: Sequence[str], cwd: Path) -> list[int]:
        """Run commands at the same time; return their exit codes."""
        asked = [{"words": list(words), "below": str(cwd), "cwd": str(cwd), "at": 0} for words in commands]
        return [ended.code for ended in self._ended(asked)]

    def _ended(self, asked: list[dict[str, Any]]) -> list[Ended]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return [Ended(**one) for one in json.loads(self._process.stdout.readline())]


@contextmanager
def killing() -> Iterator[Killer]:
    """Yield a `Killer`; its process ends with the block."""
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests), str(tests.parent)])
    process = subprocess.Popen(
        [sys.executable, "-m", "support.killer"], env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Killer(process)
    finally:
        process.kill()
        process.communicate()


def instants(changes: int, kills: int) -> list[int]:
    """Return numbers of changes, evenly spread from the first to the last."""
    return sorted({1 + (changes - 1) * number // max(1, kills - 1) for number in range(min(kills, changes))})


def _count_changes(below: str, at: int, report: int) -> None:
    """Count the changes of this process, tell each of them to a pipe, and kill it before one of them."""
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open":
            changed = (args[0],) if isinstance(args[2], int) and args[2] & _WRITES else ()
        elif event == "ctypes.dlsym":
            changed = (below,) if args[1] == "renameat2" else ()
        else:
            changed = tuple(args[place] for place in _PATHS.get(event, ()))
        paths = [os.fsdecode(path) for path in changed if isinstance(path, str | bytes)]
        # A path that is relative to a folder's descriptor, as shutil.rmtree gives it, is of that folder.
        if not any(path.startswith(below) or not path.startswith(os.sep) for path in paths):
            return
        count += 1
        os.write(report, f"{event} {paths[0]}\n".encode(errors="replace"))
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _command(words: list[str], cwd: str) -> int:
    """Run a command without its output, and return its exit code."""
    from evalkit.cli.main import main

    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    os.chdir(cwd)
    sys.argv = ["evalkit", *words]
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0


def _started(asked: dict[str, Any]) -> tuple[int, int]:
    """Start a command in a fork of this process; return the fork and the pipe that it tells its changes to."""
    reading, report = os.pipe()
    child = os.fork()
    if not child:
        code = 70
        try:
            signal.alarm(LIMIT_S)
            os.close(reading)
            _count_changes(asked["below"], asked["at"], report)
            code = _command(asked["words"], asked["cwd"])
        finally:
            os._exit(code)
    os.close(report)
    return child, reading


def _ended(child: int, reading: int) -> Ended:
    """Wait for a fork."""
    with os.fdopen(reading) as pipe:
        changes = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(status), len(changes), changes[-1] if changes else "")


def _import_everything() -> None:
    """Import what commands import, and have plots be blank: drawing takes longer than all else."""
    import pandas as pd  # noqa: F401 - commands import it late
    import scipy.special
    import scipy.stats  # noqa: F401 - commands import it late

    import evalkit.cli.compare
    import evalkit.workflows.compare
    import evalkit.workflows.gate
    import evalkit.workflows.run
    import evalkit.workflows.tune  # noqa: F401 - commands import it late
    from evalkit.charts import figures

    figures.as_png_file = lambda _scene: b""


if __name__ == "__main__":
    _import_everything()
    for line in sys.stdin:
        forks = [_started(asked) for asked in json.loads(line)]
        sys.stdout.write(json.dumps([asdict(_ended(*fork)) for fork in forks]) + "\n")
        sys.stdout.flush()
