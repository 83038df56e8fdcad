"""Find out how inputs of a network are padded, so that an input has the same output alone and in a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.engine import Network
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.model_settings import Precision
from evalkit.encoding.packing import pad
from evalkit.encoding.tokens import Item, Tokeniser, Tokens
from evalkit.errors import InputError

ROUNDING: Mapping[Precision, float] = {"fp32": 1e-4, "fp16": 0.02, "bf16": 0.1}
"""Largest difference between an output alone and in a batch that rounding explains. Measured on a CPU, with 12 small
models of 2 layers: at most 1e-6, 3e-3 and 3.1e-2. Models with ten times as many layers add up more of it."""
_EXACT = 1e-5
"""Difference at which the other side is not tried."""
_SHORT: tuple[tuple[str, str], ...] = (
    ("How do I reset it?", "Hold the button for 10 seconds: the light goes off."),
    ("limit", "The limit is 60 requests a minute."),
    ("a", "b"),
)
"""Pairs, of which the second texts are texts of their own: the effect of padding may be nothing for one of them."""
_LONG = "The first of these texts is short, and this one needs many more tokens, so the short one is padded."
_LONG_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Padding:
    """How inputs are padded.

    Attributes
    ----------
    left
        Whether on the left.
    fault
        Why each input must be a batch of its own; None if batches leave outputs as they are.
    """

    left: bool
    fault: str | None = None


def find_padding(
    network: Network,
    tokeniser: Tokeniser,
    special: Sequence[str] = (),
    *,
    pairs: bool,
    precision: Precision,
    movable: bool = True,
) -> Padding:
    """Return how inputs are padded: as the tokenizer says, unless outputs depend less on the batch on the other side.

    Networks with a vector for each position read padding on the left as a shift of the text; causal models that read
    their last token need it. Some networks read the padding on either side: those without an attention mask (FNet),
    or with convolutions over neighbours (ConvBERT, MobileBERT). So short inputs are run alone, and next to a long one.

    Parameters
    ----------
    network, tokeniser
        The model.
    special
        Special tokens, put into the longer input.
    pairs
        Whether the model takes pairs of texts, and returns scores rather than vectors.
    precision
        Its number format.
    movable
        Whether inputs can be padded on the other side than the tokenizer's.

    Raises
    ------
    InputError
        If the network fails for a single input.
    """
    tokens = _probe_tokens(tokeniser, special, pairs=pairs)
    side, other = tokeniser.pads_left, not tokeniser.pads_left

    def outputs(rows: list[int], *, left: bool) -> Any:
        """Return what the network returns for the rows, which are a batch."""
        return network.forward(pad(tokens, np.array(rows), tokeniser.pad_id, left=left), None)

    def change(*, left: bool) -> float:
        """Return by how much a batch with a long input changes the output for a short one, at most."""
        together = outputs([*range(len(alone) + 1)], left=left)
        least = 1.0 if pairs else 0.0
        return max(_change(one, other, least) for one, other in zip(alone, together, strict=False))

    try:
        alone = [outputs([row], left=side)[0] for row in range(len(_SHORT))]
        try:
            changes = {side: change(left=side)}
        except InputError:
            outputs([len(_SHORT)], left=side)  # an error here is not one of batches
            return Padding(side, "it fails for several; if its config.json has no pad_token_id, set it")
        if movable and changes[side] > _EXACT:
            changes[other] = change(left=other)
    except OutOfMemoryError:
        return Padding(side)
    return _chosen(changes, side, ROUNDING[precision])


def _chosen(changes: Mapping[bool, float], side: bool, rounding: float) -> Padding:
    """Return the side with the smaller change; where rounding may explain both, the configured one.

    Parameters
    ----------
    changes
        Whether padding is on the left -> change of an output.
    """
    best = min(changes, key=changes.__getitem__)
    if changes[side] <= rounding and changes[best] > changes[side] / 10:
        best = side
    if changes[best] <= rounding:
        return Padding(best)
    found = " and ".join(
        f"by {one:.2g} with padding on the {'left' if left else 'right'}" for left, one in changes.items()
    )
    return Padding(side, f"outputs depend on the other inputs of a batch: one changes {found}")


def _probe_tokens(tokeniser: Tokeniser, special: Sequence[str], *, pairs: bool) -> Tokens:
    """Return the short inputs, and one of about `_LONG_TOKENS` tokens or the length limit."""

    def item(query: str, text: str) -> Item:
        return (query, text) if pairs else text

    (each,) = tokeniser([item("a", _LONG)]).lengths
    repeats = max(_LONG_TOKENS // max(int(each), 1), 1)
    long = " ".join([*[_LONG] * repeats, *special])
    return tokeniser([item(*pair) for pair in (*_SHORT, ("How do I reset it?", long))])


def _change(alone: NDArray[Any], together: NDArray[Any], least: float) -> float:
    """Return the largest length of the difference of two rows, relative to the first one's length.

    Parameters
    ----------
    alone, together
        ``(k,)`` or ``(t, k)``: rows of vectors or scores.
    least
        Smallest length that differences are relative to.
    """
    if alone.shape != together.shape:
        return float("inf")
    wanted, found = (np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in (alone, together))
    if not np.isfinite(wanted).all():
        return 0.0  # no batch makes it worse
    if not np.isfinite(found).all():
        return float("inf")
    sizes = np.linalg.norm(wanted, axis=1).clip(min=max(least, float(np.finfo(np.float32).tiny)))
    return float((np.linalg.norm(wanted - found, axis=1) / sizes).max(initial=0.0))
