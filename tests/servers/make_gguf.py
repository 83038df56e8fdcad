"""Write a tiny BERT reranker with random weights as GGUF: ``python make_gguf.py FILE`` (needs gguf and numpy)."""

from __future__ import annotations

import string
import sys

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, LENGTH = 64, 2, 2, 128, 4096


def main(file: str) -> None:
    """Write the file."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"\u2581{c}" for c in letters), *letters]
    writer = gguf.GGUFWriter(file, "bert")
    writer.add_name("tiny")
    writer.add_context_length(LENGTH)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(value=False)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 5 + [1] * (len(tokens) - 5))
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)
    rng = np.random.default_rng(7)

    def add(name: str, *shape: int, ones: bool = False) -> None:
        values = np.ones(shape) if ones else rng.normal(0, 0.5, shape)
        writer.add_tensor(name, values.astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    add("position_embd.weight", LENGTH, WIDTH)
    add("token_types.weight", 2, WIDTH)
    for name in (
        "token_embd_norm",
        *(f"blk.{i}.{n}" for i in range(LAYERS) for n in ("attn_output_norm", "layer_output_norm")),
    ):
        add(f"{name}.weight", WIDTH, ones=True)
        add(f"{name}.bias", WIDTH)
    for i in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{i}.{part}.weight", WIDTH, WIDTH)
            add(f"blk.{i}.{part}.bias", WIDTH)
        add(f"blk.{i}.ffn_up.weight", INNER, WIDTH)
        add(f"blk.{i}.ffn_up.bias", INNER)
        add(f"blk.{i}.ffn_down.weight", WIDTH, INNER)
        add(f"blk.{i}.ffn_down.bias", WIDTH)
    add("cls.weight", WIDTH, WIDTH)
    add("cls.bias", WIDTH)
    add("cls.output.weight", 1, WIDTH)
    add("cls.output.bias", 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
