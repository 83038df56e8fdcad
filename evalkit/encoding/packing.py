"""Form padded batches of inputs with similar lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.tokens import Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Padded:
    """The padded inputs of one forward pass.

    Attributes
    ----------
    ids
        ``(b, t)`` token ids.
    mask
        ``(b, t)`` 1 for tokens of the input, 0 for padding.
    segments
        ``(b, t)`` segment ids; None if the model takes none.
    prefix
        What the network keeps of the tokens before those of every row; None if there are none.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    segments: NDArray[np.int64] | None
    prefix: Any = None


def pack(lengths: NDArray[np.int64], batch_tokens: int) -> list[NDArray[np.int64]]:
    """Return the rows of each batch, longest inputs first, each batch as large as `batch_tokens` allows.

    Parameters
    ----------
    lengths
        ``(n,)`` tokens of each input. Inputs of equal length keep their order.
    batch_tokens
        Maximum tokens of a batch, padding included; a single longer input forms its own batch.
    """
    order = np.argsort(-lengths, kind="stable")
    batches: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        rows = max(batch_tokens // max(int(lengths[order[start]]), 1), 1)
        batches.append(order[start : start + rows])
        start += rows
    return batches


def pad(
    tokens: Tokens,
    rows: NDArray[np.int64],
    pad_id: int,
    *,
    left: bool,
    columns: slice = slice(None),
    prefix: Any = None,
) -> Padded:
    """Return the inputs in `rows`, padded to the longest of them on the left or on the right.

    Parameters
    ----------
    tokens, rows
        All inputs, and ``(b,)`` numbers of those that are padded.
    pad_id, left
        The padding token, and its side.
    columns
        The tokens that are taken of each input.
    prefix
        See `Padded`.
    """
    parts = [tokens.ids[row][columns] for row in rows]
    width = max(map(len, parts), default=0)
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    segments = np.zeros_like(ids) if tokens.segments is not None else None
    for place, (row, part) in enumerate(zip(rows, parts, strict=True)):
        real = slice(width - len(part), width) if left else slice(0, len(part))
        ids[place, real] = part
        mask[place, real] = 1
        if segments is not None and tokens.segments is not None:
            segments[place, real] = tokens.segments[row][columns]
    return Padded(ids, mask, segments, prefix)
