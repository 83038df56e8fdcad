"""What a classifier that is a language model lacks for batches is set, and nothing else is changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evalkit.encoding.torch_runtime.classifier_padding import complete_padding

LLAMA = {"architectures": ["LlamaForSequenceClassification"], "rope_parameters": {"rope_theta": 1e4}}


def padded(config: dict[str, Any], pad: int | None = 7, side: str = "right") -> tuple[Any, Any]:
    """Return configuration and tokenizer of a library's model whose padding is completed."""

    class Tokenizer:
        """A tokenizer of which the padding is set."""

        pad_token_id, padding_side, eos_token, pad_token = pad, side, "<end>", None

        def convert_ids_to_tokens(self, number: int) -> str:
            """Return the text of a token."""
            return f"<{number}>"

    library_model = SimpleNamespace(config=SimpleNamespace(**config), tokenizer=Tokenizer())
    complete_padding(library_model)
    return library_model.config, library_model.tokenizer


def test_the_last_position_is_read_where_no_token_pads() -> None:
    """Rows are padded on the left, and no token of a text counts as padding."""
    config, tokenizer = padded({**LLAMA, "pad_token_id": None})
    assert (config.pad_token_id, tokenizer.padding_side) == (-1, "left")


def test_absolute_positions_are_padded_on_the_right() -> None:
    """Where padding before a text would move it, the tokenizer's padding token is the model's."""
    config, tokenizer = padded({"architectures": ["GPT2ForSequenceClassification"], "pad_token_id": None})
    assert (config.pad_token_id, tokenizer.padding_side) == (7, "right")


@pytest.mark.parametrize(
    "config", [{**LLAMA, "pad_token_id": 3}, {"architectures": None, "pad_token_id": None}]
)
def test_other_models_stay_as_they_are(config: dict[str, Any]) -> None:
    """A padding token that is configured counts, and models without such a head need none."""
    found, tokenizer = padded(config, side="left")
    assert (found.pad_token_id, tokenizer.padding_side) == (config["pad_token_id"], "left")


def test_a_configuration_without_a_padding_token_stays_as_it_is() -> None:
    """The configuration of a model's own code may have no such value, and its classifier does not read it."""
    config, tokenizer = padded({"architectures": ["OwnForSequenceClassification"]}, side="left")
    assert not hasattr(config, "pad_token_id")
    assert tokenizer.padding_side == "left"


def test_a_tokenizer_gets_a_padding_token() -> None:
    """A tokenizer without padding token can fill rows: what it fills them with is never read."""
    _, tokenizer = padded({**LLAMA, "pad_token_id": 3}, pad=None)
    assert tokenizer.pad_token == "<end>"
