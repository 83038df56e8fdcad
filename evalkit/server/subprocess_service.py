"""Start ``evalkit serve`` as a subprocess for every ``serve:`` block of an experiment."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import orjson

from evalkit.config import Config, RerankerSettings, bind_stages
from evalkit.errors import CallError
from evalkit.server.serve import READY

START_LIMIT_S = 300.0
"""Maximum wait for a service to start, which includes loading a model."""
_KEPT_LINES = 1_000
"""Last lines of a service's stderr that are kept: a run may take days."""


@contextmanager
def served(config: Config) -> Iterator[Config]:
    """Start a service for every ``serve:`` block, and yield the configuration with their addresses.

    Raises
    ------
    CallError
        If a service does not start; the message has its error line.
    """
    with ExitStack() as stack:
        rerankers = {
            tag: stack.enter_context(_started(config, tag, settings))
            for tag, settings in config.rerankers.items()
        }
        yield config.model_copy(update={"rerankers": bind_stages(rerankers)})


@contextmanager
def _started(config: Config, tag: str, settings: RerankerSettings) -> Iterator[RerankerSettings]:
    block: dict[str, Any] | None = getattr(settings, "serve", None)
    if block is None:
        yield settings
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
    try:
        yield settings.model_copy(update={"url": _wait_for_address(tag, process)})
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_address(tag: str, process: subprocess.Popen[str]) -> str:
    """Return the address in the service's first line, and read its stderr so that the pipe does not fill up."""
    stderr_lines: deque[str] = deque(maxlen=_KEPT_LINES)
    threading.Thread(target=lambda: stderr_lines.extend(process.stderr or ()), daemon=True).start()
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
