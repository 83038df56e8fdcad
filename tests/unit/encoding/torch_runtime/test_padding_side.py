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
from evalkit.encoding.torch_runtime.padding_side import ROUNDING, Padding, find_padding
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


def padding(output: Callable[[Padded], NDArray[Any]], *, left: bool = False, **more: Any) -> Padding:
    """Return how inputs of a scripted network in fp32 are padded, by a tokenizer that pads on a side."""
    options = {"pairs": False, "precision": "fp32", **more}
    return find_padding(Scripted(output), Letters(pads_left=left), **options)


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
    found = padding(output, left=configured, pairs=pairs)
    assert found == Padding(configured if wanted is None else wanted)


def one_at_a_time(batch: Padded) -> NDArray[Any]:
    """Refuse a second row, as classifiers without a padding token do."""
    if len(batch.ids) > 1:
        raise InputError("no padding token", "give one")
    return of_the_last(batch)


def broken(batch: Padded) -> NDArray[Any]:
    """Fail."""
    raise InputError(f"broken for {batch.ids.shape}", "fix it")


def test_a_network_that_takes_one_input_at_a_time_is_not_padded() -> None:
    """If only batches fail, the fault says what may be missing; what fails alone, fails."""
    assert "pad_token_id" in str(padding(one_at_a_time, left=True).fault)
    with pytest.raises(InputError, match="broken for"):
        padding(broken)


def changed_by(left: float, right: float) -> Callable[[Padded], NDArray[Any]]:
    """Return a network whose output is 1, and more for a padded input, by the side of the padding."""

    def output(batch: Padded) -> NDArray[Any]:
        """Compute."""
        return 1 + np.where(batch.mask[:, 0], 0.0, left) + np.where(batch.mask[:, -1], 0.0, right)

    return output


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_outputs_that_depend_on_the_batch_by_more_than_rounding_run_one_at_a_time(precision: Any) -> None:
    """The smaller change counts, against what rounding explains in the number format."""
    rounding = ROUNDING[precision]
    kept = padding(changed_by(5 * rounding, 0.9 * rounding), left=True, precision=precision)
    assert kept == Padding(left=False)
    found = padding(changed_by(5 * rounding, 1.1 * rounding), precision=precision)
    assert "outputs depend on the other inputs of a batch" in str(found.fault)
    for change in (5 * rounding, 1.1 * rounding):
        assert f"{change:.2g}" in str(found.fault)


def test_rounding_on_both_sides_leaves_the_configured_one() -> None:
    """A difference between two roundings is no reason to pad on another side than the tokenizer says."""
    assert padding(changed_by(4e-5, 2e-5), left=True) == Padding(left=True)


def test_vectors_are_compared_relative_to_their_own_length() -> None:
    """A small vector that turns is another vector; a small score that changes by as much is the same score."""

    def small(batch: Padded) -> NDArray[Any]:
        """Return a thousandth that padding changes by a hundredth of it."""
        return 1e-3 * changed_by(0.01, 0.01)(batch)

    assert padding(small).fault is not None
    assert padding(small, pairs=True).fault is None


def test_values_that_only_batches_make_infinite_are_a_change() -> None:
    """Rows of padding overflow in some networks."""
    assert padding(changed_by(np.inf, 0.0), left=True) == Padding(left=False)
    assert padding(changed_by(np.inf, np.inf)).fault is not None


def test_a_side_that_is_given_is_the_only_one_tried() -> None:
    """Queries are expanded on one side, so padding cannot move to the other."""
    assert padding(of_the_last, movable=False).fault is not None
    assert padding(of_positions, movable=False) == Padding(left=False)


def test_one_of_several_short_inputs_may_show_the_change() -> None:
    """The effect of padding may be nothing for one input: convolutions at its end need not reach what is read."""

    def shortest(batch: Padded) -> NDArray[Any]:
        """Return 1, and 2 for a padded row of one letter."""
        return 1.0 + ((batch.mask.sum(axis=1) == 1) & (batch.mask.shape[1] > 1))

    assert padding(shortest).fault is not None


def test_the_short_input_is_run_with_a_much_longer_one() -> None:
    """Some networks differ little where little is padded: the long input has about 200 tokens, or the limit."""
    widths: list[int] = []

    def output(batch: Padded) -> NDArray[Any]:
        """Note the shape."""
        widths.append(batch.ids.shape[1])
        return of_the_mask(batch)

    padding(output)
    assert min(widths) < 25  # letters
    assert 100 < max(widths) <= 250
