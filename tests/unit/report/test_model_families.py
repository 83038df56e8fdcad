"""Families of models by name, and the warning where a judge and a system are of one family."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.result_folders import manifest_of, reranker_facts

from evalkit.records import ChosenJudgments, Rater, RaterShare
from evalkit.report.model_families import families_of, family_cautions
from evalkit.results.judgment_facts import JudgmentFacts
from evalkit.results.manifest import EndpointFacts
from evalkit.results.reranker_facts import CascadeFacts, CascadeStage

GPT = Rater("model", "gpt-4o-2024", prompt_sha256="1a2b3c4d" * 8)
QWEN = Rater("model", "judge", settings={"model": "Qwen/Qwen3-30B-A3B"})


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-4o (1a2b3c4d)", "GPT"),
        ("rankgpt-4o", "GPT"),
        ("o3-mini", "GPT"),
        ("myapp.openai.azure.com", "GPT"),
        ("Qwen/Qwen3-Reranker-0.6B", "Qwen"),
        ("Qwen2.5-7B-Instruct-GPTQ", "Qwen"),
        ("jinaai/jina-reranker-v3", "Qwen"),
        ("mixedbread-ai/mxbai-rerank-base-v2", "Qwen"),
        ("castorini/rank_vicuna_7b_v1", "Llama"),
        ("LlamaForSequenceClassification", "Llama"),
        ("ollama/llama3.2", "Llama"),
        ("claude-sonnet-4", "Claude"),
        ("intfloat/e5-mistral-7b-instruct", "Mistral"),
        ("BAAI/bge-reranker-v2-gemma", "Gemini or Gemma"),
    ],
)
def test_a_name_shows_its_family(name: str, family: str) -> None:
    """Whatever its size, version and prompt."""
    assert families_of([name]) == {family}


@pytest.mark.parametrize(
    "name",
    [
        "bm25", "minilm", "bge-reranker-v2-m3", "jina-reranker-v2", "lexical", "alpha1", "ollama", "llama.cpp",
        "llama-server", "minilm-gptq", "rankgpt", "gpt-neo-125m", "coherence", "groq", "mxbai-rerank-base-v1", "palm",
        "ms-marco-MiniLM-L6-v2", "BertForSequenceClassification", "ettin-reranker",
    ],
)  # fmt: skip
def test_other_names_show_none(name: str) -> None:
    """A reranker that is no such model is not warned of: servers, methods and file formats are no families."""
    assert not families_of([name])


def warned(*raters: Rater, **facts: Any) -> list[str]:
    """Return the warnings on a reranker ``mine`` with these facts, whose grades the raters gave."""
    shares = tuple(RaterShare(rater, 9) for rater in raters)
    judgments = JudgmentFacts.of(ChosenJudgments({}, shares=shares), (), None)
    manifest = manifest_of(["d"], ["mine"])
    (dataset,) = manifest.datasets
    endpoints = {"mine": EndpointFacts(facts.pop("replied", ()), None, None, None)}
    rerankers = {"mine": reranker_facts(**facts)}
    found = replace(
        manifest, datasets=(replace(dataset, judgments=judgments),), rerankers=rerankers, endpoints=endpoints
    )
    return [one.text for one in family_cautions(found)]


def test_every_place_that_names_a_model_counts() -> None:
    """Settings and files of the reranker, the model of its replies, and the settings of the judge."""
    assert warned(GPT) == []
    for known in ({"models": ("deployment-1", "gpt-4o-mini")}, {"replied": ("gpt-4.1-mini",)}):
        (text,) = warned(GPT, **known)
        assert "shares a model family with mine (GPT)" in text
    (text,) = warned(QWEN, models=("/models/reranker", "Qwen3ForCausalLM"))
    assert "the judge judge shares a model family with mine (Qwen)" in text
    assert warned(QWEN, models=("gpt-4o-mini",)) == []


def test_members_of_an_ensemble_count() -> None:
    """Each with its tag and its settings; the warning names the ensemble."""
    members = {"luna": GPT.form, "sol": QWEN.form, "lost": None}
    ensemble = Rater("model", "mean of luna, sol, lost", settings={"combine": "mean", "members": members})
    (text,) = warned(ensemble, models=("Qwen/Qwen3-Reranker-4B",))
    assert "the judge mean of luna, sol, lost shares a model family with mine (Qwen)" in text
    by_tag = Rater("model", "mean of a", settings={"members": {"claude-haiku": None}})
    assert len(warned(by_tag, models=("anthropic.claude-3",))) == 1


def test_a_cascade_has_the_families_of_its_stages() -> None:
    """A judge may favour the documents that one of them brings to the top."""
    manifest = manifest_of(["d"], ["large"])
    (dataset,) = manifest.datasets
    judgments = JudgmentFacts.of(ChosenJudgments({}, shares=(RaterShare(GPT, 9),)), (), None)
    cascade = CascadeFacts((CascadeStage("large", None),), "kept", None)
    rerankers = {"large": reranker_facts(models=("gpt-4o",)), "two": reranker_facts(cascade=cascade)}
    datasets = (replace(dataset, judgments=judgments),)
    found = list(family_cautions(replace(manifest, datasets=datasets, rerankers=rerankers)))
    assert [one.text.partition(" shares a model family with ")[2].split()[0] for one in found] == [
        "large",
        "two",
    ]
