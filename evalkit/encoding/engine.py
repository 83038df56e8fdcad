"""The scoring engine: one way for every model, kind and runtime."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.packing import Padded, pack, pad
from evalkit.encoding.tokens import Item, Tokeniser, Tokens
from evalkit.errors import CallError


class OutOfMemoryError(Exception):
    """A forward pass needs more memory than there is."""


class Network(Protocol):
    """Runs forward passes. Called from as many threads as it has workers.

    Attributes
    ----------
    workers
        Forward passes that may run at the same time, each with its share of the threads.
    """

    workers: int

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any] | list[NDArray[Any]]:
        """Return ``(b, ...)`` what it gives for each row, or a list of it where rows are of unlike shape.

        Parameters
        ----------
        batch
            What goes in.
        worker
            Which of the workers runs it; None where it has the machine to itself.

        Raises
        ------
        OutOfMemoryError
            If it does not fit.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """Return what it runs on, for the manifest."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What became of some items, in their order.

    Attributes
    ----------
    rows
        ``(n,)`` what the network gave for each.
    tokens, truncated
        ``(n,)`` tokens that were read of it, and whether more were cut off.
    tokenise_s, forward_s
        Where the time went.
    """

    rows: list[NDArray[Any]]
    tokens: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    tokenise_s: float
    forward_s: float


class Engine:
    """Tokenises once, sorts by length, batches by tokens, and puts results back in order.

    Parameters
    ----------
    tokeniser, network
        Of the model.
    batch_tokens
        Tokens of one forward pass, padding included.
    """

    def __init__(self, tokeniser: Tokeniser, network: Network, batch_tokens: int) -> None:
        self.tokeniser, self._network = tokeniser, network
        self._batch_tokens = batch_tokens
        self._halved = 0
        self.pool_items = max(batch_tokens // 2, 1)
        """Items of one run that are enough for batches of like length, and few enough to be kept soon."""

    def run(self, items: Sequence[Item], told: Callable[[int], object] = lambda _: None) -> Encoded:
        """Return what the network makes of every item.

        Parameters
        ----------
        items
            Texts or pairs.
        told
            Called with the number of items done, whenever some are; from several threads.

        Raises
        ------
        CallError
            If even one item alone does not fit into memory.
        """
        start = time.perf_counter()
        tokens = self.tokeniser(items)
        ready = time.perf_counter()
        rows: list[Any] = [None] * len(items)
        self._work_off(deque(pack(tokens.lengths, self._batch_tokens)), tokens, rows, told)
        return Encoded(rows, tokens.lengths, tokens.truncated, ready - start, time.perf_counter() - ready)

    def measure(self, items: Sequence[Item]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` the tokens that would be read of each item, and whether more would be cut off."""
        tokens = self.tokeniser(items)
        return tokens.lengths, tokens.truncated

    def facts(self) -> dict[str, Any]:
        """Return what the network runs on, and how often a batch had to be halved."""
        return {**self._network.facts(), "batch_tokens": self._batch_tokens, "batches_halved": self._halved}

    def _work_off(
        self,
        batches: deque[NDArray[np.int64]],
        tokens: Tokens,
        rows: list[Any],
        told: Callable[[int], object],
    ) -> None:
        faults: list[BaseException] = []

        def work(worker: int | None) -> None:
            try:
                while not faults and batches:
                    try:
                        batch = batches.popleft()
                    except IndexError:  # another worker took the last one
                        return
                    self._one(batch, tokens, rows, worker)
                    told(len(batch))
            except BaseException as error:  # noqa: BLE001 - raised again where the work was ordered
                faults.append(error)

        workers = min(self._network.workers, len(batches))
        if workers <= 1:
            work(None)
        else:
            threads = [
                threading.Thread(target=work, args=(number,), daemon=True) for number in range(workers)
            ]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except BaseException:
                batches.clear()  # an interrupted pass ends with the forward passes that are under way
                raise
        if faults:
            raise faults[0]

    def _one(self, batch: NDArray[np.int64], tokens: Tokens, rows: list[Any], worker: int | None) -> None:
        """Run one batch; halves of it where it does not fit."""
        padded = pad(tokens, batch, self.tokeniser.pad_id, left=self.tokeniser.pads_left)
        try:
            found = self._network.forward(padded, worker)
        except OutOfMemoryError as error:
            if len(batch) == 1:
                raise CallError(
                    "memory",
                    f"one input of {padded.ids.shape[1]} tokens does not fit into memory: {error}",
                    "lower max_length_tokens, or use a smaller model or precision",
                ) from None
            self._halved += 1
            half = len(batch) // 2
            self._one(batch[:half], tokens, rows, worker)
            self._one(batch[half:], tokens, rows, worker)
            return
        for place, row in enumerate(batch):
            rows[row] = found[place]
