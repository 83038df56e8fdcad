"""Models whose files do not say what they read are refused, or read as a plain pair with a warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.causal_models import (
    CHAT,
    QWEN3_TEMPLATE,
    QWEN_CHAT,
    make_classifier,
    make_gpt2,
    make_llama_classifier,
    make_qwen3,
    state_modules,
)
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, edit

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

Check = Callable[..., Any]


@pytest.mark.parametrize(
    ("template", "words"), [(CHAT, "ChatML"), (QWEN_CHAT, "Qwen3 chat template"), (None, "no template")]
)
def test_a_causal_model_without_a_form(
    tmp_path: Path, check_refused: Check, template: str | None, words: str
) -> None:
    """A causal model whose files do not say how it scores is refused, with how to state it."""
    folder = tmp_path / "chat-model"
    make_qwen3(folder, template)
    error = check_refused(
        f"causal model, {words}", folder, "no module that says which tokens", hint="prompt: {template"
    )
    assert "qwen3_reranker" in (error.hint or "")


@pytest.mark.parametrize("true_id", [None, 99999, "yes"])
def test_modules_with_wrong_tokens(tmp_path: Path, check_refused: Check, true_id: Any) -> None:
    """A module whose tokens are none, unknown or the same is refused."""
    folder = tmp_path / "reranker"
    vocabulary = make_qwen3(folder, QWEN3_TEMPLATE)
    state_modules(folder, vocabulary["no"] if true_id == "yes" else true_id, vocabulary["no"])
    message = {None: "is no token", 99999: "not in the vocabulary", "yes": "every score would be 0"}[true_id]
    check_refused(f"LogitScore with true token {true_id}", folder, message)


@pytest.mark.parametrize(("template", "words"), [(QWEN_CHAT, "Qwen3 chat template"), (None, "no template")])
def test_modules_without_a_template(
    tmp_path: Path, check_refused: Check, template: str | None, words: str
) -> None:
    """A module says which tokens are read, but without a template for pairs nothing says of which text."""
    folder = tmp_path / "reranker"
    vocabulary = make_qwen3(folder, template)
    state_modules(folder, vocabulary["yes"], vocabulary["no"])
    check_refused(f"LogitScore, {words}", folder, "template", hint="prompt")


@pytest.mark.parametrize(("template", "words"), [(QWEN_CHAT, "Qwen3 chat template"), (CHAT, "ChatML")])
def test_a_classifier_with_a_chat_template(
    tmp_path: Path, check_refused: Check, template: str, words: str
) -> None:
    """A chat template that is not for pairs leaves open what a classifier reads."""
    folder = make_classifier(tmp_path / "my-classifier", template)
    check_refused(f"Qwen3 classifier, {words}", folder, "chat template without the roles")


@pytest.mark.parametrize(("padded", "pads"), [(True, True), (False, True), (False, False), (True, False)])
def test_padding_of_a_classifier(tmp_path: Path, check_layout: Check, *, padded: bool, pads: bool) -> None:
    """A decoder with a head reads the last token of every input, whichever file has a padding token, and warns."""
    folder = make_llama_classifier(tmp_path / "llama", padded=padded, pads=pads)
    family = f"Llama classifier, pad token in configuration: {padded}, in tokenizer: {pads}"
    check_layout(family, folder, pair_recipe(folder, 4096), exports="score", warns="as a plain pair")


def test_padding_with_absolute_positions(tmp_path: Path, check_layout: Check) -> None:
    """A GPT-2 with a head and without padding token scores batches as single inputs."""
    folder = tmp_path / "gpt2"
    make_gpt2(folder, "GPT2ForSequenceClassification", **ONE_LABEL)
    edit(folder, "tokenizer_config.json", pad_token=...)
    check_layout("GPT-2 classifier", folder, pair_recipe(folder, 4096), warns="as a plain pair")
