"""The latency pass: warm up every cell, time closed loops in interleaved rounds, then open loops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from evalkit.config import RerankerSettings
from evalkit.latency.harness import HarnessMonitor, gc_paused, interpreters_needed
from evalkit.latency.machine import MachineMonitor, RoundState
from evalkit.latency.split_load import SplitLoad, most_processes
from evalkit.latency.workloads import MOST_WARMUP, LatencyCell, has_settled
from evalkit.progress import progress_bar
from evalkit.reranking import Arrival, Batch, CallContext, OpenLoop, Outcome, RerankerSession, Sender
from evalkit.reranking.open_loop import MOST_IN_FLIGHT
from evalkit.reranking.outcomes import Clock

_SHORTEST_S = 1e-6


Splittable = Mapping[str, RerankerSettings]
"""The rerankers, by tag, whose calls several processes may send: with no limits that are counted in one place."""
_NONE: Splittable = MappingProxyType({})


class MeasurementSink(Protocol):
    """Stores measurements between two blocks of calls, so that nothing is written while calls are timed."""

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Store the calls of a block; the completed ones if the block was interrupted."""

    def note(self, state: RoundState) -> None:
        """Store the state of the machine in a round."""


def measure(
    cells: Sequence[LatencyCell],
    sessions: Sequence[RerankerSession],
    dataset: str,
    seed: int,
    sink: MeasurementSink,
    clock: Clock = time.perf_counter,
    splittable: Splittable = _NONE,
) -> None:
    """Time closed loops, after warming up every cell.

    Each round measures every cell once, in a seeded random order, so that a drift of the machine's
    speed affects all rerankers and batch sizes equally. Where the warm-up shows that one interpreter cannot send the
    calls of a cell without delays of its own, several processes send them.
    """
    rng = np.random.default_rng(seed)
    by_tag = {session.tag: session for session in sessions}
    total = sum(cell.least_warmup + cell.others + cell.calls for cell in cells)
    with ExitStack() as stack, _progress_bar("timing", total) as progress:
        senders = _senders(cells, by_tag, stack, clock)
        blocks = _Blocks(dataset, sink, progress)
        typical = []
        for cell in cells:
            sender = senders[cell.reranker, cell.load.concurrency or 1]
            typical.append(blocks.warm_up(cell, sender))
            settings = splittable.get(cell.reranker)
            if settings is None or isinstance(sender, SplitLoad) or not cell.warmup:
                continue
            again = islice(cycle(cell.warmup), cell.load.concurrency or 1)
            count = blocks.processes_for(cell, partial(sender.send, again, blocks.context(cell, None)))
            if count > 1:
                split = stack.enter_context(SplitLoad(cell.reranker, settings, cell.load.concurrency, count))
                senders[cell.reranker, cell.load.concurrency or 1] = split
                typical[-1] = blocks.warm_up(cell, split)
        for number in range(max((len(cell.rounds) for cell in cells), default=0)):
            order = rng.permutation(len(cells))
            if not any(cell.rounds[number] for cell in cells):
                continue
            monitor = MachineMonitor()
            for index in order:
                cell = cells[index]
                sender = senders[cell.reranker, cell.load.concurrency or 1]
                blocks.collect(sender.send_each(blocks.under_load(cell, number), typical[index]))
            sink.note(monitor.state(dataset, number))


def measure_arrivals(
    cell: LatencyCell,
    open_loop: OpenLoop,
    dataset: str,
    seed: int,
    sink: MeasurementSink,
    settings: RerankerSettings | None = None,
) -> list[Outcome]:
    """Time one open loop with seeded exponential gaps between arrivals, and return its calls.

    The warm-up sends as many calls at once as may be in flight later, so that each thread opens its connection. Where
    it shows that one interpreter cannot send calls at this rate, several processes with their own clients do, if
    `settings`, those of the reranker, are given.
    """
    rate = cell.load.rate_per_s or 1.0
    items = [item for part in cell.rounds for item in part]
    gaps = np.random.default_rng([seed, round(rate * 1000)]).exponential(1 / rate, len(items))
    schedule = [Arrival(item, float(due)) for item, due in zip(items, gaps.cumsum(), strict=True)]
    total = cell.least_warmup + len(items)
    with ExitStack() as stack, _progress_bar(f"{cell.reranker}: {rate:.3g} calls/s", total) as progress:
        blocks = _Blocks(dataset, sink, progress)
        warm = tuple(islice(cycle(cell.warmup), cell.least_warmup)) if items else ()
        warm_up = partial(open_loop.send_at_once, warm, blocks.context(cell, None))
        blocks.collect(warm_up())
        count = blocks.processes_for(cell, warm_up) if settings is not None else 1
        if settings is None or count == 1:
            return blocks.collect(open_loop.send_scheduled(schedule, blocks.context(cell, 0)))
        split = stack.enter_context(SplitLoad(cell.reranker, settings, None, count))
        blocks.collect(split.send_at_once(warm, blocks.context(cell, None)))
        return blocks.collect(split.send_scheduled(schedule, blocks.context(cell, 0)))


