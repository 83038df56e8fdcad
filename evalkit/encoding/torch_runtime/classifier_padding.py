"""Let classifiers that are language models score batches, though no padding token is configured."""

from __future__ import annotations

from typing import Any

_NO_TOKEN = -1
"""Equal to no token, so that the classifier reads the last position of every row."""


def complete_padding(library_model: Any) -> None:
    """Set what a sequence classifier of transformers lacks to score several inputs at a time.

    Such a classifier reads the last position that is not the padding token of its configuration. Without one, it reads
    the last position of a single input. With padding on the left, that is right for every row of a batch. Where
    positions are absolute, inputs are padded on the right with a token that ends no text.

    Parameters
    ----------
    library_model
        A cross-encoder of sentence-transformers; changed in place.
    """
    tokenizer = library_model.tokenizer
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    config: Any = getattr(library_model, "config", None)
    config = config.get_text_config() if hasattr(config, "get_text_config") else config
    named = getattr(config, "architectures", None) or ()
    if not any(one.endswith("ForSequenceClassification") for one in named):
        return
    # The configuration of a model's own code may have no such value: its classifier does not read it then.
    if getattr(config, "pad_token_id", _NO_TOKEN) is not None:
        return
    if _has_relative_positions(config):
        config.pad_token_id, tokenizer.padding_side = _NO_TOKEN, "left"
    else:
        config.pad_token_id, tokenizer.padding_side = tokenizer.pad_token_id, "right"


def _has_relative_positions(config: Any) -> bool:
    return any(getattr(config, name, None) is not None for name in ("rope_theta", "rope_parameters", "alibi"))
