"""The latency pass: warm up every shape, then time in interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from tqdm import tqdm

from evalkit.reranking import Arm, CallContext, Outcome, Sender
from evalkit.reranking.outcomes import Clock
from evalkit.timing.planning import Cell


def measure(
    cells: Sequence[Cell], arms: Sequence[Arm], dataset: str, seed: int, clock: Clock = time.perf_counter
) -> Iterator[Outcome]:
    """Yield every call of the pass, warm-up first.

    In each round every cell is visited once, in a seeded random order, so that a drift of the
    machine touches all rerankers and batch sizes alike. Nothing is written or cached while a
    call is timed.
    """
    rng = np.random.default_rng(seed)
    by_tag = {arm.tag: arm for arm in arms}
    total = sum(len(cell.warmup) + sum(map(len, cell.rounds)) for cell in cells)
    with ExitStack() as stack, _progress_bar(total) as progress:
        senders = _senders(cells, by_tag, stack, clock)
        for cell in cells:
            yield from _send(cell, None, dataset, senders, progress)
        for number in range(max((len(cell.rounds) for cell in cells), default=0)):
            for index in rng.permutation(len(cells)):
                yield from _send(cells[index], number, dataset, senders, progress)


def _progress_bar(total: int) -> tqdm[Any]:
    return tqdm(total=total, desc="timing", unit="call", disable=None)


def _senders(
    cells: Sequence[Cell], arms: Mapping[str, Arm], stack: ExitStack, clock: Clock
) -> dict[tuple[str, int], Sender]:
    """Return one sender per reranker and concurrency, whose threads keep their connections."""
    wanted = {(cell.reranker, cell.concurrency) for cell in cells}
    return {
        (tag, concurrency): stack.enter_context(Sender(arms[tag], concurrency, timed=True, clock=clock))
        for tag, concurrency in sorted(wanted)
    }


def _send(
    cell: Cell,
    number: int | None,
    dataset: str,
    senders: Mapping[tuple[str, int], Sender],
    progress: tqdm[Any],
) -> Iterator[Outcome]:
    context = CallContext(
        dataset, cell.reranker, "warmup" if number is None else "latency", cell.concurrency, number
    )
    batches = cell.warmup if number is None else cell.rounds[number]
    for outcome in senders[cell.reranker, cell.concurrency].send(batches, context):
        progress.update()
        yield outcome
