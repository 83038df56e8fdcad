"""The command line, run as a user runs it: in this process where that is enough, else in a process of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from evalkit import registry
from evalkit.cli.main import INTERRUPTED, main

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "evalkit")
Done = subprocess.CompletedProcess[str]


def evalkit(*words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Done:
    """Run ``evalkit`` in this process; return what it printed and its exit code.

    A process of its own takes half a second to start, two with the first plot: use `evalkit_process` only where the
    process matters: signals, several at a time, services that a run starts (a thread of it outlives the command),
    variables that other packages read when they are imported. `cwd`, `env` and the plugins that a configuration
    registers last until the command ends.
    """
    assert threading.current_thread() is threading.main_thread(), "commands at the same time need processes"
    out, err = _Captured(), _Captured()
    arguments = list(map(str, words))
    with _as_a_user(arguments, cwd or ROOT, env or {}), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return subprocess.CompletedProcess(["evalkit", *arguments], code, out.text(), err.text())


def evalkit_process(*words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Done:
    """Run ``evalkit`` in a process of its own; return what it printed and its exit code."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        env={**os.environ, **(env or {})},
        timeout=300,
        check=False,
    )


def start_evalkit(*words: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start ``evalkit`` with both outputs piped, and with SIGINT's default whatever this process does with it."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with _default_sigint():
        return subprocess.Popen([*PROGRAM, *map(str, words)], **{**pipes, **options})


@contextmanager
def serving(*words: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """Run ``evalkit serve`` on a free port; yield the address of its rerank endpoint."""
    process = start_evalkit("serve", "--port", "0", *words, stderr=None, env={**os.environ, **(env or {})})
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


class _Captured(io.TextIOWrapper):
    """A stream of UTF-8 text over bytes, as a process has."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        """Return what was written, with line ends as `subprocess` gives them."""
        raw: io.BytesIO = self.buffer  # type: ignore[assignment]
        return raw.getvalue().decode().replace("\r\n", "\n")


@contextmanager
def _as_a_user(arguments: list[str], cwd: Path, env: dict[str, str]) -> Iterator[None]:
    """Give the command its arguments, folder and variables; afterwards undo what it did to this process."""
    before, modules = Path.cwd(), set(sys.modules)
    os.chdir(cwd)
    try:
        with (
            warnings.catch_warnings(action="ignore", category=ResourceWarning),  # as outside of tests
            mock.patch.object(sys, "argv", ["evalkit", *arguments]),
            mock.patch("click.core._detect_program_name", return_value="evalkit"),
            mock.patch.dict(os.environ, env),
            mock.patch.dict(registry._registered),
            mock.patch.object(os, "_exit", _exit_as_the_command),
        ):
            yield
    finally:
        os.chdir(before)
        for name in set(sys.modules) - modules:
            if name.startswith("evalkit_plugin_"):
                del sys.modules[name]


def _exit_as_the_command(code: int) -> None:
    """Leave the command but not this process, which other tests need; an interrupt leaves threads behind."""
    assert code != INTERRUPTED, "the command was interrupted: use evalkit_process"
    raise SystemExit(code)


@contextmanager
def _default_sigint() -> Iterator[None]:
    """Have children that are started within obey SIGINT.

    A shell without job control starts programs in the background with SIGINT ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
