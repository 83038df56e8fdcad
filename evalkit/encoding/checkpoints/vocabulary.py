"""Check that a tokenizer belongs to the model that it was loaded with."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from evalkit.errors import EvalkitWarning, InputError

_ALWAYS_ADDED = (
    "bos_token_id",
    "eos_token_id",
    "sep_token_id",
    "cls_token_id",
    "pad_token_id",
    "unk_token_id",
)
"""Special tokens that tokenizers add by themselves."""
_FEWEST = 0.5
"""Part of the rows of the embeddings that the tokens of the model's own tokenizer fill at least. Rows are padded to a
multiple of 64 or so and kept for languages that were dropped: 151,669 tokens of 151,936 rows (Qwen3), 32,100 of 32,128
(T5), 50,280 of 50,368 (ModernBERT), and all of 250,002 (XLM-RoBERTa). BERT's 30,522 of these are another model's. Since
a tokenizer may have been cut down on purpose, this is a warning and no error."""


def check_words(name: str, tokenizer: Any) -> None:
    """Check that a tokenizer has words: where its files are missing, transformers makes one without any.

    Raises
    ------
    InputError
        If it has special tokens only.
    """
    if hasattr(tokenizer, "all_special_ids") and len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise InputError(
            f"the tokenizer of the model {name!r} knows no words: its files are missing",
            "add the model's tokenizer.json and tokenizer_config.json",
        )


def check_vocabulary(name: str, library_model: Any) -> None:
    """Check that the embeddings have a row for every token that texts can get.

    Raises
    ------
    InputError
        If one has none. Special tokens that the tokenizer does not add by itself are left out: EmbeddingGemma has one
        for images that is beyond its rows, and no text has it.
    """
    for tokenizer, rows in _pairs(library_model):
        ids = _text_ids(tokenizer)
        largest = max(ids)
        if largest >= rows:
            raise InputError(
                f"the tokenizer of the model {name!r} is another model's: it has tokens up to number {largest}, and"
                f" the model has embeddings for {rows} tokens, up to number {rows - 1}",
                "replace the tokenizer's files by those of the model",
            )
        if len(ids) < _FEWEST * rows:
            warnings.warn(
                f"the tokenizer of the model {name!r} may be another model's: it has {len(ids)} tokens, and the model"
                f" has embeddings for {rows}; check the tokenizer's files",
                EvalkitWarning,
                stacklevel=2,
            )


def _pairs(library_model: Any) -> Iterator[tuple[Any, int]]:
    """Yield each tokenizer with the number of rows of the embeddings that its tokens are looked up in."""
    for part in library_model.modules():
        if hasattr(part, "auto_model") and hasattr(getattr(part, "tokenizer", None), "get_vocab"):
            try:
                rows = part.auto_model.get_input_embeddings().weight.shape[0]
            except (AttributeError, NotImplementedError):
                continue  # a model that reads bytes, or with code of its own that has no such function
            yield part.tokenizer, int(rows)


def _text_ids(tokenizer: Any) -> set[int]:
    """Return the numbers of all tokens but the special ones that the tokenizer does not add by itself."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    special = {number for number, token in added.items() if getattr(token, "special", False)}
    own = (getattr(tokenizer, name, None) for name in _ALWAYS_ADDED)
    return (set(tokenizer.get_vocab().values()) - special) | {number for number in own if number is not None}
