"""The prompts that evalkit writes are part of the identity under which scores are stored."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.config import reranker_settings
from evalkit.dialects import decision_records
from evalkit.rerankers import (
    decisions_settings,
    grade_prompt,
    list_questions,
    relevance_prompt,
)
from evalkit.store import identity_of, material_settings

CHAT = {"backend": "chat", "url": "http://127.0.0.1:9", "model": "m"}
DECISIONS = {"backend": "decisions", "contract": "openai", "model": "m"}
FORMS: list[dict[str, Any]] = [
    {**CHAT, "form": "yes_no"},
    {**CHAT, "form": "graded"},
    {**CHAT, "form": "setwise"},
    {**CHAT, "form": "pairwise"},
    {**CHAT, "form": "first_token"},
    {"backend": "listwise", "url": "http://127.0.0.1:9", "model": "m"},
    {**DECISIONS, "shape": "list"},
    {**DECISIONS, "shape": "single", "contract": "system_one"},
]
EDITS = {
    "yes_no": (relevance_prompt, "_TEMPLATE"),
    "graded": (grade_prompt, "_TEMPLATE"),
    "decisions": (decision_records, "_INSTRUCTED"),
}


@pytest.mark.parametrize(
    "block", FORMS, ids=lambda block: block.get("form") or block.get("shape", "listwise")
)
def test_another_prompt_is_another_identity(block: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An edited template changes the identity though no setting does; without an edit it is always the same."""
    before = identity_of(reranker_settings(block))
    assert identity_of(reranker_settings(block)) == before
    settings = reranker_settings(block)
    assert material_settings(settings)["prompt_sha256"] == settings.prompt_sha256
    edited = EDITS.get(block.get("form") or block["backend"])
    if edited is None:
        question = list_questions._question
        monkeypatch.setattr(list_questions, "_question", lambda *texts: f"Please. {question(*texts)}")
    else:
        module, name = edited
        monkeypatch.setattr(module, name, f"{getattr(module, name)} Please.")
    assert identity_of(reranker_settings(block)) != before


@pytest.mark.parametrize("shape", ["list", "single"])
def test_where_texts_are_put_is_part_of_the_prompt(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of the fields of a decision model are read by it."""
    block = {**DECISIONS, "shape": shape}
    before = identity_of(reranker_settings(block))
    assert decisions_settings.QUERY == "query"
    monkeypatch.setattr(decisions_settings, "QUERY", "search")
    assert identity_of(reranker_settings(block)) != before


def test_how_texts_are_cleaned_is_part_of_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done to brackets changes what a model reads."""
    before = reranker_settings(FORMS[4]).prompt_sha256
    monkeypatch.setattr("evalkit.rerankers.chat_settings.without_letters", lambda text: text)
    assert reranker_settings(FORMS[4]).prompt_sha256 != before


def test_models_and_limits_are_no_prompts() -> None:
    """The hash is that of the wording alone; a backend without prompts of ours has none."""
    for block in FORMS:
        other = reranker_settings({**block, "model": "n", "timeout_s": 9, "options": {"seed": 1}})
        assert other.prompt_sha256 == reranker_settings(block).prompt_sha256
    for block in ({"backend": "lexical"}, {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank"}):
        assert reranker_settings(block).prompt_sha256 is None
        assert "prompt_sha256" not in identity_of(reranker_settings(block))
