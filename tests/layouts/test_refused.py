"""Models that once gave scores that were not theirs, without a word: each is refused, in words that name the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.causal_models import QWEN3_TEMPLATE
from support.late_models import make_late_interaction
from support.tiny_embedders import sentence_bert
from support.tiny_models import ONE_LABEL, bert_config, edit, put, qwen_sizes, save, xlmr_config
from support.tiny_tokenizers import bert_tokenizer, qwen_tokenizer, t5_tokenizer, xlmr_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
Weights = dict[str, Any]
NO_HEAD, NO_EMBEDDING = "has no head that scores pairs", "is not trained to embed texts"
CODE = """
from transformers import BertForSequenceClassification, BertModel


class OwnModel(BertModel):
    pass


class OwnForSequenceClassification(BertForSequenceClassification):
    pass
"""


def make_bert(folder: Path, **config: Any) -> Path:
    """Save a BERT that scores pairs."""
    from transformers import BertForSequenceClassification

    network = BertForSequenceClassification(bert_config(bert_tokenizer(folder), **ONE_LABEL))
    return save(folder, network, **config)


def change_weights(folder: Path, change: Callable[[Weights], Weights]) -> Path:
    """Change the weights of a folder."""
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})
    return folder


def without(part: str) -> Callable[[Weights], Weights]:
    """Return a function that drops the weights with a part in their names."""
    return lambda weights: {name: weight for name, weight in weights.items() if part not in name}


def renamed(weights: Weights) -> Weights:
    """Return weights whose encoder has another name."""
    return {name.replace("bert.encoder", "bert.backbone"): weight for name, weight in weights.items()}


def more(name: str) -> Weights:
    """Return a weight of this name."""
    import torch

    return {f"{name}.weight": torch.ones(4, 8)}


def make_own_code(folder: Path, name: str, **auto_map: str) -> Path:
    """Save a BERT that says that it needs code of its own, as the first models of Jina do."""
    put(folder, "modeling_own.py", CODE)
    return make_bert(folder, architectures=[name], auto_map=auto_map)


def make_masked(folder: Path) -> Path:
    """Save a plain masked language model."""
    from transformers import BertForMaskedLM

    return save(folder, BertForMaskedLM(bert_config(bert_tokenizer(folder))))


def make_splade(folder: Path) -> Path:
    """Save a sparse embedding model as sentence-transformers does."""
    kinds = ["MLMTransformer", "SpladePooling"]
    set_sparse = [
        {
            "idx": n,
            "name": str(n),
            "path": f"{n}_{kind}" * n,
            "type": f"sentence_transformers.sparse_encoder.models.{kind}",
        }
        for n, kind in enumerate(kinds)
    ]
    put(make_masked(folder), "modules.json", set_sparse)
    put(folder, "1_SpladePooling/config.json", {"pooling_strategy": "max", "activation_function": "relu"})
    put(
        folder,
        "config_sentence_transformers.json",
        {"model_type": "SparseEncoder", "similarity_fn_name": "dot"},
    )
    return folder


def make_causal(folder: Path, **config: Any) -> Path:
    """Save a Qwen3."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    network = Qwen3ForCausalLM(Qwen3Config(**qwen_sizes(qwen_tokenizer(folder), **config)))
    return save(folder, network)


def make_causal_reranker(folder: Path) -> Path:
    """Save a Qwen3 with a template for pairs, and modules that score yes against no."""
    types = ("base.modules.transformer.Transformer", "cross_encoder.modules.logit_score.LogitScore")
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.{types[n]}"}
        for n, path in enumerate(("", "1_LogitScore"))
    ]
    put(make_causal(folder), "modules.json", modules)
    edit(folder, "tokenizer_config.json", chat_template=QWEN3_TEMPLATE)
    put(folder, "1_LogitScore/config.json", {"true_token_id": 5, "false_token_id": 6})
    put(folder, "config_sentence_transformers.json", {"model_type": "CrossEncoder"})
    put(folder, "sentence_bert_config.json", {"transformer_task": "text-generation"})
    return folder


