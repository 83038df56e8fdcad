"""A sequence-to-sequence model scores by the logits of its decoder's first step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.errors import InputError

torch = pytest.importorskip("torch", reason="needs the local extra")
first_step = pytest.importorskip("evalkit.encoding.torch_runtime.first_step")
TRUE, FALSE = 1, 2


class Model(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Answers with the first input token, its double and its triple as logits of three words."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(**{"pad_token_id": 0, **config})
        self.started: Any = None

    def forward(self, input_ids: Any, attention_mask: Any, decoder_input_ids: Any, use_cache: bool) -> Any:
        """Return logits for one step."""
        assert attention_mask.shape == input_ids.shape
        assert not use_cache
        self.started = decoder_input_ids
        first = input_ids[:, :1].float()
        return SimpleNamespace(logits=torch.cat([first, 2 * first, 3 * first], dim=1).unsqueeze(1))


def scored(false: int | None, **config: Any) -> tuple[list[list[float]], list[list[int]]]:
    """Return the scores of two inputs, and the tokens with which the decoder started."""
    model = Model(**config)
    module = first_step.FirstStep(model, None, TRUE, false, 8)
    ids = torch.tensor([[3, 4], [5, 6]])
    features = module({"input_ids": ids, "attention_mask": torch.ones_like(ids), "other": "kept"})
    assert features["other"] == "kept"
    return features["scores"].tolist(), model.started.tolist()


def test_the_score_is_the_difference_of_two_logits() -> None:
    """With two tokens, the score is the log odds of the first."""
    assert scored(FALSE, decoder_start_token_id=7) == ([[-3.0], [-5.0]], [[7], [7]])


def test_one_token_gives_its_logit() -> None:
    """With a single token, the score is its logit."""
    assert scored(None, decoder_start_token_id=7)[0] == [[6.0], [10.0]]


@pytest.mark.parametrize("config", [{}, {"decoder_start_token_id": None}])
def test_the_padding_token_starts_where_nothing_else_is_stated(config: dict[str, Any]) -> None:
    """T5 starts with its padding token."""
    assert scored(None, **config)[1] == [[0], [0]]


def test_a_decoder_that_cannot_start_is_refused() -> None:
    """A configuration with neither token is refused."""
    with pytest.raises(InputError, match="decoder_start_token_id"):
        scored(None, pad_token_id=None)


def test_a_configuration_without_a_padding_token_is_refused() -> None:
    """The configuration of a model's own code may lack the value itself."""
    model = Model()
    del model.config.pad_token_id
    with pytest.raises(InputError, match="decoder_start_token_id"):
        first_step.FirstStep(model, None, TRUE, None, 8)
