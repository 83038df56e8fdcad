"""Keys and values of a prefix: what follows it is computed as in a whole input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
transformers = pytest.importorskip("transformers", reason="needs the local extra")
kept_prefix = pytest.importorskip("evalkit.encoding.torch_runtime.kept_prefix")


class Transformer(torch.nn.Module):  # type: ignore[misc, name-defined]
    """The module of sentence-transformers that runs a model: it passes features on, and returns the logits."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Mapping[str, Any]) -> Any:
        """Return the logits."""
        return self.model(**features).logits


def library_model() -> list[Any]:
    """Return a causal model with absolute positions and random weights."""
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=30, n_positions=20, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0,
        initializer_range=0.5,
    )  # fmt: skip
    return [Transformer(transformers.GPT2LMHeadModel(config).eval())]


def features(rows: list[list[int]], *, left: bool) -> dict[str, Any]:
    """Return rows, padded on a side with token 0, whose positions count the tokens of the input alone."""
    width = max(map(len, rows))
    pads = [[0] * (width - len(row)) for row in rows]
    ids = [pad + row if left else row + pad for row, pad in zip(rows, pads, strict=True)]
    ones = [[1] * len(row) for row in rows]
    mask = [pad + one if left else one + pad for one, pad in zip(ones, pads, strict=True)]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


@pytest.mark.parametrize("left", [True, False])
def test_tokens_after_a_prefix_score_as_in_whole_inputs(left: bool) -> None:
    """With padding on each side, and again with the same prefix: no batch changes what is kept."""
    model, prefix = library_model(), [3, 4, 5]
    with torch.inference_mode():
        kept = kept_prefix.read_prefix(model, features([prefix], left=left))
        for rows in ([[6, 7], [8]], [[9], [6, 7], [8, 9, 10]]):
            found = model[0](kept.features(features(rows, left=left)))
            for row, one in zip(rows, found, strict=True):
                wanted = model[0](features([prefix + row], left=left))[0, len(prefix) :]
                mine = one[-len(row) :] if left else one[: len(row)]
                torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-4)


def test_the_mask_and_the_positions_count_the_prefix() -> None:
    """The mask covers the prefix, positions begin after it, and padding on the left has no position of its own."""
    model = library_model()
    with torch.inference_mode():
        kept = kept_prefix.read_prefix(model, features([[3, 4, 5]], left=True))
    made = kept.features(features([[6, 7], [8]], left=True))
    assert made["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 1]]
    assert made["position_ids"].tolist() == [[3, 4], [2, 3]]
    assert made["input_ids"].tolist() == [[6, 7], [0, 8]]


def test_a_model_without_a_cache_has_no_name_for_it() -> None:
    """The parameter's name is read of the model."""
    assert kept_prefix.cache_name(library_model()[0].model) in {"cache", "past_key_values"}
    assert kept_prefix.cache_name(torch.nn.Linear(2, 2)) == ""