def _progress_bar(what: str, total: int) -> tqdm[Any]:
    return progress_bar(total=total, desc=what, unit="call")


def _senders(
    cells: Sequence[LatencyCell], sessions: Mapping[str, RerankerSession], stack: ExitStack, clock: Clock
) -> dict[tuple[str, int], Sender | SplitLoad]:
    """Return one sender per reranker and concurrency; its threads keep their connections between rounds."""
    pairs = {(cell.reranker, cell.load.concurrency or 1) for cell in cells}
    return {
        (tag, concurrency): stack.enter_context(Sender(sessions[tag], concurrency, timed=True, clock=clock))
        for tag, concurrency in sorted(pairs)
    }


class _Blocks:
    """Collects the calls of a block, and stores them when the block is complete."""

    def __init__(self, dataset: str, sink: MeasurementSink, progress: tqdm[Any]) -> None:
        self._dataset = dataset
        self._sink = sink
        self._progress = progress
        self._last: list[Outcome] = []
        self._used_s = 0.0

    def context(self, cell: LatencyCell, number: int | None, *, timed: bool = True) -> CallContext:
        """Return the fields that all calls of a round share; `number` is None for the warm-up."""
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
        """Yield the calls of a round, with ``concurrency - 1`` untimed calls before and after them.

        The untimed calls keep the concurrency constant: without them, the first and last timed calls would run
        with fewer other calls in flight.
        """
        others, timed = (cell.load.concurrency or 1) - 1, cell.rounds[number]
        untimed = self.context(cell, number, timed=False)
        filler = cycle(cell.warmup or timed)
        if timed:
            yield from ((item, untimed) for item in islice(filler, others))
            yield from ((item, self.context(cell, number)) for item in timed)
            yield from ((item, untimed) for item in islice(filler, others))

    def processes_for(self, cell: LatencyCell, warm_up_again: Callable[[], Iterable[Outcome]]) -> int:
        """Return how many processes are needed to send the calls of a cell, by its warm-up, which ended just now."""
        most = min(most_processes(), cell.load.concurrency or MOST_IN_FLIGHT)
        if most > 1 and self._interpreters(cell) > 1:
            # Those calls opened connections, too; these do not.
            self.collect(warm_up_again())
            return min(self._interpreters(cell), most)
        return 1

    def _interpreters(self, cell: LatencyCell) -> int:
        """Return how many interpreters send the calls of a cell, if each costs what those of the last block did."""
        calls = [one.call for one in self._last if one.response is not None and one.call.timeline]
        if not calls:
            return 1
        load, own_s = cell.load, self._used_s / len(self._last)
        # The shortest latency is nearest to that without other calls; the own work of a call comes after the last one.
        shortest_s = max(min(call.latency_s for call in calls) + own_s, _SHORTEST_S)
        return interpreters_needed(own_s * (load.rate_per_s or (load.concurrency or 1) / shortest_s))

    def warm_up(self, cell: LatencyCell, sender: Sender | SplitLoad) -> float:
        """Send warm-up calls until latencies settle, and return their median in seconds."""
        latencies: list[float] = []

        def until_settled() -> Iterator[Batch]:
            for number, item in enumerate(cycle(cell.warmup)):
                enough = number >= cell.least_warmup and has_settled(latencies)
                if enough or number >= max(MOST_WARMUP, cell.least_warmup):
                    return
                yield item

        def outcomes() -> Iterator[Outcome]:
            for outcome in sender.send(until_settled(), self.context(cell, None)):
                if outcome.response is not None:
                    latencies.append(outcome.call.latency_s)
                yield outcome

        self.collect(outcomes())
        return float(np.median(latencies)) if latencies else 0.0

    def collect(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Wait for the calls of a block and store them; calls of an interrupted block count as warm-up."""
        block: list[Outcome] = []
        try:
            with gc_paused(), HarnessMonitor() as monitor:
                for outcome in outcomes:
                    block.append(outcome)
                    self._progress.update()
            block = monitor.noted(block)
            self._last, self._used_s = block, monitor.used_s
        except BaseException:
            # The block is repeated on resume: with a pause in it, its load and throughput would be wrong.
            block = [_as_warmup(outcome) for outcome in block]
            raise
        finally:
            self._sink.keep(block)
        return block


def _as_warmup(outcome: Outcome) -> Outcome:
    attempts = (replace(one, call=replace(one.call, pass_="warmup")) for one in outcome.attempts)  # noqa: S106 - no password
    return replace(outcome, attempts=tuple(attempts))
