"""Static embeddings as modules of padded tokens."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sentence_transformers", reason="needs the local extra")

TEXTS = ["", "a", "a b c d", "", "b unknown c", "d d"]


def modules(most: int | None = None) -> tuple[Any, Any]:
    """Return a static embedding of four words and one for unknown ones, and its padded form."""
    import torch
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    from evalkit.encoding.torch_runtime.static_embeddings import PaddedStatic

    words = {word: number for number, word in enumerate(["[U]", "a", "b", "c", "d"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[U]"))  # noqa: S106 - a token
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="d $A d", special_tokens=[("d", 4)])
    if most is not None:
        tokenizer.enable_truncation(most, direction="left")
    own = StaticEmbedding(
        tokenizer, embedding_weights=torch.randn(5, 7, generator=torch.Generator().manual_seed(2))
    )
    return own, PaddedStatic(own, torch.float32)


@pytest.mark.parametrize("most", [None, 2])
def test_vectors_are_those_of_the_library(most: int | None) -> None:
    """To the last bit, and to rounding in the form that is exported; padding has no weight."""
    own, padded = modules(most)
    wanted = own(own.preprocess(TEXTS))["sentence_embedding"]
    features = padded.preprocess(TEXTS)
    assert features["input_ids"].shape == (6, min(4, most or 4))
    assert padded(features)["sentence_embedding"].tolist() == wanted.tolist()
    exported = padded._exportable(features["input_ids"], features["attention_mask"])
    assert exported.tolist() == [pytest.approx(row, abs=1e-6) for row in wanted.tolist()]
    assert wanted[0].tolist() == [0] * 7


def test_texts_are_cut_where_the_tokenizer_or_the_user_says() -> None:
    """On the side that the tokenizer's file says; without a limit, texts are whole."""
    _, padded = modules(2)
    assert padded.max_seq_length == 2
    assert padded.tokenizer.truncation_side == "left"
    assert padded.preprocess(["a b c d"])["input_ids"].tolist() == [[3, 4]]
    padded.max_seq_length = 3
    assert padded.preprocess(["b c"], prompt="a b ")["input_ids"].tolist() == [[2, 2, 3]]
    whole = padded.preprocess(["b c"], prompt="a b ", processing_kwargs={"text": {"truncation": False}})
    assert whole["input_ids"].tolist() == [[1, 2, 2, 3]]
    assert modules()[1].max_seq_length is None


def test_the_tokenizer_adds_no_special_tokens() -> None:
    """Its step for them is left out."""
    tokenizer = modules()[1].tokenizer
    assert tokenizer.backend_tokenizer.encode("a b").ids == [1, 2]
    assert len(tokenizer) == 5
