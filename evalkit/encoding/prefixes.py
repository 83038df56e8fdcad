"""Group inputs that begin with the same tokens, so that a causal network reads these tokens once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.packing import Padded, pack, pad
from evalkit.encoding.tokens import Item, Tokens

_LEAST_SAVED = 0.1
"""Share of the tokens that a shared prefix must save: more batches of fewer inputs cost a little."""
_PREFIX_WEIGHT = 4
"""A token of the prefix counts as a quarter of a token in a batch: its keys and values are repeated for every row."""


class PrefixReader(Protocol):
    """Reads the tokens that several inputs begin with.

    Attributes
    ----------
    least_shared
        Fewest tokens after a prefix for which a network works at full speed; fewer are batched with other inputs.
    """

    least_shared: int

    def read_prefix(self, inputs: Padded, worker: int | None) -> object:
        """Return what the network keeps of ``(1, p)`` tokens, for the field `prefix` of batches that follow them.

        Parameters
        ----------
        inputs
            The tokens.
        worker
            As in `Network.forward`, whose errors are raised.
        """
        ...


class Prefix:
    """Tokens that several inputs begin with, read when the first batch needs them.

    Parameters
    ----------
    inputs
        ``(1, p)`` tokens.
    reader
        The network.
    """

    def __init__(self, inputs: Padded, reader: PrefixReader) -> None:
        self._inputs, self._reader = inputs, reader
        self._lock = threading.Lock()
        self._kept: object = None

    @property
    def length(self) -> int:
        """Number of tokens."""
        return int(self._inputs.ids.shape[1])

    def read(self, worker: int | None) -> object:
        """Return what the network keeps of the tokens; other workers wait while one reads them."""
        with self._lock:
            if self._kept is None:
                self._kept = self._reader.read_prefix(self._inputs, worker)
            return self._kept


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Inputs of one forward pass.

    Attributes
    ----------
    rows
        ``(b,)`` numbers of the inputs.
    prefix
        What all of them begin with, read apart; None if each is read as a whole. It is freed with the last batch that
        follows it.
    """

    rows: NDArray[np.int64]
    prefix: Prefix | None = None


def batches_of(
    items: Sequence[Item], tokens: Tokens, batch_tokens: int, reader: PrefixReader | None
) -> list[Batch]:
    """Return the batches of all inputs; those that follow the same prefix are next to each other.

    Parameters
    ----------
    items, tokens
        The inputs. Pairs with the same query are likely to begin with the same tokens.
    batch_tokens
        Maximum tokens of a batch, padding included.
    reader
        Reads prefixes; None to read every input as a whole.
    """
    if reader is None:
        return [Batch(rows) for rows in pack(tokens.lengths, batch_tokens)]
    batches: list[Batch] = []
    for rows, length in shared_prefixes(items, tokens, reader.least_shared):
        lengths, prefix = tokens.lengths[rows], None
        widths = lengths
        if length:
            prefix = Prefix(pad(tokens, rows[:1], 0, left=False, columns=slice(0, length)), reader)
            widths = np.maximum(lengths - length, -(-lengths // _PREFIX_WEIGHT))
        batches += [Batch(rows[places], prefix) for places in pack(widths, batch_tokens)]
    return batches


def shared_prefixes(
    items: Sequence[Item], tokens: Tokens, least_shared: int
) -> list[tuple[NDArray[np.int64], int]]:
    """Return groups of inputs, each with the number of tokens that all of it begin with; 0 where sharing saves little.

    Inputs with the same query form a group if they share more tokens than all inputs do. The others are one group.
    """
    every = np.arange(len(items), dtype=np.int64)
    shared_by_all = common_prefix(tokens, every)
    by_query: dict[str, list[int]] = {}
    for row, item in enumerate(items):
        by_query.setdefault(item if isinstance(item, str) else item[0], []).append(row)
    groups: list[tuple[NDArray[np.int64], int]] = []
    others: list[int] = []
    for numbers in by_query.values():
        rows = np.array(numbers, dtype=np.int64)
        length = common_prefix(tokens, rows)
        if _pays(tokens.lengths[rows], length, shared_by_all, least_shared):
            groups.append((rows, length))
        else:
            others += numbers
    if others:
        rows = np.sort(np.array(others, dtype=np.int64))
        length = common_prefix(tokens, rows)
        groups.append((rows, length if _pays(tokens.lengths[rows], length, 0, least_shared) else 0))
    return groups


def common_prefix(tokens: Tokens, rows: NDArray[np.int64]) -> int:
    """Return the number of tokens and segments that some inputs begin with; at least one token of each is left."""
    length = max(min((len(tokens.ids[row]) for row in rows), default=0) - 1, 0)
    for column in (tokens.ids, tokens.segments):
        if column is None:
            continue
        first = column[rows[0]] if len(rows) else np.empty(0, dtype=np.int64)
        for row in rows[1:]:
            differing = np.flatnonzero(first[:length] != column[row][:length])
            length = int(differing[0]) if len(differing) else length
    return length


def _pays(lengths: NDArray[np.int64], length: int, shared_anyway: int, least_shared: int) -> bool:
    """Return whether reading a prefix once saves enough.

    Parameters
    ----------
    lengths
        ``(n,)`` tokens of the inputs.
    length
        Tokens of the prefix.
    shared_anyway
        Tokens that would be shared without it.
    least_shared
        See `PrefixReader`.
    """
    saved = len(lengths) * (length - shared_anyway) - length
    computed = int((lengths - shared_anyway).sum())
    return saved > _LEAST_SAVED * computed and int((lengths - length).sum()) >= least_shared
