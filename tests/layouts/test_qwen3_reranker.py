"""Qwen3-Reranker scores as its card does in all layouts of its repositories and conversions."""

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
    make_qwen3,
    state_modules,
    state_text_only,
)
from support.causal_recipes import classifier_recipe, qwen3, qwen3_pair, token_recipe
from support.hub_copies import cache_as
from support.tiny_models import put

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

Check = Callable[..., Any]


@pytest.mark.parametrize("most", [None, 150])
def test_qwen3_with_modules(tmp_path: Path, check_layout: Check, most: int | None) -> None:
    """Modules and a template with the roles of a pair are applied by the library; a cut keeps the template's end."""
    folder = tmp_path / "any-name"
    vocabulary = make_qwen3(folder, QWEN3_TEMPLATE)
    state_modules(folder, vocabulary["yes"], vocabulary["no"])
    more: dict[str, Any] = {"exports": "refused"} if most is None else {"max_length_tokens": most}
    recipe = token_recipe(folder, qwen3(most=most or 8192), "yes", "no")
    check_layout(f"Qwen3-Reranker, modules, limit {most or 'of the model'}", folder, recipe, **more)


@pytest.mark.parametrize(
    ("template", "words"), [(QWEN_CHAT, "Qwen3 chat template"), (CHAT, "ChatML"), (None, "no template")]
)
def test_qwen3_as_first_uploaded(
    tmp_path: Path, check_layout: Check, template: str | None, words: str
) -> None:
    """Without modules, the form of the card is applied whatever the chat template is."""
    folder = tmp_path / "Qwen3-Reranker-0.6B"
    make_qwen3(folder, template)
    recipe = token_recipe(folder, qwen3(), "yes", "no")
    check_layout(f"Qwen3-Reranker, original, {words}", folder, recipe, exports="score")


def test_qwen3_with_an_instruction_and_a_limit(tmp_path: Path, check_layout: Check) -> None:
    """An instruction takes the place of the card's, and what is cut is what the card cuts."""
    folder = tmp_path / "qwen3-reranker"
    make_qwen3(folder)
    check_layout(
        "Qwen3-Reranker, original, instruction, limit 150",
        folder,
        token_recipe(folder, qwen3("Find code", 150), "yes", "no"),
        instruction="Find code",
        max_length_tokens=150,
    )


def test_qwen3_by_its_card(tmp_path: Path, check_layout: Check) -> None:
    """A folder of any name is known by its model card, which is said."""
    folder = tmp_path / "reranker"
    make_qwen3(folder)
    put(folder, "README.md", "---\nbase_model:\n- Qwen/Qwen3-0.6B-Base\n---\n# Qwen3-Reranker-0.6B\n")
    recipe = token_recipe(folder, qwen3(), "yes", "no")
    check_layout("Qwen3-Reranker, original, by its card", folder, recipe, warns="its model card names")


def test_qwen3_stated(tmp_path: Path, check_layout: Check) -> None:
    """A folder of any name without a card is read in the form that is stated."""
    folder = tmp_path / "qwen3-rr"
    make_qwen3(folder)
    recipe = token_recipe(folder, qwen3(), "yes", "no")
    check_layout("Qwen3-Reranker, original, prompt: qwen3_reranker", folder, recipe, prompt="qwen3_reranker")


def test_qwen3_from_the_hub(tmp_path: Path, check_layout: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of the hub is known by its id."""
    folder = tmp_path / "m"
    make_qwen3(folder, QWEN_CHAT)
    name = cache_as(folder, "Qwen/Qwen3-Reranker-4B", tmp_path / "hub", monkeypatch)
    recipe = token_recipe(folder, qwen3(), "yes", "no")
    check_layout("Qwen3-Reranker, original, hub id", name, recipe, exports="score")


def test_qwen3_template_without_modules(tmp_path: Path, check_layout: Check) -> None:
    """A template that only this family has names the form, in a folder of any name."""
    folder = tmp_path / "m"
    make_qwen3(folder, QWEN3_TEMPLATE)
    recipe = token_recipe(folder, qwen3(), "yes", "no")
    check_layout("Qwen3-Reranker, its template, no modules", folder, recipe)


@pytest.mark.parametrize(
    ("template", "words"),
    [(QWEN_CHAT, "Qwen3 chat template"), (None, "no template"), (QWEN3_TEMPLATE, "its template")],
)
def test_qwen3_as_a_classifier(tmp_path: Path, check_layout: Check, template: str | None, words: str) -> None:
    """The conversion to a classifier reads a pair of templates."""
    folder = make_classifier(tmp_path / "Qwen3-Reranker-0.6B-seq-cls", template)
    exports = "refused" if template == QWEN3_TEMPLATE else "score"
    recipe = classifier_recipe(folder, qwen3_pair)
    check_layout(f"Qwen3-Reranker-seq-cls, {words}", folder, recipe, exports=exports)


def test_qwen3_as_a_text_only_classifier(tmp_path: Path, check_layout: Check) -> None:
    """Modules without messages do not say the template."""
    folder = make_classifier(tmp_path / "Qwen3-Reranker-0.6B-seq-cls", QWEN_CHAT)
    state_text_only(folder)
    check_layout("Qwen3-Reranker-seq-cls, text-only modules", folder, classifier_recipe(folder, qwen3_pair))
