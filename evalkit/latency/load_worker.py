"""A process that sends a share of the calls of a latency pass; ``python -m evalkit.latency.load_worker`` starts it.

It reads messages from standard input and writes the answers to standard output, pickled. It ends with its input.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from queue import SimpleQueue
from typing import BinaryIO

from evalkit.errors import EvalkitError
from evalkit.latency import load_messages as messages
from evalkit.latency.harness import HarnessMonitor, gc_paused
from evalkit.rerankers import open_reranker
from evalkit.reranking import Budget, OpenLoop, Outcome, RerankerSession, Sender


class _Worker:
    """Carries out the orders of the first process, one after the other."""

    def __init__(self, opening: messages.Opening, target: BinaryIO, stack: ExitStack) -> None:
        reranker = open_reranker(opening.settings)
        stack.callback(reranker.close)
        self._session = RerankerSession.of(opening.tag, reranker, opening.settings, Budget())
        self._target, self._stack = target, stack
        self._senders: dict[int, Sender] = {}
        self._open_loop: OpenLoop | None = None
        self._most = opening.most_in_flight
        self.starts: SimpleQueue[messages.Start] = SimpleQueue()
        self.all_done = threading.Event()

    def carry_out(self, order: messages.Order) -> None:
        """Send the calls of a block, and answer with their outcomes."""
        self.all_done.clear()
        self.answer(messages.Ready(time.perf_counter()))
        at_s = self.starts.get().at_s
        with gc_paused(), HarnessMonitor() as monitor:
            block = list(self._outcomes(order, at_s))
        self.answer(messages.Finished(tuple(monitor.noted(block))))

    def answer(self, message: messages.Answer) -> None:
        """Send a message to the first process."""
        pickle.dump(message, self._target)
        self._target.flush()

    def _outcomes(self, order: messages.Order, at_s: float) -> Iterator[Outcome]:
        match order:
            case messages.ClosedBlock():
                return self._closed(order, at_s)
            case messages.WarmUp():
                return self._opened().send_at_once(order.items, order.context)
            case messages.OpenBlock():
                return self._opened().send_scheduled(order.schedule, order.context, at_s)

    def _closed(self, order: messages.ClosedBlock, at_s: float) -> Iterator[Outcome]:
        sender = self._senders.get(order.concurrency)
        if sender is None:
            sender = self._stack.enter_context(Sender(self._session, order.concurrency, timed=True))
            self._senders[order.concurrency] = sender
        left = len(order.timed)
        kinds = {context.pass_ for _, context in order.timed}

        def tasks() -> Iterator[messages.Task]:
            yield from order.before
            yield from order.timed
            for task in cycle(order.after):
                if self.all_done.is_set():
                    return
                yield task

        time.sleep(max(at_s + order.delay_s - time.perf_counter(), 0.0))
        if not left:
            self.answer(messages.TimedDone())
        for outcome in sender.send_each(tasks(), order.spread_s):
            context = outcome.call if outcome.attempts else outcome.context
            if context is not None and context.pass_ in kinds:
                left -= 1
                if not left:
                    self.answer(messages.TimedDone())
            yield outcome

    def _opened(self) -> OpenLoop:
        if self._open_loop is None:
            self._open_loop = self._stack.enter_context(OpenLoop(self._session, self._most))
        return self._open_loop


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Open the reranker that the first message names, and carry out orders until the input ends."""
    orders: SimpleQueue[messages.Order] = SimpleQueue()
    with ExitStack() as stack:
        worker = _Worker(pickle.load(source), target, stack)  # noqa: S301 - of the process that started this one
        worker.answer(messages.Ready(time.perf_counter()))

        def read() -> None:
            try:
                while True:
                    message = pickle.load(source)  # noqa: S301
                    if isinstance(message, messages.TimedDone):
                        worker.all_done.set()
                    elif isinstance(message, messages.Start):
                        worker.starts.put(message)
                    else:
                        orders.put(message)
            except (EOFError, OSError):
                os._exit(0)  # the first process ended or gave up this one, maybe in the middle of a block

        threading.Thread(target=read, name="evalkit-orders", daemon=True).start()
        while True:
            worker.carry_out(orders.get())


def main() -> None:
    """Serve the process that started this one. Ctrl-C is for that one, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # the first process has shown what calls of its own showed
    source, target = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no message
    try:
        serve(source, target)
    except Exception as error:  # noqa: BLE001 - passed on to the first process
        said = error.message if isinstance(error, EvalkitError) else f"{type(error).__name__}: {error}"
        pickle.dump(messages.Failed(said), target)
        target.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
