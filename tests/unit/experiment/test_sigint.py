"""Ctrl-C while results are saved."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from evalkit.experiment.sigint import delay_sigint, ignore_sigint


def test_a_signal_within_is_ignored_and_one_afterwards_is_not() -> None:
    """The block runs to its end; then the program can be interrupted as before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        reached = False
        with ignore_sigint():
            os.kill(os.getpid(), signal.SIGINT)
            reached = True
        assert reached
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_failure_gives_the_handler_back() -> None:
    """Whatever ends the block, and whichever handler there was."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    own = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(ValueError, match="no"), ignore_sigint():
            raise ValueError("no")
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_it_changes_nothing() -> None:
    """Python sets handlers in the main thread alone: elsewhere the block runs, and the handler stays."""
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with ignore_sigint():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_delayed_interrupt_comes_after_the_block() -> None:
    """The block is finished first; without an interrupt nothing is raised, and Ctrl-C works as before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    done: list[str] = []

    def interrupted() -> None:
        with delay_sigint():
            signal.raise_signal(signal.SIGINT)
            done.append("finished")
        done.append("never")

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with delay_sigint():
            done.append("again")
        assert done == ["finished", "again"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
