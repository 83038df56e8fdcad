"""The command line, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def evalkit(
    *words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``evalkit`` in a process of its own and return what it printed and its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "evalkit", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        env={**os.environ, **(env or {})},
        timeout=300,
        check=False,
    )


@contextmanager
def serving(*words: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """Run ``evalkit serve`` on a free port; yield the address of its rerank endpoint."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", "serve", "--port", "0", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().rpartition(" at ")[2].strip()
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout:
            process.stdout.close()


def only_folder(parent: Path) -> Path:
    """Return the one result folder below `parent`."""
    (folder,) = (path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    return folder
