"""Draw many scenes as PNG, in several processes where that saves more than it takes to start them.

The processes are our own module as a command: `multiprocessing` would import the main module of a script or a notebook
again. ``python -m evalkit.charts.drawing`` reads scenes from its input and writes their PNG files to its output.
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from evalkit.charts import figures
from evalkit.charts.scene import Scene

_FEWEST = 100
"""Scenes for each further process: it starts in 0.4 s, in which 35 are drawn. 120 took 1.2 s instead of 1.4 s."""
_MOST_PROCESSES = 8


def as_png_files(scenes: Sequence[Scene]) -> list[bytes]:
    """Return laid out charts as PNG; the bytes do not depend on the number of processes.

    What a process does not draw, because it cannot start or is killed, is drawn here.
    """
    parts = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
                _MOST_PROCESSES, 1 + len(scenes) // _FEWEST)  # fmt: skip
    files: list[bytes | None] = [None] * len(scenes)
    with _started(parts - 1) as processes:
        for number, process in enumerate(processes, 1):
            _give(process, scenes[number::parts])
        files[::parts] = map(figures.as_png_file, scenes[::parts])
        for number, process in enumerate(processes, 1):
            files[number::parts] = _taken(process, len(scenes[number::parts]))
    return [
        figures.as_png_file(scene) if file is None else file
        for scene, file in zip(scenes, files, strict=True)
    ]


@contextmanager
def _started(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Yield processes that draw; fewer if the system refuses some. They end with the block."""
    # They find the modules that this process found, and none of the folder that it happens to be in.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            try:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-P", "-m", "evalkit.charts.drawing"],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
                    )
                )  # fmt: skip
            except OSError:
                break
        yield processes
    finally:
        for process in processes:
            process.kill()
            with process:
                pass


def _give(process: subprocess.Popen[bytes], scenes: Sequence[Scene]) -> None:
    # A process that has ended takes nothing; `_taken` notices it.
    with suppress(OSError), process.stdin or nullcontext(io.BytesIO()) as pipe:
        pickle.dump(scenes, pipe)


def _taken(process: subprocess.Popen[bytes], count: int) -> list[bytes | None]:
    """Return the files that a process drew; None for each if it failed."""
    content = process.stdout.read() if process.stdout else b""
    try:
        # An embedded Python names its host as the executable, which may end well without having drawn.
        return [None] * count if process.wait() else pickle.loads(content)  # noqa: S301 - our own process wrote it
    except (EOFError, pickle.UnpicklingError):
        return [None] * count


if __name__ == "__main__":
    pickle.dump([*map(figures.as_png_file, pickle.load(sys.stdin.buffer))], sys.stdout.buffer)  # noqa: S301 - our own scenes
