"""Send the calls of one reranker from several processes, where one interpreter cannot send as many."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Self

from evalkit.config import RerankerSettings
from evalkit.errors import WorldError
from evalkit.latency import load_messages as messages
from evalkit.reranking import Arrival, Batch, CallContext, Outcome
from evalkit.reranking.open_loop import MOST_IN_FLIGHT

_BEGIN_S = 0.05
"""Seconds between the message that starts a block and its start: all processes have the message by then."""
_START_TIMEOUT_S = 60.0
_CLOCK_S = 0.001
"""How far the clocks of two processes may be from each other; those of all usual systems are one clock."""


def most_processes() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LoadProcessError(WorldError):
    """A process that sends calls ended, or cannot send them; the block has no result."""


class _Process:
    """One process; a thread passes on what it answers."""

    def __init__(self, place: int, answers: SimpleQueue[tuple[int, messages.Answer]]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "evalkit.latency.load_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for this process, which then ends the other one
        )
        self._place, self._answers = place, answers
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: object) -> None:
        """Send a message; if the process has ended, its thread answers so."""
        if self._child.stdin is not None:
            try:
                pickle.dump(message, self._child.stdin)
                self._child.stdin.flush()
            except OSError:
                pass

    def end(self) -> None:
        """End the process now; its calls in flight are lost."""
        self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _read(self) -> None:
        try:
            while self._child.stdout is not None:
                self._answers.put((self._place, pickle.load(self._child.stdout)))  # noqa: S301 - our own child
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            code = self._child.wait()
            self._answers.put((self._place, messages.Failed(f"it ended with exit code {code}")))


class SplitLoad:
    """Sends calls as a `Sender` or an `OpenLoop` does, from several processes at once.

    Calls in flight are divided among the processes, and so are the calls: each process sends every k-th one. All start
    at the same time. Outcomes are returned when the block is complete, in the order in which calls were due.

    The reranker must have no limits that are counted in one place: a budget, or calls or tokens per minute.

    Parameters
    ----------
    tag, settings
        The reranker.
    concurrency
        Calls in flight of closed loops; None for open loops.
    count
        Number of processes, at most `concurrency`.

    Raises
    ------
    LoadProcessError
        If a process does not start.
    """

    def __init__(self, tag: str, settings: RerankerSettings, concurrency: int | None, count: int) -> None:
        most = MOST_IN_FLIGHT if concurrency is None else concurrency
        self._tag = tag
        self._shares = [most // count + (place < most % count) for place in range(count)]
        self._answers: SimpleQueue[tuple[int, messages.Answer]] = SimpleQueue()
        self._processes: list[_Process] = []
        try:
            for place, share in enumerate(self._shares):
                process = _Process(place, self._answers)
                self._processes.append(process)
                process.send(messages.Opening(tag, settings, share))
            self._wait_until_ready(_START_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.end()
        self._processes = []

    def send(self, items: Iterable[Batch], context: CallContext) -> Iterator[Outcome]:
        """Yield the outcome of every batch; see `Sender.send`."""
        yield from self.send_each((item, context) for item in items)

    def send_each(self, tasks: Iterable[messages.Task], spread_s: float = 0.0) -> Iterator[Outcome]:
        """Yield the outcome of every batch, and of the untimed calls by which calls in flight stay constant.

        Parameters
        ----------
        tasks
            Timed calls, or none. Untimed calls before and after them are sent by every process.
        spread_s
            See `Sender.send_each`.

        Raises
        ------
        LoadProcessError
            If a process ends.
        """
        sent = list(tasks)
        timed = [place for place, (_, context) in enumerate(sent) if context.pass_ == "latency"]
        first, last = (timed[0], timed[-1] + 1) if timed else (0, len(sent))
        count, step_s = len(self._shares), spread_s / sum(self._shares)
        yield from self._block(
            lambda place: messages.ClosedBlock(
                self._shares[place],
                tuple(sent[:first][place::count]),
                tuple(sent[first:last][place::count]),
                tuple(sent[last:]),
                place * step_s,
                spread_s,
            )
        )

    def send_at_once(self, items: Sequence[Batch], context: CallContext) -> Iterator[Outcome]:
        """Send batches at once; see `OpenLoop.send_at_once`."""
        count = len(self._shares)
        yield from self._block(lambda place: messages.WarmUp(tuple(items[place::count]), context))

    def send_scheduled(self, schedule: Sequence[Arrival], context: CallContext) -> Iterator[Outcome]:
        """Make every call when it is due; see `OpenLoop.send_scheduled`.

        Raises
        ------
        LoadProcessError
            If a process ends.
        """
        count = len(self._shares)
        yield from self._block(lambda place: messages.OpenBlock(tuple(schedule[place::count]), context))

    def _block(self, order_of: Callable[[int], messages.Order]) -> Iterator[Outcome]:
        """Send each process its order, and return all outcomes in the order in which calls were due."""
        for place, process in enumerate(self._processes):
            process.send(order_of(place))
        self._wait_until_ready(None)
        self._send_all(messages.Start(time.perf_counter() + _BEGIN_S))
        outcomes: list[Outcome] = []
        done = finished = 0
        while finished < len(self._processes):
            place, answer = self._answers.get()
            match answer:
                case messages.TimedDone():
                    done += 1
                    if done == len(self._processes):
                        self._send_all(answer)
                case messages.Finished(made):
                    finished += 1
                    outcomes += made
                case messages.Failed(reason):
                    raise self._failure(place, reason)
        return iter(sorted(outcomes, key=lambda one: one.call.scheduled_s if one.attempts else 0.0))

    def _send_all(self, message: messages.Start | messages.TimedDone) -> None:
        for process in self._processes:
            process.send(message)

    def _wait_until_ready(self, timeout_s: float | None) -> None:
        """Wait until all processes have done what was sent last, and check that they have the same clock."""
        sent_s = time.perf_counter()
        for _ in self._processes:
            try:
                place, answer = self._answers.get(timeout=timeout_s)
            except Empty:
                raise self._failure(0, f"it did not start within {timeout_s:g} s") from None
            if isinstance(answer, messages.Failed):
                raise self._failure(place, answer.reason)
            if isinstance(answer, messages.Ready) and not (
                sent_s - _START_TIMEOUT_S <= answer.clock_s <= time.perf_counter() + _CLOCK_S
            ):
                raise self._failure(place, "its clock shows another time")

    def _failure(self, place: int, reason: str) -> LoadProcessError:
        return LoadProcessError(
            f"{self._tag}: process {place + 1} of {len(self._shares)} that send calls failed: {reason}",
            "resume the run; with fewer calls in flight or a lower rate, one process sends all calls",
        )
