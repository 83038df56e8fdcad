"""Small tokenizers in the files of real repositories, trained on the bundled demo collection.

Each function writes the files that the named family publishes (``tokenizer.json``, ``tokenizer_config.json`` and, where
the family has them, ``special_tokens_map.json``, ``vocab.json`` and ``merges.txt`` or ``vocab.txt``) into a folder and
returns the vocabulary. The steps in ``tokenizer.json`` are those of the family but for its character map, so that the
class that transformers builds for it cuts texts in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.tiny_files import edit, put
from support.tiny_training import BERT, byte_pairs, gemma, template_step, unigram, wordpiece

QWEN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|score_token|>")
LLAMA = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The ids of a tokenizer's tokens, its added tokens included: ``vocabulary["<pad>"]``, ``vocabulary.size``."""

    ids: Mapping[str, int]

    def __getitem__(self, token: str) -> int:
        """Return the id of a token."""
        return self.ids[token]

    @property
    def size(self) -> int:
        """Rows that the embeddings of a model need."""
        return max(self.ids.values()) + 1


def bert_tokenizer(folder: Path, most: int | None = 512, **config: Any) -> Vocabulary:
    """Write an uncased WordPiece tokenizer as bert-base-uncased has it, ``vocab.txt`` with it."""
    data = json.loads(wordpiece())
    names = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    shared = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
    vocabulary = _write(
        folder,
        data,
        {**names, "mask_token": "[MASK]"},
        {"tokenizer_class": "BertTokenizer", **shared, **_limit(most), **config},
    )
    by_id = sorted(data["model"]["vocab"], key=data["model"]["vocab"].__getitem__)
    put(folder, "vocab.txt", "\n".join(by_id) + "\n")
    return vocabulary


def xlmr_tokenizer(folder: Path, most: int | None = 512, **config: Any) -> Vocabulary:
    """Write a Unigram tokenizer as XLM-RoBERTa has it; ``<mask>`` is its last token."""
    from tokenizers import AddedToken, Tokenizer

    tokenizer = Tokenizer.from_str(unigram(("<s>", "<pad>", "</s>", "<unk>"), "words"))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = template_step(tokenizer, "<s> $A </s>", "<s> $A </s> </s> $B </s>")
    return _write(
        folder,
        json.loads(tokenizer.to_str()),
        _sentence_names(),
        {"tokenizer_class": "XLMRobertaTokenizer", "sp_model_kwargs": {}, **_limit(most), **config},
    )


def deberta_tokenizer(folder: Path, most: int | None = 512, **config: Any) -> Vocabulary:
    """Write a Unigram tokenizer as DeBERTa-v2 and v3 have it; ``[MASK]`` is its last token."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(unigram(("[PAD]", "[CLS]", "[SEP]", "[UNK]"), "deberta"))
    tokenizer.add_special_tokens(["[MASK]"])
    tokenizer.post_processor = template_step(
        tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"
    )
    names = {"bos_token": "[CLS]", "eos_token": "[SEP]", **_bracket_names()}
    shared = {"do_lower_case": False, "split_by_punct": False, "vocab_type": "spm", "sp_model_kwargs": {}}
    config = {"tokenizer_class": "DebertaV2Tokenizer", **shared, **_limit(most), **config}
    return _write(folder, json.loads(tokenizer.to_str()), names, config)


def albert_tokenizer(folder: Path, most: int | None = 512, **config: Any) -> Vocabulary:
    """Write an uncased Unigram tokenizer as ALBERT has it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(unigram(("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"), "albert"))
    tokenizer.post_processor = template_step(
        tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"
    )
    names = {"bos_token": "[CLS]", "eos_token": "[SEP]", **_bracket_names(), "unk_token": "<unk>"}
    config = {"tokenizer_class": "AlbertTokenizer", "do_lower_case": True, **_limit(most), **config}
    return _write(folder, json.loads(tokenizer.to_str()), {**names, "pad_token": "<pad>"}, config)


def t5_tokenizer(folder: Path, most: int | None = 512, **config: Any) -> Vocabulary:
    """Write a Unigram tokenizer as T5 has it, without its extra ids."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(unigram(("<pad>", "</s>", "<unk>"), "words"))
    tokenizer.post_processor = template_step(tokenizer, "$A </s>", "$A </s> $B </s>")
    names = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, **_limit(most), **config}
    return _write(folder, json.loads(tokenizer.to_str()), names, config)


def roberta_tokenizer(folder: Path, most: int | None = 512, **config: Any) -> Vocabulary:
    """Write a tokenizer of byte pairs as RoBERTa has it, ``vocab.json`` and ``merges.txt`` with it."""
    from tokenizers import Tokenizer, processors

    tokenizer = Tokenizer.from_str(byte_pairs(("<s>", "<pad>", "</s>", "<unk>", "<mask>"), "plain"))
    ends = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ends, trim_offsets=True, add_prefix_space=False)
    shared = {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": False, "trim_offsets": True}
    data = json.loads(tokenizer.to_str())
    _write_pairs(folder, data, "#version: 0.2\n")
    return _write(folder, data, _sentence_names(), {**shared, **_limit(most), **config})


def modernbert_tokenizer(folder: Path, most: int | None = 8192, **config: Any) -> Vocabulary:
    """Write a tokenizer of byte pairs as ModernBERT has it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(byte_pairs(("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"), "nfc"))
    tokenizer.post_processor = template_step(
        tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0"
    )
    inputs = {"model_input_names": ["input_ids", "attention_mask"]}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **inputs, **_limit(most), **config}
    return _write(folder, json.loads(tokenizer.to_str()), _bracket_names(), config)


