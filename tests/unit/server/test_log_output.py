"""Output that never blocks."""

from __future__ import annotations

import os
import sys

import pytest

from evalkit.server.log_output import LogWriter, never_blocking_output


def test_everything_is_written_in_order_while_it_is_read() -> None:
    """Nothing is dropped, and a character that cannot be encoded is escaped."""
    reader, writer = os.pipe()
    log = LogWriter(writer)
    for number in range(100):
        log.write(f"{number}\ud800\n")
    log.flush(10)
    assert os.read(reader, 65536).decode() == "".join(f"{number}\\ud800\n" for number in range(100))
    assert log.dropped == 0


def test_what_nobody_reads_is_dropped_and_counted() -> None:
    """Writing returns at once, with and without a reader."""
    reader, writer = os.pipe()
    log = LogWriter(writer)
    for _ in range(200):
        log.write("x" * 100_000)
    log.flush(0.01)
    assert log.dropped > 100
    os.close(reader)
    log.flush(10)
    log.write("no one\n")
    log.flush(10)


def test_streams_are_replaced_while_the_service_runs(capfd: pytest.CaptureFixture[str]) -> None:
    """Prints go to the same files as before; afterwards the streams are those of before."""
    before = sys.stdout, sys.stderr
    with never_blocking_output() as writers:
        print("out")  # noqa: T201 - what is tested
        print("err", file=sys.stderr)  # noqa: T201 - as above
        assert len(writers) == 2
        assert sys.stdout is not before[0]
        assert sys.stdout.fileno() == before[0].fileno()
    assert (sys.stdout, sys.stderr) == before
    assert capfd.readouterr() == ("out\n", "err\n")
