"""Print lines, texts and JSON so that no value can control the terminal or the log of a CI; guard both outputs."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

import click

from evalkit.errors import StorageError, printable

_LEADING = re.compile(r"^(\s*):(?=:)")
"""What GitHub takes for a command, where a line starts."""
_BRACKETED = re.compile(r"##(?=\w*\[)")
"""What Azure and others take for a command anywhere in a line, such as ``##vso[``."""
_NO_COMMAND = r"#\\x23"
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]|#(?=#)")


class Styled(NamedTuple):
    """A part of a line, with how `click.style` is to show it."""

    text: str
    style: dict[str, Any]


def echo(*parts: str | Path | Styled, err: bool = False) -> None:
    """Print one line; line breaks and other characters in it that are not printable are escaped.

    Parameters
    ----------
    parts
        The line.
    err
        Whether it goes to stderr.
    """
    texts = [_harmless(printable(part.text if isinstance(part, Styled) else str(part))) for part in parts]
    line = "".join(texts)
    if _harmless(line) == line:
        line = "".join(
            click.style(text, **part.style) if isinstance(part, Styled) else text
            for text, part in zip(texts, parts, strict=True)
        )
    click.echo(_harmless(line), err=err)  # parts that are harmless alone may make a command together


def echo_text(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text of several lines whose values are escaped already, such as a table."""
    click.echo("\n".join(_harmless(printable(line)) for line in text.split("\n")), err=err, nl=nl)


def echo_json(content: bytes | str) -> None:
    """Print JSON; what is not printable in its texts is written as escapes, which mean the same."""
    text = content.decode() if isinstance(content, bytes) else content
    click.echo(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text), nl=False)


def echo_commands(lines: Iterable[str], *, err: bool = False) -> None:
    """Print GitHub's workflow commands, whose values are escaped already; none may hold a command of Azure."""
    for line in lines:
        click.echo(_BRACKETED.sub(_NO_COMMAND, line), err=err)


def _harmless(line: str) -> str:
    """Return a line that no CI takes for a command."""
    return _BRACKETED.sub(_NO_COMMAND, _LEADING.sub(r"\1\\x3a", line))


class _GuardedStream:
    """A stream whose reader may be gone, and whose disk may be full.

    What cannot be written to a closed pipe is dropped: it changes no exit code.

    Parameters
    ----------
    stream
        The stream, of text or of bytes.
    needed
        Whether any other failure is an error; a message on stderr is dropped, too.
    failures
        What went wrong so far, in the stream of text or in its stream of bytes: from then on both fail.
    """

    def __init__(self, stream: Any, *, needed: bool, failures: list[str] | None = None) -> None:
        self._stream = stream
        self._needed = needed
        self._failures: list[str] = [] if failures is None else failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _GuardedStream:
        return _GuardedStream(self._stream.buffer, needed=self._needed, failures=self._failures)

    def write(self, data: Any) -> int:
        self._try("write", data)
        return len(data)

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._try("flush")

    def _try(self, method: str, *data: Any) -> None:
        """Call a method of the stream.

        Raises
        ------
        StorageError
            If the output is needed, and this or an earlier call failed.
        """
        try:
            getattr(self._stream, method)(*data)
        except OSError as error:
            _drop(self._stream)
            if self._needed and error.errno != errno.EPIPE:
                self._failures.append(error.strerror or str(error))
        except ValueError:
            if not self._stream.closed:
                raise
        if self._failures:
            raise StorageError(
                f"cannot write the output: {self._failures[0]}",
                "free disk space, or write the output elsewhere",
            )


def _drop(stream: Any) -> None:
    """Send what a stream still holds, and all that follows, nowhere: else the interpreter fails at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def guarded_outputs() -> Iterator[None]:
    """Guard stdout and stderr while the block runs.

    A failure to write to stdout is a `StorageError`, except that of a closed pipe, which is none. Characters that an
    output's encoding lacks are escaped.
    """
    _open_standard_files()
    # Python has no stream for a file that was closed when it started; progress bars need one.
    out, err = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (out, err):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = cast("TextIO", _GuardedStream(out, needed=True))
    sys.stderr = cast("TextIO", _GuardedStream(err, needed=False))
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(StorageError):  # it was reported
                stream.flush()
        sys.stdout, sys.stderr = out, err


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _open_standard_files() -> None:
    """Open the standard files that are closed: else the next file that is opened takes the place of an output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
