"""Find out on which side a network must be padded, so that an input has the same output alone and in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.engine import Network
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.packing import pad
from evalkit.encoding.tokens import Tokeniser
from evalkit.errors import InputError

_NOISE = 1e-5
"""Difference between an input alone and in a batch that rounding in fp32 explains."""
_LARGEST = 0.1
"""Difference that no rounding explains, in any number format."""
_SHORT = "How do I reset it?"
_LONG = "The first of these texts is short, and this one needs many more tokens, so the short one is padded."


def padding_on_left(
    name: str, network: Network, tokeniser: Tokeniser, special: Sequence[str] = (), *, pairs: bool
) -> bool | None:
    """Return whether inputs are padded on the left: as the tokenizer says, unless outputs then depend on the batch.

    Networks with a vector for each position read padding on the left as a shift of the text; causal models that read
    their last token need it. So a short input is run alone, and next to a longer one. None if that fails: models
    without a padding token take one input at a time, and classifiers of the T5 family need equal numbers of ends.

    Parameters
    ----------
    name
        Folder or hub id.
    network, tokeniser
        The model.
    special
        Special tokens, put into the longer input.
    pairs
        Whether the model takes pairs of texts.

    Raises
    ------
    InputError
        If outputs depend on the batch with padding on either side.
    """
    long = " ".join([_LONG, *special])
    tokens = tokeniser([(_SHORT, _SHORT), (_SHORT, long)] if pairs else [_SHORT, long])
    side, other = tokeniser.pads_left, not tokeniser.pads_left

    def output(rows: list[int], *, left: bool) -> Any:
        """Return what the network returns for the short input, together with the other rows."""
        return network.forward(pad(tokens, np.array(rows), tokeniser.pad_id, left=left), None)[0]

    try:
        alone = output([0], left=side)
        output([1], left=side)
        try:
            change = _change(alone, output([0, 1], left=side))
        except InputError:
            return None
        if change <= _NOISE:
            return side
        change_on_other = _change(alone, output([0, 1], left=other))
    except OutOfMemoryError:
        return side
    if min(change, change_on_other) > _LARGEST:
        raise InputError(
            f"outputs of the model {name!r} depend on the other inputs of a batch: they change by {change:.2g}"
            f" with padding on the {_named(side)}, and by {change_on_other:.2g} on the {_named(other)}",
            "set batch_tokens: 1, so that each input is a batch of its own",
        )
    return other if change_on_other < change / 10 else side


def _change(alone: NDArray[Any], together: NDArray[Any]) -> float:
    """Return the length of the difference of two outputs, relative to max(1, length of the first)."""
    if alone.shape != together.shape:
        return float("inf")
    wanted, found = (np.asarray(one, dtype=np.float64) for one in (alone, together))
    return float(np.linalg.norm(wanted - found) / max(1.0, float(np.linalg.norm(wanted))))


def _named(left: bool) -> str:
    return "left" if left else "right"
