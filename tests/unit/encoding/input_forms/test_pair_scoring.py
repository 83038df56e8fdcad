"""How a model scores pairs is found from its files, or refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evalkit.encoding.checkpoints.model_files import ModelFiles, read_model_files
from evalkit.encoding.input_forms import (
    ClassifierHead,
    PromptSettings,
    TokenHead,
    find_scoring,
    plain_pair_remark,
    preset_names,
)
from evalkit.encoding.input_forms.pair_scoring import recognised
from evalkit.encoding.input_forms.presets import PRESETS, preset_named
from evalkit.errors import InputError, InputNote, UnknownNameError

pytest.importorskip("transformers", reason="needs the local extra")

PAIR_TEMPLATE = (
    "{% for m in messages %}{% if m.role in ('query', 'document') %}{{ m.content }}{% endif %}{% endfor %}"
)
ANSWERED = {"template": "{query}{document}", "true_token": "yes"}
ANY_ROLE = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
NAMES = {
    "qwen3_reranker": ("Qwen3", ["Qwen3-Reranker-0.6B", "qwen3_reranker-8b-finetuned"]),
    "bge_reranker_v2_gemma": ("Gemma", ["bge-reranker-v2-gemma"]),
    "mxbai_rerank_v2": ("Qwen2", ["mxbai-rerank-base-v2", "mxbai-rerank-large-v2"]),
    "zerank": ("Qwen3", ["zerank-1", "zerank-1-small", "zerank-2-reranker"]),
    "ctxl_rerank_v2": ("Qwen3", ["ctxl-rerank-v2-instruct-multilingual-1b"]),
    "llama_nemotron_rerank": ("Llama", ["llama-nemotron-rerank-1b-v2", "llama-3.2-nv-rerankqa-1b-v2"]),
}
"""Preset -> family and names of repositories."""


def describe(
    folder: Path, architecture: str, template: str | None = None, card: str = "", **files: Any
) -> ModelFiles:
    """Write the files that describe a model, and return what they say."""
    folder.mkdir(parents=True, exist_ok=True)
    put = {"config.json": {"architectures": [architecture], "vocab_size": 100}, **files}
    put["tokenizer_config.json"] = {} if template is None else {"chat_template": template}
    for name, content in put.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    if card:
        (folder / "README.md").write_text(card, encoding="utf-8")
    return read_model_files(str(folder), None)


def modules(*names: str) -> dict[str, Any]:
    """Return a ``modules.json`` with modules of these names."""
    listed = [{"type": f"sentence_transformers.{name}", "path": ""} for name in names]
    return {"modules.json": listed}


def test_every_preset_has_names_of_its_own() -> None:
    """Each repository is named by one preset alone."""
    assert set(NAMES) <= set(preset_names())
    for preset, (_, repositories) in NAMES.items():
        for repository in repositories:
            assert [one.name for one in PRESETS if one.is_named(repository)] == [preset]


@pytest.mark.parametrize("preset", NAMES)
def test_a_repository_is_known_by_its_name(tmp_path: Path, preset: str) -> None:
    """A folder with the repository's name and the family's architecture gets its form, in any case of letters."""
    family, repositories = NAMES[preset]
    ending = "ForCausalLM" if preset_named(preset).head else "ForSequenceClassification"
    for repository in repositories:
        for name in (repository, repository.upper()):
            found = find_scoring(describe(tmp_path / name, f"{family}{ending}"))
            assert found is not None
            assert (found.form, found.head) == (
                preset_named(preset).form,
                preset_named(preset).head or ClassifierHead(),
            )


def test_a_name_does_not_make_an_architecture(tmp_path: Path) -> None:
    """A model of another architecture is not read in a form because of its name."""
    files = describe(tmp_path / "Qwen3-Reranker-0.6B", "MistralForCausalLM")
    assert recognised(files) is None
    with pytest.raises(InputError, match="no module that says which tokens"):
        find_scoring(files)


def test_a_snapshot_is_known_by_its_repository(tmp_path: Path) -> None:
    """A folder in the hub's cache has the name of its repository."""
    files = describe(tmp_path / "models--zeroentropy--zerank-2" / "snapshots" / "abc", "Qwen3ForCausalLM")
    found = recognised(files)
    assert found is not None
    assert found.name == "zerank"


