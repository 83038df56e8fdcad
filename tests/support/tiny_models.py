"""Tiny random models in the layouts of the popular rerankers, and the pairs that are scored with them.

A model is a configuration of transformers with the sizes `SMALL`, saved by `save`, next to the files of a tokenizer of
`support.tiny_tokenizers`. `put` and `edit` write and change what else its repository has.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from support.tiny_files import edit, put
from support.tiny_tokenizers import Vocabulary

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
"""Sizes that most configurations of transformers take under these names."""
ONE_LABEL: dict[str, Any] = {"num_labels": 1, "id2label": {0: "LABEL_0"}, "label2id": {"LABEL_0": 0}}
"""How the configurations of most cross-encoders name their only label."""

SHORT = (
    ("How do I change my passphrase?", "Open the settings, choose Security, and choose a new passphrase."),
    ("How do I change my passphrase?", "Invoices are sent on the first day of each month."),
    ("refund", "Refunds take up to 14 days. \u00dcn\u00efcode \u4e2d\u6587 caf\u00e9 \ufb01ne \U0001f600"),
    ("", "A document for an empty query."),
    ("a query for an empty document", ""),
    ("limits of the API? " * 3, "The rate limit is 500 requests per minute.\nSee the console. " * 8),
    ("special [SEP] </s> <s> tokens <|im_end|>", "document with [CLS] </s> <pad> <|endoftext|> and [MASK]"),
    ("  spaces around  ", "\ttabs\tand\n\nline breaks  "),
)
"""Pairs that no model of 512 tokens cuts: texts that are empty, hold special tokens, tabs or many scripts."""
PAIRS = (
    *SHORT,
    ("short", "word " * 700),
    ("long query " * 400, "The document is short."),
    ("long query " * 400, "long document " * 500),
)
"""`SHORT`, and pairs of which a model of 512 tokens cuts the document, the query or both."""
TEXTS = tuple(pair for pair in PAIRS[:-2] if all(pair))
"""Pairs without an empty text and without a long query: for models that embed texts one by one."""


def seeded(model: Any, gain: float = 1.5) -> Any:
    """Return a model with new weights, always the same: large enough that scores differ between pairs.

    Norms keep their weights. The gain is the standard deviation of what a layer adds up from independent inputs.
    """
    import torch

    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0, gain / math.sqrt(weight.shape[-1]), generator=generator)
            elif name.endswith("bias") and "norm" not in name.lower():
                weight.normal_(0, 0.1, generator=generator)
    return model.eval()


def save(folder: Path, model: Any, **config: Any) -> Path:
    """Save a model with seeded weights; what else is given is set in its ``config.json`` (`...` drops a key)."""
    seeded(model).save_pretrained(folder)
    if config:
        edit(folder, "config.json", **config)
    return folder


def bert_config(vocabulary: Vocabulary, **config: Any) -> Any:
    """Return the configuration of a small BERT of 512 tokens."""
    from transformers import BertConfig

    return BertConfig(**{**SMALL, "vocab_size": vocabulary.size, "max_position_embeddings": 512, **config})


def xlmr_config(vocabulary: Vocabulary, most: int = 512, **config: Any) -> Any:
    """Return the configuration of a small XLM-RoBERTa that reads `most` tokens."""
    from transformers import XLMRobertaConfig

    return XLMRobertaConfig(**_roberta_sizes(vocabulary, most), **config)


def roberta_config(vocabulary: Vocabulary, most: int = 512, **config: Any) -> Any:
    """Return the configuration of a small RoBERTa that reads `most` tokens."""
    from transformers import RobertaConfig

    return RobertaConfig(**_roberta_sizes(vocabulary, most), **config)


def modernbert_config(vocabulary: Vocabulary, **config: Any) -> Any:
    """Return the configuration of a small ModernBERT of 8192 tokens."""
    from transformers import ModernBertConfig

    ids = {f"{kind}_token_id": vocabulary[f"[{kind.upper()}]"] for kind in ("pad", "cls", "sep")}
    ends = {"bos_token_id": ids["cls_token_id"], "eos_token_id": ids["sep_token_id"]}
    layers = {"local_attention": 128, "global_attn_every_n_layers": 2, "max_position_embeddings": 8192}
    return ModernBertConfig(**SMALL, **ids, **ends, **layers, vocab_size=vocabulary.size, **config)


def deberta_config(vocabulary: Vocabulary, **config: Any) -> Any:
    """Return the configuration of a small DeBERTa-v2 in the form of version 3: positions are relative alone."""
    from transformers import DebertaV2Config

    attention = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    buckets = {"position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True}
    sizes = {"max_position_embeddings": 512, "type_vocab_size": 0, "pad_token_id": vocabulary["[PAD]"]}
    return DebertaV2Config(
        **SMALL, **attention, **buckets, **sizes, pooler_hidden_size=32, vocab_size=vocabulary.size, **config
    )


def qwen_sizes(vocabulary: Vocabulary, **config: Any) -> dict[str, Any]:
    """Return what the configurations of Qwen2, Qwen3 and others take, for the tokens of `qwen_tokenizer`."""
    ids = {"bos_token_id": vocabulary["<|endoftext|>"], "eos_token_id": vocabulary["<|im_end|>"]}
    heads = {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 4096}
    shared = {"pad_token_id": vocabulary["<|endoftext|>"], "tie_word_embeddings": True}
    return {**SMALL, **ids, **heads, **shared, "vocab_size": vocabulary.size, **config}


def _roberta_sizes(vocabulary: Vocabulary, most: int) -> dict[str, Any]:
    """Return sizes of a family that counts positions from the padding token's id on: 2 more than it reads."""
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "vocab_size": vocabulary.size}
    return {**SMALL, **ids, "max_position_embeddings": most + 2, "type_vocab_size": 1, "layer_norm_eps": 1e-5}


__all__ = [
    "ONE_LABEL",
    "PAIRS",
    "SHORT",
    "SMALL",
    "TEXTS",
    "bert_config",
    "deberta_config",
    "edit",
    "modernbert_config",
    "put",
    "qwen_sizes",
    "roberta_config",
    "save",
    "seeded",
    "xlmr_config",
]
