"""Tiny causal models and classifiers made of language models, in the files of rerankers with templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.causal_recipes import (
    MXBAI_AFTER,
    MXBAI_BEFORE,
    MXBAI_TASK,
    QWEN3_AFTER,
    QWEN3_BEFORE,
    QWEN3_TASK,
)
from support.tiny_models import ONE_LABEL, SMALL, put, qwen_sizes, save
from support.tiny_tokenizers import Vocabulary, gemma_tokenizer, llama_tokenizer, qwen_tokenizer

CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""A chat template that renders messages of any role."""
QWEN_CHAT = (
    "{%- for message in messages %}{%- if message.role in ['system', 'user', 'assistant'] %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
"""A chat template that leaves out messages of other roles, as those of Qwen2.5 and Qwen3 do."""


def rerank_template(before: str, middle: str, after: str) -> str:
    """Return a chat template with the roles query and document; `middle` is an expression in q, d and instruction."""
    found = [
        f'{{%- set {name} = messages | selectattr("role", "eq", "{role}") | map(attribute="content") | first'
        f" | default({json.dumps(QWEN3_TASK)}) -%}}"
        for name, role in (("instruction", "system"), ("q", "query"), ("d", "document"))
    ]
    return (
        "".join(found) + "{{ " + json.dumps(before) + " }}{{ " + middle + " }}{{ " + json.dumps(after) + " }}"
    )


QWEN3_TEMPLATE = rerank_template(
    QWEN3_BEFORE, '"<Instruct>: " + instruction + "\\n<Query>: " + q + "\\n<Document>: " + d', QWEN3_AFTER
)
MXBAI_TEMPLATE = rerank_template(
    MXBAI_BEFORE, '"query: " + q + "\\ndocument: " + d + "\\n"', MXBAI_TASK + MXBAI_AFTER
)
ZERANK_TEMPLATE = rerank_template(
    "<|im_start|>system\n",
    '(q | trim) + "<|im_end|>\\n<|im_start|>user\\n" + (d | trim)',
    "<|im_end|>\n<|im_start|>assistant\n",
)


def chat(template: str | None) -> dict[str, str]:
    """Return the part of a tokenizer's configuration that has the chat template."""
    return {} if template is None else {"chat_template": template}


def make_qwen3(folder: Path, template: str | None = None, **config: Any) -> Vocabulary:
    """Save a causal Qwen3."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    vocabulary = qwen_tokenizer(folder, **chat(template))
    save(folder, Qwen3ForCausalLM(Qwen3Config(**qwen_sizes(vocabulary))), **config)
    return vocabulary


def make_qwen2(folder: Path, template: str | None = None) -> Vocabulary:
    """Save a causal Qwen2."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    vocabulary = qwen_tokenizer(folder, padding_side="right", **chat(template))
    sizes = {name: size for name, size in qwen_sizes(vocabulary).items() if name != "head_dim"}
    save(folder, Qwen2ForCausalLM(Qwen2Config(**sizes)))
    return vocabulary


def make_classifier(folder: Path, template: str | None = None) -> Path:
    """Save a Qwen3 with a head of one label."""
    from transformers import Qwen3Config, Qwen3ForSequenceClassification

    vocabulary = qwen_tokenizer(folder, **chat(template))
    return save(folder, Qwen3ForSequenceClassification(Qwen3Config(**qwen_sizes(vocabulary), **ONE_LABEL)))


def make_gemma(folder: Path) -> Path:
    """Save a causal Gemma."""
    from transformers import GemmaConfig, GemmaForCausalLM

    vocabulary = gemma_tokenizer(folder)
    sizes = {**SMALL, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 8192}
    ids = {f"{name}_token_id": vocabulary[f"<{name}>"] for name in ("pad", "eos", "bos")}
    return save(folder, GemmaForCausalLM(GemmaConfig(**sizes, **ids, vocab_size=vocabulary.size)))


def make_llama_classifier(folder: Path, *, padded: bool = True, pads: bool = True) -> Path:
    """Save a Llama with a head of one label; a padding token is in its configuration, in its tokenizer, or in none."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    vocabulary = llama_tokenizer(folder, **({"pad_token": "<|end_of_text|>"} if pads else {}))
    ids = {"bos_token_id": vocabulary["<|begin_of_text|>"], "eos_token_id": vocabulary["<|end_of_text|>"]}
    sizes = {
        **SMALL,
        "num_key_value_heads": 2,
        "vocab_size": vocabulary.size,
        "max_position_embeddings": 4096,
    }
    pad = ids["eos_token_id"] if padded else None
    config = LlamaConfig(**sizes, **ids, **ONE_LABEL, pad_token_id=pad)
    return save(folder, LlamaForSequenceClassification(config))


def state_modules(folder: Path, true_id: Any, false_id: int | None) -> None:
    """Write the files with which sentence-transformers reads the logits of one or two tokens."""
    base, score = (
        "sentence_transformers.base.modules.transformer",
        "sentence_transformers.cross_encoder.modules",
    )
    modules = [("", f"{base}.Transformer"), ("1_LogitScore", f"{score}.logit_score.LogitScore")]
    put(
        folder,
        "modules.json",
        [{"idx": n, "name": str(n), "path": path, "type": kind} for n, (path, kind) in enumerate(modules)],
    )
    put(folder, "1_LogitScore/config.json", {"true_token_id": true_id, "false_token_id": false_id})
    put(folder, "config_sentence_transformers.json", {"model_type": "CrossEncoder", "prompts": {}})
    ways = {"text": {}, "message": {"format": "flat"}}
    way = {"method": "forward", "method_output_name": "logits"}
    put(
        folder,
        "sentence_bert_config.json",
        {
            "transformer_task": "text-generation",
            "modality_config": {name: {**way, **more} for name, more in ways.items()},
            "module_output_name": "causal_logits",
        },
    )


def state_text_only(folder: Path) -> None:
    """Write the files of a classifier that sentence-transformers never gives messages."""
    kind = "sentence_transformers.base.modules.transformer.Transformer"
    put(folder, "modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
    put(folder, "config_sentence_transformers.json", {"model_type": "CrossEncoder", "prompts": {}})
    ways = {"text": {"method": "forward", "method_output_name": "logits"}}
    put(
        folder,
        "sentence_bert_config.json",
        {
            "transformer_task": "sequence-classification",
            "modality_config": ways,
            "module_output_name": "scores",
        },
    )


def make_gpt2(folder: Path, kind: str, template: str | None = None, **config: Any) -> Vocabulary:
    """Save a GPT-2 of a class, such as ``GPT2LMHeadModel``: its positions are absolute."""
    import transformers

    vocabulary = qwen_tokenizer(folder, **chat(template))
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 4096, "vocab_size": vocabulary.size}
    save(folder, getattr(transformers, kind)(transformers.GPT2Config(**sizes, **config)))
    return vocabulary
