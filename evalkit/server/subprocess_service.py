"""Start ``evalkit serve`` as a subprocess for every ``serve:`` block of an experiment."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

import orjson

from evalkit.config import Config, RerankerSettings, bind_stages
from evalkit.errors import CallError
from evalkit.server.serve import READY

START_LIMIT_S = 300.0
"""Maximum wait for a service to start, which includes loading a model."""
_KEPT_LINES = 1_000
"""Last lines of a service's stderr that are kept: a run may take days."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services of an experiment, which start and end while the caller works.

    Attributes
    ----------
    config
        The configuration without the addresses of the services.
    waiting
        Tag -> waits for the service of a reranker, and returns the settings with its address.
    processes
        Their processes.
    """

    config: Config
    waiting: Mapping[str, Callable[[], RerankerSettings]]
    processes: Sequence[subprocess.Popen[str]]

    def reachable(self) -> Config:
        """Wait until all services have started, and return the configuration with their addresses.

        Raises
        ------
        CallError
            If a service does not start; the message has its error line.
        """
        rerankers = {tag: wait() for tag, wait in self.waiting.items()}
        return self.config.model_copy(update={"rerankers": bind_stages(rerankers)})

    def stop(self) -> None:
        """Ask all services to end, and do not wait for it."""
        for process in self.processes:
            process.terminate()


@contextmanager
def served(config: Config) -> Iterator[Config]:
    """Start a service for every ``serve:`` block, and yield the configuration with their addresses.

    Raises
    ------
    CallError
        See `Services.reachable`.
    """
    with starting(config) as services:
        yield services.reachable()


@contextmanager
def starting(config: Config) -> Iterator[Services]:
    """Start a service for every ``serve:`` block without waiting for it; all have ended when the block has."""
    processes: list[subprocess.Popen[str]] = []
    with ExitStack() as stack:
        waiting = {
            tag: stack.enter_context(_started(config, tag, settings, processes))
            for tag, settings in config.rerankers.items()
        }
        yield Services(config, waiting, processes)


@contextmanager
def _started(
    config: Config, tag: str, settings: RerankerSettings, processes: list[subprocess.Popen[str]]
) -> Iterator[Callable[[], RerankerSettings]]:
    """Start the service of one reranker, if it has one; yield what waits for it and returns its settings."""
    block: dict[str, Any] | None = getattr(settings, "serve", None)
    if block is None:
        yield lambda: settings
        return
    command = [sys.executable, "-m", "evalkit", "serve", "--backend", str(block["backend"]), "--port", "0"]
    command += ["--dialect", str(getattr(settings, "dialect", "assisters"))]
    if config.plugins:
        command += ["--set", f"plugins={orjson.dumps(config.plugins).decode()}"]
    for key, value in block.items():
        if key != "backend":
            command += ["--set", f"{key}={orjson.dumps(value).decode()}"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    processes.append(process)
    # Its stderr is read from the start, so that the pipe does not fill up.
    stderr_lines: deque[str] = deque(maxlen=_KEPT_LINES)
    threading.Thread(target=_keep, args=(process.stderr, stderr_lines), daemon=True).start()
    try:
        yield lambda: settings.model_copy(update={"url": _wait_for_address(tag, process, stderr_lines)})
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _keep(stderr: IO[str], lines: deque[str]) -> None:
    with stderr:
        lines.extend(stderr)


def _wait_for_address(tag: str, process: subprocess.Popen[str], stderr_lines: Iterable[str]) -> str:
    """Return the address in the service's first line."""
    timer = threading.Timer(START_LIMIT_S, process.kill)
    timer.start()
    # A plugin may print, too.
    line = next((one for one in process.stdout or () if one.startswith(READY)), "")
    timer.cancel()
    if not line:
        process.wait(10)
        last = next(
            (text.strip() for text in stderr_lines if text.startswith("error: ")), "it printed no error"
        )
        raise CallError("connect", f"the service for {tag!r} did not start: {last.removeprefix('error: ')}")
    return line.rpartition(" at ")[2].strip()
