"""Rerankers that were trained with a template score as their cards do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.causal_models import (
    CHAT,
    MXBAI_TEMPLATE,
    QWEN_CHAT,
    ZERANK_TEMPLATE,
    make_gemma,
    make_llama_classifier,
    make_qwen2,
    make_qwen3,
    state_modules,
)
from support.causal_recipes import (
    MXBAI_AFTER,
    MXBAI_BEFORE,
    MXBAI_TASK,
    classifier_recipe,
    ctxl,
    gemma,
    mxbai,
    nemotron,
    plain,
    token_recipe,
    zerank,
)
from support.tiny_models import edit, put

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

Check = Callable[..., Any]


def test_mxbai(tmp_path: Path, check_layout: Check) -> None:
    """Pieces are tokenised apart; the score is the log odds of 1 against 0."""
    folder = tmp_path / "mxbai-rerank-base-v2"
    make_qwen2(folder, QWEN_CHAT)
    check_layout("mxbai-rerank-v2", folder, token_recipe(folder, mxbai(), "1", "0"), exports="score")


def test_mxbai_with_modules(tmp_path: Path, check_layout: Check) -> None:
    """Modules and template are applied by the library."""
    folder = tmp_path / "mxbai-rerank-large-v2"
    vocabulary = make_qwen2(folder, MXBAI_TEMPLATE)
    state_modules(folder, vocabulary["1"], vocabulary["0"])
    recipe = token_recipe(folder, mxbai(), "1", "0")
    check_layout("mxbai-rerank-v2, modules", folder, recipe)


def test_mxbai_with_an_instruction_and_a_limit(tmp_path: Path, check_layout: Check) -> None:
    """The query gets three quarters of the room, the document the rest, as in the makers' package."""
    from transformers import AutoTokenizer

    folder = tmp_path / "mxbai-rerank-base-v2"
    make_qwen2(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    fixed = sum(len(plain(tokenizer, text)) for text in (MXBAI_BEFORE, "\n", MXBAI_TASK, MXBAI_AFTER))
    check_layout(
        "mxbai-rerank-v2, instruction, limit",
        folder,
        token_recipe(folder, mxbai("Prefer news", 120), "1", "0"),
        instruction="Prefer news",
        max_length_tokens=fixed + 120,
    )


@pytest.mark.parametrize("name", ["zerank-1", "zerank-1-small", "zerank-2-reranker"])
@pytest.mark.parametrize(("template", "words"), [(QWEN_CHAT, "Qwen3 chat template"), (CHAT, "ChatML")])
def test_zerank(tmp_path: Path, check_layout: Check, name: str, template: str, words: str) -> None:
    """The query is the system's message; the score is the logit of Yes."""
    folder = tmp_path / name
    make_qwen3(folder, template)
    recipe = token_recipe(folder, zerank, "Yes")
    check_layout(f"{name}, {words}", folder, recipe)


@pytest.mark.parametrize("trusted", [False, True])
def test_zerank_with_code(tmp_path: Path, check_layout: Check, *, trusted: bool) -> None:
    """The code of the repository is replaced by the form, trusted or not, and never runs."""
    folder = tmp_path / "zerank-1"
    make_qwen3(folder, QWEN_CHAT, auto_map={"AutoConfig": "modeling_zeranker.ZEConfig"})
    put(folder, "modeling_zeranker.py", "raise RuntimeError('the code ran')\n")
    recipe = token_recipe(folder, zerank, "Yes")
    family = f"zerank-1 with code, {'' if trusted else 'not '}trusted"
    check_layout(family, folder, recipe, trust_remote_code=trusted)


def test_zerank_with_modules(tmp_path: Path, check_layout: Check) -> None:
    """Modules and template are applied by the library."""
    folder = tmp_path / "zerank-2"
    vocabulary = make_qwen3(folder, ZERANK_TEMPLATE)
    state_modules(folder, vocabulary["Yes"], None)
    check_layout("zerank-2, modules", folder, token_recipe(folder, zerank, "Yes"))


@pytest.mark.parametrize("most", [None, 200])
def test_gemma(tmp_path: Path, check_layout: Check, most: int | None) -> None:
    """Pieces are tokenised apart after <bos>; the score is the logit of Yes."""
    from transformers import AutoTokenizer

    folder = make_gemma(tmp_path / "bge-reranker-v2-gemma")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    more: dict[str, Any] = {"exports": "score"}
    if most is not None:
        fixed = len(plain(tokenizer, "\n")) + len(plain(tokenizer, "Is B about A?"))
        more = {"max_length_tokens": fixed + most, "instruction": "Is B about A?"}
    build = gemma() if most is None else gemma("Is B about A?", most)
    family = f"bge-reranker-v2-gemma{'' if most is None else ', instruction, limit'}"
    check_layout(family, folder, token_recipe(folder, build, "Yes"), **more)


def test_special_tokens_without_embeddings(tmp_path: Path, check_layout: Check) -> None:
    """A special token that the tokenizer's class adds beyond the model's rows is never fed."""
    folder = tmp_path / "zerank-2"
    make_qwen3(folder)
    added = "<mask>"
    edit(folder, "tokenizer_config.json", mask_token=added)
    check_layout("zerank-2, a special token beyond the rows", folder, token_recipe(folder, zerank, "Yes"))


@pytest.mark.parametrize("instruction", ["", "Prefer recent news"])
def test_ctxl(tmp_path: Path, check_layout: Check, instruction: str) -> None:
    """The score is the logit of the first token of the vocabulary."""
    folder = tmp_path / "ctxl-rerank-v2-instruct-multilingual-1b"
    make_qwen3(folder, QWEN_CHAT)
    more: dict[str, Any] = {"instruction": instruction} if instruction else {"exports": "score"}
    family = f"ctxl-rerank-v2{', instruction' if instruction else ''}"
    check_layout(family, folder, token_recipe(folder, ctxl(instruction), 0), **more)


NEMOTRON_CODE = """
import torch
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutputWithPast

class LlamaBidirectionalConfig(LlamaConfig):
    model_type = "llama_bidirec"

class LlamaBidirectionalForSequenceClassification(LlamaPreTrainedModel):
    config_class = LlamaBidirectionalConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        self.score = torch.nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, **more):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        hidden = self.model(input_ids, attention_mask=mask).last_hidden_state * mask[..., None]
        return SequenceClassifierOutputWithPast(logits=self.score(hidden.sum(1) / mask.sum(1, keepdim=True)))
"""
"""A stand-in for the repository's own code: it has the same names and reads the mean of all tokens."""


def test_nemotron_with_code(tmp_path: Path, check_layout: Check, check_refused: Check) -> None:
    """The code of the repository runs if it is trusted, on the form of the card."""
    folder = make_llama_classifier(tmp_path / "llama-3.2-nv-rerankqa-1b-v2")
    put(folder, "llama_bidirectional_model.py", NEMOTRON_CODE)
    name, ending = "LlamaBidirectional", "ForSequenceClassification"
    classes = {"AutoConfig": "Config", f"AutoModel{ending}": ending}
    edit(
        folder,
        "config.json",
        model_type="llama_bidirec",
        architectures=[f"{name}{ending}"],
        auto_map={auto: f"llama_bidirectional_model.{name}{kind}" for auto, kind in classes.items()},
    )
    recipe = classifier_recipe(folder, nemotron(), trust_remote_code=True)
    check_layout("llama-nemotron-rerank with code, trusted", folder, recipe, trust_remote_code=True)
    check_refused("llama-nemotron-rerank with code, not trusted", folder, "code", hint="trust_remote_code")


@pytest.mark.parametrize("most", [None, 100])
def test_nemotron(tmp_path: Path, check_layout: Check, most: int | None) -> None:
    """Question and passage are one text, cut at its end."""
    folder = make_llama_classifier(tmp_path / "llama-nemotron-rerank-1b-v2")
    more: dict[str, Any] = {"exports": "score"} if most is None else {"max_length_tokens": most}
    family = f"llama-nemotron-rerank{'' if most is None else f', limit {most}'}"
    check_layout(family, folder, classifier_recipe(folder, nemotron(most or 4096)), **more)
