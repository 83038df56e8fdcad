"""The engine that runs models of every kind on every runtime."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.failing_inputs import with_failing_input
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.packing import Padded, pad
from evalkit.encoding.prefixes import Batch, PrefixReader, batches_of
from evalkit.encoding.tokens import Item, Tokeniser, Tokens
from evalkit.errors import CallError, InputError


class Network(Protocol):
    """Runs forward passes. The engine calls it from up to `workers` threads.

    Attributes
    ----------
    workers
        Maximum number of concurrent forward passes. They share the processor threads equally.
    """

    workers: int

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any] | list[NDArray[Any]]:
        """Return ``(b, ...)`` outputs, one per row; a list of arrays if the rows' outputs differ in shape.

        Parameters
        ----------
        batch
            Padded inputs.
        worker
            Number of the worker that runs the pass; None if no other pass runs at the same time.

        Raises
        ------
        OutOfMemoryError
            If the batch does not fit into memory.
        InputError
            If it fails for another reason.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, data type and threads, for the manifest."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Outputs of the network for several items, in the items' order.

    Attributes
    ----------
    rows
        ``(n,)`` output per item.
    tokens, truncated
        ``(n,)`` number of tokens read per item, and whether the item was cut to the length limit.
    tokenise_s, forward_s
        Seconds spent on tokenisation and on forward passes.
    """

    rows: list[NDArray[Any]]
    tokens: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    tokenise_s: float
    forward_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """Items, their tokens, and their outputs as far as they are computed."""

    items: Sequence[Item]
    tokens: Tokens
    outputs: list[Any]


class Engine:
    """Tokenises items once, sorts them by length, batches them by tokens, and returns outputs in the items' order.

    Parameters
    ----------
    tokeniser, network
        The two parts of the model.
    batch_tokens
        Maximum number of tokens in one forward pass, padding included.
    model
        Folder or hub id, for messages.
    prefixes
        The network again, if it reads the tokens that inputs share at their beginning once; None to read every input
        as a whole.
    """

    def __init__(
        self,
        tokeniser: Tokeniser,
        network: Network,
        batch_tokens: int,
        *,
        model: str,
        prefixes: PrefixReader | None = None,
    ) -> None:
        self.tokeniser, self._network, self._model = tokeniser, network, model
        self._prefixes = prefixes
        self._batch_tokens = batch_tokens
        self._halved = 0
        self.pool_items = max(batch_tokens // 2, 1)
        """Recommended items per run: enough for batches of similar length, few enough to save results often."""

    def with_network(self, wrapped: Callable[[Network], Network]) -> Engine:
        """Return an engine with another network made from this one's, which reads every input as a whole."""
        return Engine(self.tokeniser, wrapped(self._network), self._batch_tokens, model=self._model)

    def run(self, items: Sequence[Item], on_progress: Callable[[int], object] = lambda _: None) -> Encoded:
        """Return the network's output for every item.

        Parameters
        ----------
        items
            Texts or pairs.
        on_progress
            Called after every batch with its number of items, from several threads.

        Raises
        ------
        CallError
            If a single item does not fit into memory.
        InputError
            If the tokeniser or the network fails for another reason; the message names the item.
        """
        start = time.perf_counter()
        tokens = self._tokens(items)
        ready = time.perf_counter()
        work = _Work(items, tokens, [None] * len(items))
        # No name is kept for the batches: a prefix is freed with the last batch that follows it.
        self._run_batches(
            deque(batches_of(items, tokens, self._batch_tokens, self._prefixes)), work, on_progress
        )
        seconds = ready - start, time.perf_counter() - ready
        return Encoded(work.outputs, tokens.lengths, tokens.truncated, *seconds)

    def measure(self, items: Sequence[Item]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` tokens that the network would read per item, and whether the item would be truncated."""
        tokens = self._tokens(items)
        return tokens.lengths, tokens.truncated

    def facts(self) -> dict[str, Any]:
        """Return the network's facts, the batch size, and how often a batch was halved for lack of memory.

        ``shares_prefixes`` is there if tokens that inputs share are read once.
        """
        facts = {
            **self._network.facts(),
            "batch_tokens": self._batch_tokens,
            "batches_halved": self._halved,
        }
        return facts if self._prefixes is None else {**facts, "shares_prefixes": True}

    def _tokens(self, items: Sequence[Item]) -> Tokens:
        """Return the tokens of every item; if that fails, the error names the item."""

        def attempt(rows: NDArray[np.int64]) -> Tokens:
            with model_errors(self._model, "tokenise its input"):
                return self.tokeniser([items[row] for row in rows])

        rows = np.arange(len(items))
        try:
            return attempt(rows)
        except InputError as error:
            raise with_failing_input(error, rows, attempt, items) from None

    def _run_batches(self, batches: deque[Batch], work: _Work, on_progress: Callable[[int], object]) -> None:
        """Run the batches in as many threads as the network has workers, and raise the first error of any."""
        errors: list[BaseException] = []

        def run(worker: int | None) -> None:
            try:
                while not errors and batches:
                    try:
                        batch = batches.popleft()
                    except IndexError:  # another worker took the last batch
                        return
                    self._run_batch(batch, work, worker)
                    on_progress(len(batch.rows))
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                errors.append(error)

        workers = min(self._network.workers, len(batches))
        if workers <= 1:
            run(None)
        else:
            threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(workers)]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except BaseException:
                batches.clear()  # after an interrupt the workers end with the forward passes in progress
                raise
        if errors:
            raise errors[0]

    def _run_batch(self, batch: Batch, work: _Work, worker: int | None) -> None:
        """Run one batch and store its outputs; split it in halves while it does not fit into memory."""
        rows = batch.rows
        try:
            found = self._forward(batch, work.tokens, worker)
        except OutOfMemoryError as error:
            if len(rows) == 1:
                raise CallError(
                    "memory",
                    f"one input of {work.tokens.lengths[rows[0]]} tokens does not fit in memory: {error}",
                    "lower max_length_tokens, or use a smaller model or precision",
                ) from None
            self._halved += 1
            half = len(rows) // 2
            self._run_batch(Batch(rows[:half], batch.prefix), work, worker)
            self._run_batch(Batch(rows[half:], batch.prefix), work, worker)
            return
        except InputError as error:
            raise with_failing_input(
                error,
                rows,
                lambda some: self._forward(Batch(some), work.tokens, worker),
                work.items,
                work.tokens.lengths,
            ) from None
        for place, row in enumerate(rows):
            work.outputs[row] = found[place]

    def _forward(self, batch: Batch, tokens: Tokens, worker: int | None) -> NDArray[Any] | list[NDArray[Any]]:
        """Return the outputs of one batch, one for every input.

        Raises
        ------
        InputError
            If there are more or fewer of them.
        """
        rows, prefix = batch.rows, batch.prefix
        padded = pad(
            tokens,
            rows,
            self.tokeniser.pad_id,
            left=self.tokeniser.pads_left,
            columns=slice(0 if prefix is None else prefix.length, None),
            prefix=None if prefix is None else prefix.read(worker),
        )
        found = self._network.forward(padded, worker)
        count = len(found) if isinstance(found, list) or found.ndim else 0
        if count != len(rows):
            raise InputError(
                f"the model {self._model!r} returned {count} outputs for {len(rows)} inputs",
                "use a model with one output per input",
            )
        return found
