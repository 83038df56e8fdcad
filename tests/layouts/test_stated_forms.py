"""Any model scores in an input form that the configuration states, if its tokens are in the vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.causal_models import (
    CHAT,
    QWEN3_TEMPLATE,
    ZERANK_TEMPLATE,
    make_gpt2,
    make_llama_classifier,
    make_qwen3,
    state_modules,
)
from support.causal_recipes import classifier_recipe, qwen3, token_recipe
from support.tiny_models import SMALL, save

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

Check = Callable[..., Any]
YES_NO = {"template": "Q: {query}\nD: {document}\nRelevant:", "true_token": "yes", "false_token": "no"}


def stated(tokenizer: Any, query: str, document: str) -> list[int]:
    """Return the tokens of the form `YES_NO`."""
    return list(tokenizer(f"Q: {query}\nD: {document}\nRelevant:")["input_ids"])


def test_a_stated_form(tmp_path: Path, check_layout: Check) -> None:
    """Any causal model scores in a form that is stated, with two tokens, one, or a number."""
    folder = tmp_path / "chat-model"
    vocabulary = make_qwen3(folder, CHAT)
    recipe = token_recipe(folder, stated, "yes", "no")
    check_layout("causal model, stated form", folder, recipe, prompt=YES_NO, exports="score")
    one = {"template": YES_NO["template"], "true_token": vocabulary["yes"]}
    check_layout(
        "causal model, stated form, one token", folder, token_recipe(folder, stated, "yes"), prompt=one
    )


def test_a_stated_form_with_absolute_positions(tmp_path: Path, check_layout: Check) -> None:
    """Positions are counted from the first token of each input, so batches do not change scores."""
    folder = tmp_path / "gpt2"
    make_gpt2(folder, "GPT2LMHeadModel")
    check_layout("GPT-2, stated form", folder, token_recipe(folder, stated, "yes", "no"), prompt=YES_NO)


def test_modules_with_absolute_positions(tmp_path: Path, check_layout: Check) -> None:
    """Where the library pads on the left, positions are still those of each input alone."""
    folder = tmp_path / "gpt2"
    vocabulary = make_gpt2(folder, "GPT2LMHeadModel", QWEN3_TEMPLATE)
    state_modules(folder, vocabulary["yes"], vocabulary["no"])
    check_layout("GPT-2, modules", folder, token_recipe(folder, qwen3(), "yes", "no"))


def test_a_stated_form_of_a_classifier(tmp_path: Path, check_layout: Check) -> None:
    """A classifier takes a stated template without tokens."""
    folder = make_llama_classifier(tmp_path / "llama")
    prompt = {"template": YES_NO["template"]}
    check_layout("Llama classifier, stated form", folder, classifier_recipe(folder, stated), prompt=prompt)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"true_token": "yes no"}, "is 2 tokens"),
        ({"true_token": 99999}, "not in the vocabulary"),
        ({"true_token": "", "false_token": None}, "is 0 tokens"),
        ({"true_token": None, "false_token": None}, "has no true_token"),
    ],
)
def test_a_stated_token_must_be_one(
    tmp_path: Path, check_refused: Check, changes: dict[str, Any], message: str
) -> None:
    """A token that is none of the vocabulary's, or several, is refused with how the tokenizer reads it."""
    folder = tmp_path / "chat-model"
    make_qwen3(folder)
    check_refused(f"causal model, tokens {changes}", folder, message, prompt={**YES_NO, **changes})


def test_a_token_may_not_be_unknown(tmp_path: Path, check_refused: Check) -> None:
    """A text that the vocabulary lacks is refused."""
    from support.tiny_tokenizers import xlmr_tokenizer
    from transformers import MistralConfig, MistralForCausalLM

    folder = tmp_path / "mistral"
    size = xlmr_tokenizer(folder, 4096, tokenizer_class="PreTrainedTokenizerFast").size
    config = MistralConfig(**SMALL, num_key_value_heads=2, vocab_size=size, max_position_embeddings=4096)
    save(folder, MistralForCausalLM(config))
    prompt = {**YES_NO, "true_token": "\u4e2d"}
    check_refused("causal model, unknown token", folder, "not in the vocabulary", prompt=prompt)
    check_refused("causal model without yes and no", folder, "no module that says", hint="prompt")


def test_one_token_by_two_names(tmp_path: Path, check_refused: Check) -> None:
    """A text and the number of the same token are refused: every score would be 0."""
    folder = tmp_path / "chat-model"
    vocabulary = make_qwen3(folder)
    prompt = {**YES_NO, "false_token": vocabulary["yes"]}
    check_refused("causal model, equal tokens", folder, "every score would be 0", prompt=prompt)


def test_an_instruction_needs_a_place(tmp_path: Path, check_refused: Check) -> None:
    """An instruction is refused by a form and by a template that have no place for it, and only if there is one."""
    folder = tmp_path / "zerank-2"
    vocabulary = make_qwen3(folder, ZERANK_TEMPLATE)
    message = "no place for an instruction"
    state_modules(folder, vocabulary["Yes"], None)
    check_refused("zerank-2, modules, instruction", folder, message, instruction="Find code")
    message_without = "custom input format that cannot be exported"
    check_refused("zerank-2, modules, ONNX", folder, message_without, runtime="onnx")
    (folder / "modules.json").unlink()
    check_refused("zerank-2, instruction", folder, message, instruction="Find code")