def make_monot5(folder: Path) -> Path:
    """Save an encoder-decoder model."""
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": 0,
    }
    network = T5ForConditionalGeneration(T5Config(**sizes, vocab_size=t5_tokenizer(folder).size))
    return save(folder, network)


def make_bge(folder: Path) -> Path:
    """Save an XLM-RoBERTa that scores pairs."""
    from transformers import XLMRobertaForSequenceClassification

    return save(folder, XLMRobertaForSequenceClassification(xlmr_config(xlmr_tokenizer(folder), **ONE_LABEL)))


ATTENTION = "bert.encoder.layer.0.attention.self"
PROMPT = {"template": "{query} {document}", "true_token": "yes", "false_token": "no"}
"""Says how a causal model is read, so that other faults of it are found."""
INCOMPLETE: Mapping[str, tuple[Callable[[Path], object], str, str]] = {
    "no architectures, head missing": (
        lambda folder: (edit(folder, "config.json", architectures=...), change_weights(folder, without("classifier"))),
        r"lacks weights of BertForSequenceClassification, .*: classifier\.bias, classifier\.weight$",
        "a trained head",
    ),
    "classifier weights missing": (
        lambda folder: change_weights(folder, without("classifier")),
        r"lacks weights of BertForSequenceClassification",
        "a trained head",
    ),
    "encoder weights under other names": (
        lambda folder: change_weights(folder, renamed),
        r"lacks weights .* and 29 more$",
        r"have bert\.backbone\.layer\.0\.\S+ in place of bert\.encoder\.layer\.0",
    ),
    "config.json says 3 layers, the files have 2": (
        lambda folder: edit(folder, "config.json", num_hidden_layers=3),
        r"lacks weights .*: bert\.encoder\.layer\.2\.\S+, .* and 13 more$",
        "correct its config.json",
    ),
    "pooler missing before the classifier": (
        lambda folder: change_weights(folder, without("pooler")),
        r"lacks weights .*: bert\.pooler\.dense\.bias, bert\.pooler\.dense\.weight$",
        "download",
    ),
    "config.json says 1 layer, the files have 2": (
        lambda folder: edit(folder, "config.json", num_hidden_layers=1),
        r"has no place: bert\.encoder\.layer\.1\.\S+, .* and 13 more$",
        "number of layers",
    ),
    "relative positions, which transformers no longer has": (
        lambda folder: change_weights(folder, lambda weights: {**weights, **more(f"{ATTENTION}.distance_embedding")}),
        r"has no place: \S+distance_embedding\.weight$",
        "the version that its model card names",
    ),
    "an adapter that is not merged": (
        lambda folder: change_weights(folder, lambda weights: {**weights, **more(f"{ATTENTION}.query.lora_A")}),
        r"has no place: \S+lora_A\.weight$",
        "merge the adapter",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INCOMPLETE)
def test_weights_that_do_not_fit(tmp_path: Path, check_refused: Callable[..., Any], name: str) -> None:
    """What transformers would fill with random numbers is named, and what it would drop."""
    change, message, hint = INCOMPLETE[name]
    change(make_bert(tmp_path))
    check_refused(f"BERT, {name}", tmp_path, message, hint=hint)


def test_an_output_layer_that_is_missing(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """A causal model whose output layer is its own, and not its embeddings, needs it; a shared one is not missing."""
    folder = make_causal_reranker(tmp_path)
    put(
        folder,
        "config.json",
        (folder / "config.json").read_text().replace('embeddings": true', 'embeddings": false'),
    )
    message = r"lacks weights of Qwen3ForCausalLM, which would be random: lm_head\.weight$"
    change_weights(folder, without("lm_head"))
    check_refused("Qwen3-Reranker, lm_head missing", folder, message, prompt=PROMPT)


def test_a_layer_of_a_stanford_model_is_missing(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """The names of its weights are converted, and still none may be missing."""
    change_weights(make_late_interaction(tmp_path, "stanford"), without("layer.1."))
    name = "colbertv2.0 (Stanford), a layer missing"
    check_refused(name, tmp_path, r"lacks weights of BertModel", backend="late_interaction")


def test_biases_that_a_causal_model_ignores(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Files with the biases of a model whose configuration has none."""
    make_causal(tmp_path, attention_bias=True)
    edit(tmp_path, "config.json", attention_bias=False)
    message = r"has no place: model\.layers\.0\.self_attn\.k_proj\.bias, .* and 5 more$"
    check_refused("Qwen3, biases that config.json denies", tmp_path, message, prompt=PROMPT)


def test_a_stanford_model_with_more_layers_than_its_configuration(
    tmp_path: Path, check_refused: Callable[..., Any]
) -> None:
    """The names of its weights are converted, and still none inside the network may be dropped."""
    make_late_interaction(tmp_path, "stanford")
    edit(tmp_path, "config.json", num_hidden_layers=1)
    name = "colbertv2.0 (Stanford), config.json says 1 layer"
    check_refused(name, tmp_path, r"has no place: \S*layer\.1\.", backend="late_interaction")


def test_an_embedding_model_with_more_layers_than_its_configuration(
    tmp_path: Path, check_refused: Callable[..., Any]
) -> None:
    """Its encoder has no prefix."""
    edit(sentence_bert(tmp_path), "config.json", num_hidden_layers=1)
    name = "all-MiniLM-L6-v2, config.json says 1 layer"
    check_refused(name, tmp_path, r"has no place: encoder\.layer\.1\.", backend="bi_encoder")


@pytest.mark.parametrize("limit", ["512", {"a": 1}])
def test_a_length_limit_that_is_no_number(
    tmp_path: Path, check_refused: Callable[..., Any], limit: Any
) -> None:
    """It is named with its value."""
    sentence_bert(tmp_path)
    edit(tmp_path, "sentence_bert_config.json", max_seq_length=limit)
    name, message = f"max_seq_length {limit!r}", "the limit max_seq_length .*, which is not a positive number"
    check_refused(name, tmp_path, message, backend="bi_encoder")


def test_an_embedding_model_without_a_pooling(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Its modules make no vector of a text."""
    sentence_bert(tmp_path)
    listed = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    put(tmp_path, "modules.json", listed)
    message = "no module that makes one vector of a text: its modules are Transformer"
    check_refused("Transformer alone", tmp_path, message, hint="add a Pooling module", backend="bi_encoder")


def test_weights_of_another_shape(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Two labels in the files and one in the configuration are named, with what to add."""
    from transformers import BertForSequenceClassification

    network = BertForSequenceClassification(bert_config(bert_tokenizer(tmp_path), num_labels=2))
    save(tmp_path, network, architectures=...)
    message = r"classifier\.\S+ has the shape \(2.*describes \(1"
    name = "nboost (2 labels, config.json without architectures)"
    check_refused(name, tmp_path, message, hint='add "architectures": ."BertForSequenceClassification"')


def test_code_of_a_reranker_that_is_not_trusted(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Transformers' own class for the model type would load in its place."""
    code = {
        "AutoModel": "modeling_own.OwnModel",
        "AutoModelForSequenceClassification": "modeling_own.OwnForSequenceClassification",
    }
    folder = make_own_code(tmp_path, "OwnForSequenceClassification", **code)
    message = r"not trusted: modeling_own\.py \(AutoModelForSequenceClassification\)"
    check_refused(
        "jina-reranker-v1 (model_type bert, own code), untrusted", folder, message, hint="trust_remote_code"
    )


def test_code_of_an_embedding_model_that_is_not_trusted(
    tmp_path: Path, check_refused: Callable[..., Any]
) -> None:
    """The code may be in another repository, which is named."""
    sentence_bert(tmp_path)
    edit(
        tmp_path,
        "config.json",
        auto_map={"AutoModel": "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"},
    )
    message = (
        r"not trusted: modeling_bert\.py of the repository jinaai/jina-bert-implementation \(AutoModel\)"
    )
    name = "jina-embeddings-v2 (model_type bert, own code), untrusted"
    check_refused(name, tmp_path, message, hint="trust_remote_code", backend="bi_encoder")


def test_a_configuration_with_code_that_is_not_trusted(
    tmp_path: Path, check_refused: Callable[..., Any]
) -> None:
    """It may change how the model is used: a template of the user does not replace it."""
    make_causal_reranker(tmp_path)
    edit(tmp_path, "config.json", auto_map={"AutoConfig": "modeling_zeranker.ZEConfig"})
    message = r"not trusted: modeling_zeranker\.py \(AutoConfig\)"
    check_refused(
        "causal model with own code in its configuration, untrusted", tmp_path, message, prompt=PROMPT
    )


def test_a_folder_without_a_tokenizer(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Transformers would make a tokenizer for which all words are unknown."""
    for file in make_bert(tmp_path).iterdir():
        if "token" in file.name or "vocab" in file.name:
            file.unlink()
    check_refused("BERT, no tokenizer", tmp_path, "knows no words", hint=r"tokenizer\.json")


def test_the_tokenizer_of_a_larger_model(tmp_path: Path, check_refused: Callable[..., Any]) -> None:
    """Tokens without a row in the embeddings are refused before any text is scored."""
    vocabulary = bert_tokenizer(tmp_path)
    from transformers import BertForSequenceClassification

    config = bert_config(vocabulary, vocab_size=vocabulary.size - 3, **ONE_LABEL)
    save(tmp_path, BertForSequenceClassification(config))
    message = rf"up to number {vocabulary.size - 1}, .* embeddings for {vocabulary.size - 3} tokens"
    check_refused("BERT, tokenizer of another model", tmp_path, message, hint="replace the tokenizer's files")


WRONG: Mapping[str, tuple[str, Callable[[Path], Path], str, str]] = {
    "a cross-encoder": ("bi_encoder", make_bert, "a sequence classifier with 1 label", "backend: cross_encoder"),
    "bge-reranker": ("bi_encoder", make_bge, "XLMRobertaForSequenceClassification", "backend: cross_encoder"),
    "monot5": ("bi_encoder", make_monot5, "an encoder-decoder model", "an embedding model"),
    "a masked language model": ("bi_encoder", make_masked, r"masked language model \(BertForMaskedLM\)", "embedding"),
    "a SPLADE model": ("bi_encoder", make_splade, r"sparse embedding model \(BertForMaskedLM\)", "one vector"),
    "a causal model": ("bi_encoder", make_causal, r"a causal language model \(Qwen3ForCausalLM\)", "cross_encoder"),
    "a causal reranker": ("bi_encoder", make_causal_reranker, "a causal reranker", "backend: cross_encoder"),
    "an embedding model": ("cross_encoder", sentence_bert, r"an embedding model \(BertModel\)", "backend: bi_encoder"),
    "a SPLADE model ": ("cross_encoder", make_splade, "a sparse embedding model", "use a cross-encoder"),
    "a masked language model ": ("cross_encoder", make_masked, "a masked language model", "use a cross-encoder"),
    "a late-interaction model": ("cross_encoder", make_late_interaction, "late-interaction model", "late_interaction"),
    "a late-interaction model ": ("bi_encoder", make_late_interaction, "late-interaction model", "late_interaction"),
    "an embedding model ": ("late_interaction", sentence_bert, "an embedding model", "backend: bi_encoder"),
    "a cross-encoder ": ("late_interaction", make_bert, "a sequence classifier", "backend: cross_encoder"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_model_of_another_kind(tmp_path: Path, check_refused: Callable[..., Any], name: str) -> None:
    """A backend says what kind of model it was given, and which backend uses it."""
    backend, make, kind, hint = WRONG[name]
    make(tmp_path)
    fault = {"cross_encoder": NO_HEAD, "bi_encoder": NO_EMBEDDING}.get(backend, "has no trained head")
    check_refused(
        f"{backend} given {name.strip()}",
        tmp_path,
        f"is .*{kind}.*, and .*{fault}",
        hint=hint,
        backend=backend,
    )