@pytest.mark.parametrize(
    ("card", "named"),
    [
        ("# Qwen3-Reranker-0.6B\n", "Qwen3-Reranker-0.6B in its title"),
        ("# **Qwen/Qwen3-Reranker-4B**\n", "Qwen/Qwen3-Reranker-4B in its title"),
        ("---\nlicense: x\n---\n\n# Qwen3-Reranker-4B\n## Embedding", "Qwen3-Reranker-4B in its title"),
        (
            "---\nbase_model: Qwen/Qwen3-Reranker-0.6B\n---\nText",
            "Qwen/Qwen3-Reranker-0.6B as its base model",
        ),
        (
            "---\r\ntags:\r\n- x\r\nbase_model:\r\n- 'Qwen/Qwen3-Reranker-0.6B'  # it\r\nlicense: x\r\n---\r\n",
            "Qwen/Qwen3-Reranker-0.6B as its base model",
        ),
        (
            "---\nbase_model: [Qwen/Qwen3-0.6B, qwen/qwen3-reranker-8b]\n---\n# My ranker\n",
            "qwen/qwen3-reranker-8b as its base model",
        ),
    ],
)
def test_a_model_is_known_by_its_card(tmp_path: Path, card: str, named: str) -> None:
    """The title of a model card and its base model name the form, which is said with how to choose another."""
    files = describe(tmp_path / "m", "Qwen3ForCausalLM", card=card)
    with pytest.warns(InputNote, match=f"its model card names {re.escape(named)}.*; .*set prompt") as caught:
        found = recognised(files)
    assert found is not None
    assert found.name == "qwen3_reranker"
    assert ("true_token: ..., false_token" in str(caught[0].message)) == ("base model" in named)


@pytest.mark.parametrize(
    "card",
    [
        "# A chat model\n| [Qwen3-Reranker-0.6B](https://huggingface.co/Qwen/Qwen3-Reranker-0.6B) | 65.8 |\n",
        "# My ranker\nWe compare with `Qwen/Qwen3-Reranker-0.6B` and `zeroentropy/zerank-2`.\n",
        'Text\n```python\nmodel = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-Reranker-0.6B")\n```\n',
        "```python\n# Qwen3-Reranker-0.6B\n```\n# My ranker\n",
        "# Better than Qwen3-Reranker-0.6B\n",
        "# My ranker\n# Qwen3-Reranker-0.6B\n",
        "# My ranker\nbase_model: Qwen/Qwen3-Reranker-0.6B\n",
        "---\nbase_model: Qwen/Qwen3-0.6B\ndatasets:\n- Qwen/Qwen3-Reranker-0.6B\n---\n",
        "---\nbase_model: someone/Qwen3-Reranker-0.6B\n---\n",
        "---\nbase_model: Qwen/Qwen3-Reranker-0.6B-chat\n---\n",
        "---\nbase_model:\n- Qwen/Qwen3-Reranker-0.6B\n- zeroentropy/zerank-2\n---\n",
        "---\nbase_model: [\n---\n",
    ],
)
def test_a_card_that_names_others_is_no_evidence(tmp_path: Path, card: str) -> None:
    """What a card compares with, is trained on or loads does not make a model one of them: it is refused."""
    files = describe(tmp_path / "m", "Qwen3ForCausalLM", card=card)
    assert recognised(files) is None
    with pytest.raises(InputError, match="not a reranker whose input form is known") as caught:
        find_scoring(files)
    assert "prompt: NAME" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "name",
    [
        "qwen3-0.6b-distilled-from-zerank-2",
        "not-a-zerank-2-but-chat",
        "my-Qwen3-Reranker-0.6B",
        "vllm-zerank-1",
        "zerank-1.5",
        "zerank-3",
        "zerank-2b",
        "qwen3-rerankers",
        "mxbai-rerank-base-v2.1",
        "zerank-2/checkpoint-500",
    ],
)
def test_a_name_that_contains_another_is_no_evidence(tmp_path: Path, name: str) -> None:
    """A published name counts at the begin of the last part of a name alone, and as a whole."""
    for preset in NAMES:
        assert not preset_named(preset).is_named(name)
    with pytest.raises(InputError, match="not a reranker whose input form is known"):
        find_scoring(describe(tmp_path / name, "Qwen3ForCausalLM"))


