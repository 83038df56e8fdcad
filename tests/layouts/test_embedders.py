"""Models that embed texts, in the layouts that sentence-transformers saves: pooling, layers, prompts, decoders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.embedding_recipes import embedding_recipe
from support.tiny_embedders import sentence_bert, write_dense, write_modules
from support.tiny_files import edit, put
from support.tiny_models import SMALL, TEXTS, qwen_sizes, roberta_config, save
from support.tiny_tokenizers import appended, gemma_tokenizer, qwen_tokenizer, roberta_tokenizer

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
WEB_SEARCH = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
Check = Callable[..., Any]


@pytest.fixture
def check(check_layout: Callable[..., Any]) -> Check:
    """Return the check of a model that embeds."""
    return lambda family, folder, recipe, **settings: check_layout(
        family, folder, recipe, **{"backend": "bi_encoder", "pairs": TEXTS, **settings}
    )


def test_mean_of_all_tokens(tmp_path: Path, check: Check) -> None:
    """It reads 256 tokens, of the 512 that its tables have."""
    folder = sentence_bert(tmp_path / "all-MiniLM-L6-v2", "Normalize", most=256)
    check("all-MiniLM-L6-v2 (BERT, mean)", folder, embedding_recipe(folder, most=256), exports="score")


def test_a_hub_id(hub_folder: Callable[[str], Path], check: Check) -> None:
    """A model in the cache of the hub is found by its id, its modules with it."""
    hub_id = "sentence-transformers/all-MiniLM-L6-v2"
    folder = sentence_bert(hub_folder(hub_id), "Normalize", most=256)
    check(f"hub id {hub_id} (BERT)", hub_id, embedding_recipe(folder, most=256), exports="score")


def test_first_token(tmp_path: Path, check: Check) -> None:
    """The vector of the first token is that of the text."""
    folder = sentence_bert(tmp_path / "bge-base-en-v1.5", "Normalize", pooling="cls")
    check("bge-base-en-v1.5 (BERT, cls)", folder, embedding_recipe(folder, "cls"), exports="score")


def test_two_ways_of_pooling(tmp_path: Path, check: Check) -> None:
    """Two vectors are put one after the other."""
    folder = sentence_bert(tmp_path / "two-poolings", pooling="cls+mean")
    check("two pooling modes (BERT)", folder, embedding_recipe(folder, "cls+mean"), exports="score")


def test_lower_case_and_128_tokens(tmp_path: Path, check: Check) -> None:
    """Both settings of ``sentence_bert_config.json`` hold: a cased tokenizer gets lower case, and cuts at 128."""
    from transformers import RobertaModel

    folder = tmp_path / "do-lower-case"
    save(folder, RobertaModel(roberta_config(roberta_tokenizer(folder))))
    write_modules(folder, most=128)
    edit(folder, "sentence_bert_config.json", do_lower_case=True)
    recipe = embedding_recipe(folder, most=128)
    lower = [(query.lower(), document.lower()) for query, document in TEXTS]
    check("do_lower_case, 128 tokens (RoBERTa)", folder, lambda _: recipe(lower), exports="score")


def test_prompts_of_the_two_roles(tmp_path: Path, check: Check) -> None:
    """Query and document have prompts of their own, and two layers follow the pooling; torch cannot export it."""
    from transformers import Gemma3TextConfig, Gemma3TextModel

    folder = tmp_path / "embeddinggemma-300m"
    vocabulary = gemma_tokenizer(folder, 2048)
    ids = {f"{name}_token_id": vocabulary[f"<{name}>"] for name in ("pad", "bos", "eos")}
    heads = {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 2048, "sliding_window": 128}
    config = Gemma3TextConfig(
        **SMALL, **heads, **ids, vocab_size=vocabulary.size, use_bidirectional_attention=True
    )
    save(folder, Gemma3TextModel(config))
    prompts = ("task: search result | query: ", "title: none | text: ")
    named = {"query": prompts[0], "document": prompts[1], "Clustering": "task: clustering | query: "}
    write_modules(
        folder, "Dense", "Dense", "Normalize", most=2048, prompts=named, similarity_fn_name="cosine"
    )
    write_dense(folder / "2_Dense", 32, 64)
    write_dense(folder / "3_Dense", 64, 32)
    recipe = embedding_recipe(folder, most=2048, prompts=prompts, layers=["2_Dense", "3_Dense"])
    check("embeddinggemma-300m (Gemma 3, two Dense)", folder, recipe, exports="refused")


def test_a_default_prompt(tmp_path: Path, check: Check) -> None:
    """A role that has a prompt of its own does not get the default one."""
    prompts = {"query": "query: ", "document": "passage: "}
    folder = sentence_bert(tmp_path / "default-prompt", prompts=prompts, default_prompt_name="document")
    recipe = embedding_recipe(folder, prompts=("query: ", "passage: "))
    check("default_prompt_name: document (BERT)", folder, recipe)


def test_prompts_of_the_configuration(tmp_path: Path, check: Check) -> None:
    """A card that names prompts which its files do not have: they are set by hand."""
    folder = sentence_bert(tmp_path / "e5-base-v2", "Normalize")
    settings = {"query_prompt": "query: ", "document_prompt": "passage: "}
    recipe = embedding_recipe(folder, prompts=("query: ", "passage: "))
    check("e5-base-v2 (BERT), prompts set", folder, recipe, exports="score", **settings)


def test_a_prompt_outside_the_mean(tmp_path: Path, check: Check) -> None:
    """Tokens of a prompt are read, and not part of the mean; the exported model cannot do so."""
    prompts = ("Represent the question: ", "Represent the text: ")
    named = {"query": prompts[0], "document": prompts[1]}
    folder = sentence_bert(tmp_path / "instructor", prompts=named)
    edit(folder, "1_Pooling/config.json", include_prompt=False)
    recipe = embedding_recipe(folder, prompts=prompts, prompts_count=False)
    check("instructor (BERT), include_prompt: false", folder, recipe, exports="refused")


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat template"])
def test_last_token_of_a_decoder(tmp_path: Path, check: Check, chat: bool) -> None:
    """Padding is on the left, a token ends each text, the query has an instruction; a chat template changes nothing."""
    from transformers import Qwen3Config, Qwen3Model

    folder = tmp_path / "Qwen3-Embedding-0.6B"
    sizes = qwen_sizes(qwen_tokenizer(folder))
    save(folder, Qwen3Model(Qwen3Config(**sizes)), architectures=["Qwen3ForCausalLM"])
    appended(folder, "<|endoftext|>")
    prompts = {"query": WEB_SEARCH, "document": ""}
    write_modules(folder, "Normalize", pooling="lasttoken", most=None, prompts=prompts)
    if chat:
        put(
            folder, "chat_template.jinja", "{% for m in messages %}<|im_start|>{{ m['content'] }}{% endfor %}"
        )
    recipe = embedding_recipe(folder, "lasttoken", most=4096, prompts=(WEB_SEARCH, ""))
    family = "Qwen3-Embedding-0.6B (Qwen3, last token)" + (", chat template" if chat else "")
    check(family, folder, recipe, exports="score")
