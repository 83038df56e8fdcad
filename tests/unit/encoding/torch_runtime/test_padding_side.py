"""The side on which inputs are padded, with scripted networks: no model is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.encoding.engine import OutOfMemoryError
from evalkit.encoding.packing import Padded
from evalkit.encoding.tokens import Item, Tokens
from evalkit.encoding.torch_runtime.padding_side import padding_on_left
from evalkit.errors import InputError


class Letters:
    """A tokeniser: one token a letter."""

    pad_id = 0

    def __init__(self, *, pads_left: bool) -> None:
        self.pads_left = pads_left

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Tokenise."""
        ids = [np.array([ord(letter) for letter in "".join(item)], dtype=np.int64) for item in items]
        return Tokens(ids, None, np.zeros(len(ids), dtype=bool))


def of_positions(batch: Padded) -> NDArray[Any]:
    """Weigh tokens by their position in the row, as networks with a vector for each position do."""
    return (batch.ids * batch.mask * np.arange(1, batch.ids.shape[1] + 1)).sum(axis=1) / 1e4


def of_the_last(batch: Padded) -> NDArray[Any]:
    """Read the last token of the row, as causal models that say yes or no do."""
    return batch.ids[:, -1].astype(float)


def of_the_mask(batch: Padded) -> NDArray[Any]:
    """Add up the tokens that the mask leaves."""
    return (batch.ids * batch.mask).sum(axis=1) / 1e4


def of_the_batch(batch: Padded) -> NDArray[Any]:
    """Return the number of columns, whatever the tokens are."""
    return np.full(len(batch.ids), float(batch.ids.size))


def of_nothing(batch: Padded) -> NDArray[Any]:
    """Return no number."""
    return np.full(len(batch.ids), np.nan)


def too_large(batch: Padded) -> NDArray[Any]:
    """Need more memory than there is."""
    raise OutOfMemoryError(str(batch.ids.shape))


class Scripted:
    """A network of one output per row."""

    workers = 1

    def __init__(self, output: Callable[[Padded], NDArray[Any]]) -> None:
        self._output = output

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Compute."""
        assert worker is None
        return self._output(batch)[:, None]

    def facts(self) -> dict[str, Any]:
        """Return none."""
        return {}


@pytest.mark.parametrize("pairs", [True, False])
@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize(
    ("output", "wanted"),
    [(of_positions, False), (of_the_last, True), (of_the_mask, None), (of_nothing, None), (too_large, None)],
)
def test_an_input_scores_alone_as_in_a_batch(
    output: Callable[[Padded], NDArray[Any]],
    wanted: bool | None,
    configured: bool,
    pairs: bool,
) -> None:
    """The side is the one that leaves outputs alone; the configured one where both do, or where none can be tried."""
    found = padding_on_left("m", Scripted(output), Letters(pads_left=configured), pairs=pairs)
    assert found is (configured if wanted is None else wanted)


def one_at_a_time(batch: Padded) -> NDArray[Any]:
    """Refuse a second row, as classifiers without a padding token do."""
    if len(batch.ids) > 1:
        raise InputError("no padding token", "give one")
    return of_the_last(batch)


def broken(batch: Padded) -> NDArray[Any]:
    """Fail."""
    raise InputError(f"broken for {batch.ids.shape}", "fix it")


def test_a_network_that_takes_one_input_at_a_time_is_not_padded() -> None:
    """If only batches fail, there is no side; what fails alone, fails."""
    assert padding_on_left("m", Scripted(one_at_a_time), Letters(pads_left=True), pairs=False) is None
    with pytest.raises(InputError, match="broken for"):
        padding_on_left("m", Scripted(broken), Letters(pads_left=True), pairs=False)


def test_outputs_that_depend_on_the_batch_are_refused() -> None:
    """Where neither side leaves outputs alone, the message has both changes, and the way out."""
    with pytest.raises(InputError, match="the model 'm' depend on the other inputs of a batch") as caught:
        padding_on_left("m", Scripted(of_the_batch), Letters(pads_left=True), pairs=False)
    assert "batch_tokens: 1" in str(caught.value.hint)