@pytest.mark.parametrize(
    "name",
    [
        "zerank-2",
        "ZeRank-2",
        "zeroentropy__zerank-2",
        "zeroentropy--zerank-2",
        "models--zeroentropy--zerank-2/snapshots/abc",
        "zerank-1-small-plain-template",
        "zerank-2-ST",
        "zerank-2@main",
        "zerank-2.onnx",
        "zerank-2_8bit",
    ],
)
def test_a_name_has_an_owner_or_further_words(tmp_path: Path, name: str) -> None:
    """Folders of downloads, of the hub's cache and of conversions have the published name with more around it."""
    found = recognised(describe(tmp_path / name, "Qwen3ForCausalLM"))
    assert found is not None
    assert found.name == "zerank"


def test_a_folder_inside_the_hubs_cache_has_its_own_name(tmp_path: Path) -> None:
    """Only a revision of a repository in the cache has the repository's name."""
    folder = tmp_path / "models--zeroentropy--zerank-2" / "mine"
    assert recognised(describe(folder, "Qwen3ForCausalLM")) is None


def test_doubtful_answers_are_refused(tmp_path: Path) -> None:
    """Sources do not agree on the tokens of mt5-13b-mmarco-100k, so they must be stated."""
    said = {"config.json": {"architectures": ["MT5ForConditionalGeneration"], "model_type": "mt5"}}
    files = describe(tmp_path / "mt5-13b-mmarco-100k", "", **said)
    with pytest.raises(InputError, match="do not say with which tokens") as caught:
        find_scoring(files)
    assert "true_token: ..., false_token: ..." in (caught.value.hint or "")


def test_the_library_applies_what_modules_and_template_say(tmp_path: Path) -> None:
    """Modules that read tokens, with a template for pairs, need no form, whatever the model's name."""
    score = {"1_LogitScore/config.json": {"true_token_id": 1, "false_token_id": 2}}
    said = {**modules("Transformer", "LogitScore"), **score}
    for template in (PAIR_TEMPLATE, ANY_ROLE):
        files = describe(tmp_path / "Qwen3-Reranker-0.6B", "Qwen3ForCausalLM", template, **said)
        assert find_scoring(files) is None


def test_a_classifier_with_a_template_for_pairs_needs_no_form(tmp_path: Path) -> None:
    """A chat template that names query and document is that of a reranker; one for any role is not."""
    assert find_scoring(describe(tmp_path / "a", "Qwen3ForSequenceClassification", PAIR_TEMPLATE)) is None
    with pytest.raises(InputError, match="chat template without the roles"):
        find_scoring(describe(tmp_path / "b", "Qwen3ForSequenceClassification", ANY_ROLE))


def test_a_decoder_without_a_template_warns(tmp_path: Path) -> None:
    """A classifier made of a language model is read as a plain pair, with a remark; an encoder without one."""
    decoder = describe(tmp_path / "a", "LlamaForSequenceClassification")
    encoder = describe(tmp_path / "b", "BertForSequenceClassification")
    assert find_scoring(decoder) is find_scoring(encoder) is None
    assert re.search("as a plain pair.*set prompt", plain_pair_remark(decoder) or "")
    assert plain_pair_remark(encoder) is None


def test_a_stated_form_comes_first(tmp_path: Path) -> None:
    """What the configuration states counts, whatever the model's name."""
    files = describe(tmp_path / "zerank-2", "Qwen3ForCausalLM")
    stated = PromptSettings.model_validate(ANSWERED)
    found = find_scoring(files, stated)
    assert found is not None
    assert (found.form.pieces, found.head) == ((stated.template,), TokenHead("yes"))
    found = find_scoring(files, "qwen3_reranker")
    assert found is not None
    assert found.form.name == "qwen3_reranker"
    with pytest.raises(UnknownNameError, match="unknown input form 'qwen'"):
        find_scoring(files, "qwen")


