"""Inputs with different numbers of end tokens are computed in separate passes, and come back in their order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.encoding.torch_runtime.end_tokens import group_by_end_tokens, reads_end_tokens

torch = pytest.importorskip("torch", reason="needs the local extra")
END = 9


class Outputs(SimpleNamespace):
    """What a classifier returns."""


class Classifier:
    """Scores the sum of the tokens; like those of transformers, it refuses different numbers of end tokens."""

    config = SimpleNamespace(eos_token_id=END)

    def __init__(self) -> None:
        self.passes: list[int] = []

    def forward(self, input_ids: Any, attention_mask: Any = None, note: str = "") -> Outputs:
        """Return a logit for each row."""
        counts = input_ids.eq(END).sum(1)
        assert len(counts.unique()) == 1, "All examples must have the same number of <eos> tokens."
        assert attention_mask.shape == input_ids.shape
        assert note == "same"
        self.passes.append(len(input_ids))
        return Outputs(logits=input_ids.sum(1, keepdim=True).float())


def scored(rows: list[list[int]]) -> tuple[list[float], list[int]]:
    """Return the logits of rows, and the rows of each pass."""
    model = Classifier()
    group_by_end_tokens(model)
    ids = torch.tensor(rows)
    found = model.forward(input_ids=ids, attention_mask=torch.ones_like(ids), note="same")
    assert isinstance(found, Outputs)
    return found.logits[:, 0].tolist(), model.passes


def test_equal_numbers_need_one_pass() -> None:
    """A batch whose inputs have the same number of end tokens is one pass."""
    assert scored([[1, END], [2, END], [END, 3]]) == ([10.0, 11.0, 12.0], [3])


def test_different_numbers_keep_their_order() -> None:
    """Each number of end tokens is a pass of its own, and each row keeps its place."""
    rows = [[1, END, END], [1, 2, END], [END, END, 4], [1, 1, 1], [5, 5, END]]
    assert scored(rows) == ([float(sum(row)) for row in rows], [1, 2, 2])


def test_classifiers_of_encoder_decoders_read_them() -> None:
    """The classifiers of T5 and BART read the end token; those of encoders and other heads do not."""
    assert reads_end_tokens(("MT5ForSequenceClassification",))
    assert reads_end_tokens(("BartForSequenceClassification",))
    assert not reads_end_tokens(("T5ForConditionalGeneration", "BertForSequenceClassification"))
    assert not reads_end_tokens(())


def test_a_configuration_without_an_end_token_leaves_the_model_as_it_is() -> None:
    """The configuration of a model's own code may name no such token."""
    model = SimpleNamespace(config=SimpleNamespace(), forward="unchanged")
    group_by_end_tokens(model)
    assert model.forward == "unchanged"
