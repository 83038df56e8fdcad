"""The latency pass: warm up every cell, time closed loops in interleaved rounds, then open loops."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle, islice
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from evalkit.latency.machine import MachineMonitor, RoundState
from evalkit.latency.workloads import MOST_WARMUP, LatencyCell, has_settled
from evalkit.reranking import Arrival, Batch, CallContext, OpenLoop, Outcome, RerankerSession, Sender
from evalkit.reranking.outcomes import Clock


class Keeper(Protocol):
    """Takes what is measured, between two blocks of calls: nothing is written while one is timed."""

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Take the calls of a block; of one that was interrupted, those that came back."""

    def note(self, state: RoundState) -> None:
        """Take how the machine was in a round."""


def measure(
    cells: Sequence[LatencyCell],
    sessions: Sequence[RerankerSession],
    dataset: str,
    seed: int,
    keeper: Keeper,
    clock: Clock = time.perf_counter,
) -> None:
    """Time closed loops, warm-up first.

    In each round every cell is visited once, in a seeded random order, so that a drift of the
    machine touches all rerankers and batch sizes alike.
    """
    rng = np.random.default_rng(seed)
    by_tag = {session.tag: session for session in sessions}
    total = sum(cell.least_warmup + cell.others + cell.calls for cell in cells)
    with ExitStack() as stack, _progress_bar("timing", total) as progress:
        senders = _senders(cells, by_tag, stack, clock)
        blocks = _Blocks(dataset, keeper, progress)
        typical = [blocks.warm_up(cell, senders[cell.reranker, cell.load.concurrency or 1]) for cell in cells]
        for number in range(max((len(cell.rounds) for cell in cells), default=0)):
            order = rng.permutation(len(cells))
            if not any(cell.rounds[number] for cell in cells):
                continue
            monitor = MachineMonitor()
            for index in order:
                cell = cells[index]
                sender = senders[cell.reranker, cell.load.concurrency or 1]
                blocks.take(sender.send_each(blocks.under_load(cell, number), typical[index]))
            keeper.note(monitor.state(dataset, number))


def measure_arrivals(
    cell: LatencyCell, open_loop: OpenLoop, dataset: str, seed: int, keeper: Keeper
) -> list[Outcome]:
    """Time one open loop and return its calls: exponential gaps between arrivals, seeded.

    As many calls as may be out at once come first and do not count: each opens a connection.
    """
    rate = cell.load.rate_per_s or 1.0
    items = [item for part in cell.rounds for item in part]
    gaps = np.random.default_rng([seed, round(rate * 1000)]).exponential(1 / rate, len(items))
    schedule = [Arrival(item, float(due)) for item, due in zip(items, gaps.cumsum(), strict=True)]
    with _progress_bar(f"{cell.reranker}: {rate:.3g} calls/s", cell.least_warmup + len(items)) as progress:
        blocks = _Blocks(dataset, keeper, progress)
        warm = tuple(islice(cycle(cell.warmup), cell.least_warmup)) if items else ()
        blocks.take(open_loop.send_at_once(warm, blocks.context(cell, None)))
        return blocks.take(open_loop.send_scheduled(schedule, blocks.context(cell, 0)))


def _progress_bar(what: str, total: int) -> tqdm[Any]:
    return tqdm(total=total, desc=what, unit="call", disable=None)


def _senders(
    cells: Sequence[LatencyCell], sessions: Mapping[str, RerankerSession], stack: ExitStack, clock: Clock
) -> dict[tuple[str, int], Sender]:
    """Return one sender per reranker and concurrency, whose threads keep their connections."""
    wanted = {(cell.reranker, cell.load.concurrency or 1) for cell in cells}
    return {
        (tag, concurrency): stack.enter_context(Sender(sessions[tag], concurrency, timed=True, clock=clock))
        for tag, concurrency in sorted(wanted)
    }


class _Blocks:
    """Sends blocks of calls, each kept once it is over."""

    def __init__(self, dataset: str, keeper: Keeper, progress: tqdm[Any]) -> None:
        self._dataset = dataset
        self._keeper = keeper
        self._progress = progress

    def context(self, cell: LatencyCell, number: int | None, *, timed: bool = True) -> CallContext:
        """Return what the calls of a round have in common; number is None for the warm-up."""
        load = cell.load
        return CallContext(
            self._dataset,
            cell.reranker,
            "latency" if timed and number is not None else "warmup",
            load.concurrency,
            number,
            load.length_bucket,
            load.rate_per_s,
        )

    def under_load(self, cell: LatencyCell, number: int) -> Iterator[tuple[Batch, CallContext]]:
        """Yield the calls of a round, and before and after them as many as there are others in flight.

        Those do not count: while they come and go, a timed call would meet fewer others than the cell says.
        """
        others, timed = (cell.load.concurrency or 1) - 1, cell.rounds[number]
        around = self.context(cell, number, timed=False)
        filler = cycle(cell.warmup or timed)
        if timed:
            yield from ((item, around) for item in islice(filler, others))
            yield from ((item, self.context(cell, number)) for item in timed)
            yield from ((item, around) for item in islice(filler, others))

    def warm_up(self, cell: LatencyCell, sender: Sender) -> float:
        """Send calls that do not count until latencies settle, and return their median in seconds."""
        seen: list[float] = []

        def until_settled() -> Iterator[Batch]:
            for number, item in enumerate(cycle(cell.warmup)):
                enough = number >= cell.least_warmup and has_settled(seen)
                if enough or number >= max(MOST_WARMUP, cell.least_warmup):
                    return
                yield item

        def watched() -> Iterator[Outcome]:
            for outcome in sender.send(until_settled(), self.context(cell, None)):
                if outcome.response is not None:
                    seen.append(outcome.call.latency_s)
                yield outcome

        self.take(watched())
        return float(np.median(seen)) if seen else 0.0

    def take(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Wait for the calls of a block and keep them; where it is interrupted, as calls that do not count."""
        block: list[Outcome] = []
        try:
            with _gc_paused():
                for outcome in outcomes:
                    block.append(outcome)
                    self._progress.update()
        except BaseException:
            # The block is timed anew: with a pause in it, neither its load nor its throughput would be true.
            block = [_uncounted(outcome) for outcome in block]
            raise
        finally:
            self._keeper.keep(block)
        return block


def _uncounted(outcome: Outcome) -> Outcome:
    attempts = (replace(one, call=replace(one.call, pass_="warmup")) for one in outcome.attempts)  # noqa: S106 - no password
    return replace(outcome, attempts=tuple(attempts))


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Let nobody collect garbage while calls are timed: it stops every thread."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
