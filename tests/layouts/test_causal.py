"""Rerankers that were trained with a template: each layout of their repositories scores as its card does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.causal_recipes import (
    MXBAI_AFTER,
    MXBAI_BEFORE,
    MXBAI_TASK,
    QWEN3_AFTER,
    QWEN3_BEFORE,
    QWEN3_TASK,
    classifier_recipe,
    ctxl,
    gemma,
    mxbai,
    nemotron,
    plain,
    qwen3,
    qwen3_pair,
    token_recipe,
    zerank,
)
from support.hub_copies import cache_as
from support.recipes import pair_recipe
from support.tiny_models import ONE_LABEL, SMALL, edit, put, qwen_sizes, save
from support.tiny_tokenizers import Vocabulary, gemma_tokenizer, llama_tokenizer, qwen_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

Check = Callable[..., Any]
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
YES_NO = {"template": "Q: {query}\nD: {document}\nRelevant:", "true_token": "yes", "false_token": "no"}


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


# --- Qwen3-Reranker -----------------------------------------------------------------------------------------------


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


# --- other families -------------------------------------------------------------------------------------------------


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


# --- stated forms -----------------------------------------------------------------------------------------------------


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
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    vocabulary = qwen_tokenizer(folder)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 4096, "vocab_size": vocabulary.size}
    save(folder, GPT2LMHeadModel(GPT2Config(**sizes)))
    check_layout("GPT-2, stated form", folder, token_recipe(folder, stated, "yes", "no"), prompt=YES_NO)


def test_modules_with_absolute_positions(tmp_path: Path, check_layout: Check) -> None:
    """Where the library pads on the left, positions are still those of each input alone."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    vocabulary = qwen_tokenizer(folder, **chat(QWEN3_TEMPLATE))
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 4096, "vocab_size": vocabulary.size}
    save(folder, GPT2LMHeadModel(GPT2Config(**sizes)))
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
    """An instruction is refused by a form and by a template that have no place for it."""
    folder = tmp_path / "zerank-2"
    vocabulary = make_qwen3(folder, ZERANK_TEMPLATE)
    message = "no place for an instruction"
    state_modules(folder, vocabulary["Yes"], None)
    check_refused("zerank-2, modules, instruction", folder, message, instruction="Find code")
    (folder / "modules.json").unlink()
    check_refused("zerank-2, instruction", folder, message, instruction="Find code")


# --- refusals and warnings ------------------------------------------------------------------------------------------


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
    from transformers import GPT2Config, GPT2ForSequenceClassification

    folder = tmp_path / "gpt2"
    vocabulary = qwen_tokenizer(folder)
    edit(folder, "tokenizer_config.json", pad_token=...)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 4096, "vocab_size": vocabulary.size}
    save(folder, GPT2ForSequenceClassification(GPT2Config(**sizes, **ONE_LABEL)))
    check_layout("GPT-2 classifier", folder, pair_recipe(folder, 4096), warns="as a plain pair")