def qwen_tokenizer(
    folder: Path, template: str | None = None, most: int = 131072, **config: Any
) -> Vocabulary:
    """Write a tokenizer of byte pairs as Qwen2 and Qwen3 have it, with a chat template if one is given.

    It adds no token of its own to a text. ``<think>`` and ``</think>`` are tokens, not special ones.
    """
    from tokenizers import AddedToken, Tokenizer, processors

    tokenizer = Tokenizer.from_str(byte_pairs(QWEN, "qwen"))
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in ("<think>", "</think>")])
    tokenizer.post_processor = processors.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False
    )
    data = json.loads(tokenizer.to_str())
    _write_pairs(folder, data, "")
    shared = {"add_bos_token": False, "add_prefix_space": False, "padding_side": "left", "errors": "replace"}
    names = {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None}
    kind = {"tokenizer_class": "Qwen2Tokenizer", "split_special_tokens": False, **shared, **_limit(most)}
    chat = {} if template is None else {"chat_template": template}
    return _write(folder, data, names, {**kind, **chat, **config})


def llama_tokenizer(folder: Path, most: int | None = 4096, **config: Any) -> Vocabulary:
    """Write a tokenizer of byte pairs as Llama 3 has it: texts begin with a token, and no token pads."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(byte_pairs(LLAMA, "llama"))
    first = LLAMA[0]
    tokenizer.post_processor = template_step(tokenizer, f"{first}:0 $A:0", f"{first}:0 $A:0 {first}:1 $B:1")
    names = {"bos_token": first, "eos_token": LLAMA[1]}
    inputs = {"model_input_names": ["input_ids", "attention_mask"]}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **inputs, **_limit(most), **config}
    return _write(folder, json.loads(tokenizer.to_str()), names, config)


def gemma_tokenizer(folder: Path, most: int | None = 8192, **config: Any) -> Vocabulary:
    """Write a tokenizer as Gemma has it: pairs of characters, bytes where a character is unknown, ``<bos>`` first."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(gemma())
    tokenizer.post_processor = template_step(tokenizer, "<bos>:0 $A:0", "<bos>:0 $A:0 <bos>:1 $B:1")
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    shared = {"add_bos_token": True, "add_eos_token": False, "padding_side": "left", "mask_token": "<mask>"}
    config = {"tokenizer_class": "GemmaTokenizer", **shared, **_limit(most), **config}
    return _write(folder, json.loads(tokenizer.to_str()), names, config)


def appended(folder: Path, token: str) -> None:
    """Let the tokenizer of a folder end every text with a token, as Qwen3-Embedding's does."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = template_step(tokenizer, f"$A {token}", f"$A {token} $B {token}")
    edit(folder, "tokenizer.json", post_processor=json.loads(tokenizer.to_str())["post_processor"])


def _limit(most: int | None) -> dict[str, int]:
    return {} if most is None else {"model_max_length": most}


def _sentence_names() -> dict[str, str]:
    ends = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>"}
    return {**ends, "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}


def _bracket_names() -> dict[str, str]:
    kinds = ("pad", "unk", "cls", "sep", "mask")
    return {f"{kind}_token": token for kind, token in zip(kinds, BERT, strict=True)}


def _write(
    folder: Path, data: dict[str, Any], names: Mapping[str, str | None], config: Mapping[str, Any]
) -> Vocabulary:
    """Write the three files that most repositories have, and return the vocabulary."""
    put(folder, "tokenizer.json", data)
    put(folder, "tokenizer_config.json", {**names, **config})
    put(
        folder, "special_tokens_map.json", {name: token for name, token in names.items() if token is not None}
    )
    vocab = data["model"]["vocab"]
    ids = vocab if isinstance(vocab, dict) else {token: number for number, (token, _) in enumerate(vocab)}
    return Vocabulary({**ids, **{one["content"]: one["id"] for one in data["added_tokens"]}})


def _write_pairs(folder: Path, data: Mapping[str, Any], head: str) -> None:
    """Write the files of byte pairs that repositories had before ``tokenizer.json``."""
    put(folder, "vocab.json", data["model"]["vocab"])
    merges = (one if isinstance(one, str) else " ".join(one) for one in data["model"]["merges"])
    put(folder, "merges.txt", head + "\n".join(merges) + "\n")