def test_a_stated_form_must_suit_the_model(tmp_path: Path) -> None:
    """Tokens are for causal models, and templates for models that score pairs."""
    alone = PromptSettings(template="{query}{document}")
    answering = PromptSettings.model_validate(ANSWERED)
    with pytest.raises(InputError, match="has no true_token"):
        find_scoring(describe(tmp_path / "a", "Qwen3ForCausalLM"), alone)
    classifier = describe(tmp_path / "b", "BertForSequenceClassification")
    with pytest.raises(InputError, match="no tokens to answer with"):
        find_scoring(classifier, answering)
    found = find_scoring(classifier, alone)
    assert found is not None
    assert found.head == ClassifierHead()
    with pytest.raises(InputError, match="is for sequence classifiers of decoders"):
        find_scoring(describe(tmp_path / "d", "LlamaForCausalLM"), "llama_nemotron_rerank")
    with pytest.raises(InputError, match="so that prompt does not apply"):
        find_scoring(describe(tmp_path / "c", "BertModel"), alone)


@pytest.mark.parametrize(
    ("preset", "architecture", "kind"),
    [
        (
            "qwen3_reranker",
            "BertForSequenceClassification",
            r"decoders \(Qwen3ForCausalLM, Qwen3ForSequenceClassification\)",
        ),
        ("mxbai_rerank_v2", "ModernBertForSequenceClassification", r"decoders \(Qwen2ForCausalLM, "),
        ("monot5", "Qwen3ForCausalLM", r"encoder-decoder models \(T5ForConditionalGeneration, MT5"),
        ("rankt5", "BertForSequenceClassification", r"encoder-decoder models \(T5"),
        (
            "zerank",
            "T5ForConditionalGeneration",
            r"decoders \(Qwen3ForCausalLM, Qwen3ForSequenceClassification\)",
        ),
        ("llama_nemotron_rerank", "BertForSequenceClassification", "sequence classifiers of decoders"),
        ("bge_reranker_v2_minicpm_layerwise", "Qwen3ForCausalLM", r"layerwise models \(LayerWiseMiniCPM"),
        ("bge_reranker_v2_gemma", "LayerWiseMiniCPMForCausalLM", r"decoders \(GemmaForCausalLM, "),
    ],
)
def test_a_preset_of_another_architecture(tmp_path: Path, preset: str, architecture: str, kind: str) -> None:
    """A preset that is named for a model of another kind is refused, with the architectures that it is for."""
    kept = {"model_type": "t5"} if architecture.startswith("T5") else {}
    files = describe(tmp_path, "", **{"config.json": {"architectures": [architecture], **kept}})
    said = rf"the input form {preset} is for {kind}.* not for the model .* \({architecture}\)"
    with pytest.raises(InputError, match=said) as caught:
        find_scoring(files, preset)
    hint = caught.value.hint or ""
    assert hint.removeprefix("remove prompt, or ").startswith("set prompt: {template")
    assert hint.startswith("remove") == architecture.endswith("ForSequenceClassification")
    assert preset not in hint, "only forms that fit are named"


@pytest.mark.parametrize(
    ("preset", "architecture"),
    [
        ("qwen3_reranker", "Qwen2ForCausalLM"),
        ("bge_reranker_v2_gemma", "Gemma2ForCausalLM"),
        ("mxbai_rerank_v2", "Qwen2ForSequenceClassification"),
        ("llama_nemotron_rerank", "Qwen3ForSequenceClassification"),
    ],
)
def test_a_preset_of_a_related_architecture(tmp_path: Path, preset: str, architecture: str) -> None:
    """A decoder of another family can be trained with the same form, so it can be stated."""
    found = find_scoring(describe(tmp_path, architecture), preset)
    assert found is not None
    assert found.form.name == preset


def test_modular_models_need_no_form(tmp_path: Path) -> None:
    """A model of modules with its own head is scored by them."""
    said = modules("Transformer", "Pooling", "Dense")
    assert find_scoring(describe(tmp_path, "Qwen3ForCausalLM", **said)) is None
