"""Embedding models whose files choose similarity, dimensions, prompts and roles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.embedding_models import (
    library_recipe,
    make_router,
    modules_of,
    set_choices,
)
from support.tiny_embedders import sentence_bert, write_modules
from support.tiny_files import edit
from support.tiny_models import SHORT, TEXTS, bert_config, put, save, xlmr_config
from support.tiny_tokenizers import bert_tokenizer, xlmr_tokenizer

from evalkit.errors import EvalkitWarning
from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
Check = Callable[..., Any]

JINA_CODE = '''\
"""A first module with an adapter for each task."""

import torch
from sentence_transformers.models import Transformer as Plain


class Transformer(Plain):
    """Scales the vectors by a factor of the task."""

    def forward(self, features, task=None, **more):
        """Return the features; a task that is not known is an error."""
        scales = {None: 0, "retrieval.query": 2, "retrieval.passage": 3}
        if task not in scales:
            raise ValueError(f"Unsupported task {task!r}")
        features = super().forward(features, **more)
        shift = torch.arange(32, dtype=torch.float32).sin() * scales[task]
        features["token_embeddings"] = features["token_embeddings"] + shift
        return features
'''


@pytest.mark.parametrize("similarity", ["dot", "euclidean", "manhattan"])
def test_similarity(tmp_path: Path, check_layout: Check, similarity: str) -> None:
    """Scores are the similarity that the files name, on ONNX, too; the scores are no cosines then."""
    folder = sentence_bert(tmp_path, similarity_fn_name=similarity)
    family = f"similarity_fn_name: {similarity}" + " (multi-qa-*-dot-v1)" * (similarity == "dot")
    settings = {"backend": "bi_encoder", "pairs": SHORT, "tolerance": 5e-5}
    check_layout(family, folder, library_recipe(folder), exports="score", **settings)
    kind = load_reranker("bi_encoder", model=str(folder), device="cpu").score_kind
    assert kind == "unbounded"


def test_a_configured_similarity(tmp_path: Path, check_layout: Check) -> None:
    """The setting overrides the files."""
    folder = sentence_bert(tmp_path, similarity_fn_name="dot")
    recipe = library_recipe(folder, similarity_fn_name="cosine")
    check_layout("similarity: cosine over dot", folder, recipe, backend="bi_encoder", similarity="cosine")


def test_truncated_vectors(tmp_path: Path, check_layout: Check) -> None:
    """Vectors are cut to the dimensions that the files name, after all modules, on ONNX, too."""
    folder = sentence_bert(tmp_path, truncate_dim=8, similarity_fn_name="cosine")
    recipe = library_recipe(folder)
    check_layout("truncate_dim: 8 in the files", folder, recipe, backend="bi_encoder", exports="score")


def test_configured_dimensions(tmp_path: Path, check_layout: Check, check_refused: Check) -> None:
    """The setting overrides the files; more than there are is refused."""
    folder = sentence_bert(tmp_path, truncate_dim=8, similarity_fn_name="dot")
    recipe = library_recipe(folder, truncate_dim=12)
    check_layout("truncate_dim: 12 over 8", folder, recipe, backend="bi_encoder", truncate_dim=12)
    check_refused(
        "truncate_dim: 64 of 32 dimensions", folder, "they have 32", backend="bi_encoder", truncate_dim=64
    )


@pytest.mark.parametrize(
    ("family", "prompts", "query", "document"),
    [
        (
            "query, passage (nomic-embed-text-v2)",
            {"query": "find: ", "passage": "text: "},
            "find: ",
            "text: ",
        ),
        (
            "retrieval.query, retrieval.passage (jina-embeddings-v3)",
            {"retrieval.query": "find: ", "retrieval.passage": "text: ", "separation": "sort: "},
            "find: ",
            "text: ",
        ),
        ("s2p_query, s2s_query (stella)", {"s2p_query": "find: ", "s2s_query": "like: "}, "find: ", ""),
        (
            "search_query, search_document (nomic-embed-text-v1.5)",
            {"search_query": "find: ", "search_document": "text: ", "clustering": "sort: "},
            "find: ",
            "text: ",
        ),
        (
            "Retrieval-query, Retrieval-document (EmbeddingGemma)",
            {"Retrieval-query": "find: ", "Retrieval-document": "text: ", "STS": "like: "},
            "find: ",
            "text: ",
        ),
        (
            "web_search_query, sts_query (e5-mistral)",
            {"web_search_query": "find: ", "sts_query": "like: "},
            "find: ",
            "",
        ),
        ("query, document empty (Qwen3-Embedding)", {"query": "find: ", "document": ""}, None, None),
        ("query and nothing else (arctic-embed)", {"query": "find: "}, None, None),
    ],
)
def test_prompts(
    tmp_path: Path,
    check_layout: Check,
    family: str,
    prompts: dict[str, str],
    query: str | None,
    document: str | None,
) -> None:
    """The model's prompts are used by their names; where the library looks for them, as the library does."""
    folder = sentence_bert(tmp_path, prompts=prompts, default_prompt_name=None)
    recipe = library_recipe(folder, query, document)
    check_layout(f"prompts {family}", folder, recipe, backend="bi_encoder", pairs=TEXTS)


@pytest.mark.parametrize(
    ("family", "prompts", "warns"),
    [
        ("default_prompt_name, and no role", {"web": "web: "}, "none was used for queries: 'web'"),
        (
            "document empty, passage not",
            {"query": "find: ", "document": "", "passage": "web: "},
            "none was used for documents: 'passage'",
        ),
        (
            "query_en, query_de",
            {"query_en": "find: ", "query_de": "web: "},
            "queries: 'query_en', 'query_de'",
        ),
    ],
)
def test_prompts_that_are_not_used(
    tmp_path: Path, check_layout: Check, family: str, prompts: dict[str, str], warns: str
) -> None:
    """A prompt that may have been meant for a role is not used, as in the library, and evalkit says so."""
    folder = sentence_bert(tmp_path, prompts=prompts, default_prompt_name=list(prompts)[-1])
    recipe = library_recipe(folder)
    check_layout(f"prompts {family}", folder, recipe, backend="bi_encoder", pairs=TEXTS, warns=warns)


def test_e5(tmp_path: Path, check_layout: Check) -> None:
    """E5 models list no prompts, and need them: evalkit says so, and uses those that are configured."""
    folder = sentence_bert(tmp_path / "e5-base-v2")
    warns = "E5 models need them: set query_prompt: 'query: '"
    check_layout("e5-base-v2", folder, library_recipe(folder), backend="bi_encoder", pairs=TEXTS, warns=warns)
    recipe = library_recipe(folder, "query: ", "passage: ")
    prompts = {"query_prompt": "query: ", "document_prompt": "passage: "}
    check_layout(
        "e5-base-v2, prompts configured", folder, recipe, backend="bi_encoder", pairs=TEXTS, **prompts
    )


@pytest.mark.parametrize("with_length", [False, True])
def test_a_router(tmp_path: Path, check_layout: Check, *, with_length: bool) -> None:
    """Queries and documents go through the modules of their role, each with its own length limit."""
    query = modules_of(sentence_bert(tmp_path / "query", most=24))
    document = modules_of(sentence_bert(tmp_path / "document", most=48))
    _shuffle(query[0])
    folder = make_router(tmp_path / "router", query, document)
    set_choices(folder, similarity_fn_name="cosine", prompts={"query": "find: ", "document": "text: "})
    settings = {"max_length_tokens": 12} if with_length else {}
    recipe = library_recipe(folder, length=settings.get("max_length_tokens"))
    family = "Router of two networks" + ", max_length_tokens: 12" * with_length
    check_layout(family, folder, recipe, backend="bi_encoder", exports="refused", **settings)


def test_each_route_has_the_positions_of_its_own_network(tmp_path: Path, check_layout: Check) -> None:
    """A query network of few positions does not cut documents."""
    from transformers import BertModel

    config = bert_config(bert_tokenizer(tmp_path / "query"))
    config.max_position_embeddings = 24
    save(tmp_path / "query", BertModel(config))
    query = modules_of(write_modules(tmp_path / "query", most=24))
    folder = make_router(tmp_path / "router", query, modules_of(sentence_bert(tmp_path / "document")))
    recipe = library_recipe(folder)
    check_layout("Router, queries of 24 positions", folder, recipe, backend="bi_encoder", pairs=TEXTS)


def test_each_route_follows_its_own_tokenizer_file(tmp_path: Path) -> None:
    """A tokenizer that transformers builds in another way is replaced in the route for documents, too."""
    from transformers import XLMRobertaModel

    source = tmp_path / "document"
    save(source, XLMRobertaModel(xlmr_config(xlmr_tokenizer(source))))
    document = modules_of(write_modules(source))
    folder = make_router(tmp_path / "router", modules_of(sentence_bert(tmp_path / "query")), document)
    place = folder / "document_0_Transformer"
    shutil.copy(source / "tokenizer.json", place)
    edit(place, "tokenizer_config.json", tokenizer_class="RobertaTokenizer")
    with pytest.warns(EvalkitWarning, match=r"follows its tokenizer\.json; RobertaTokenizer"):
        load_reranker("bi_encoder", model=str(folder), device="cpu", threads=1)


def test_a_router_of_old_versions(tmp_path: Path, check_layout: Check) -> None:
    """`Asym` is what routers were called, with their configuration in ``config.json``."""
    parts = modules_of(sentence_bert(tmp_path / "bert"))
    other = modules_of(sentence_bert(tmp_path / "other"))
    _shuffle(other[0])
    folder = make_router(tmp_path / "router", parts, other)
    (folder / "router_config.json").rename(folder / "config.json")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Asym"}]
    put(folder, "modules.json", modules)
    check_layout("Router of old versions (Asym)", folder, library_recipe(folder), backend="bi_encoder")


def test_routes_by_mapping(tmp_path: Path, check_layout: Check) -> None:
    """Routes of any name are found by the mapping of roles to them."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Router

    parts = modules_of(sentence_bert(tmp_path / "bert", most=16))
    other = modules_of(sentence_bert(tmp_path / "other", most=32))
    _shuffle(other[0])
    routes = {("query", "text"): "a", ("document", None): "b"}
    router = Router({"b": other, "a": parts}, route_mappings=routes)
    folder = tmp_path / "router"
    SentenceTransformer(modules=[router, Normalize()], device="cpu").save(str(folder))
    check_layout("Router with route_mappings", folder, library_recipe(folder), backend="bi_encoder")


def test_a_router_that_is_not_first(tmp_path: Path, check_layout: Check) -> None:
    """One network reads all texts, and each role has a projection of its own."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Router

    network, pooling = modules_of(sentence_bert(tmp_path / "bert", most=16))
    router = Router({"query": [Dense(32, 16)], "document": [Dense(32, 16)]}, default_route="document")
    folder = tmp_path / "router"
    SentenceTransformer(modules=[network, pooling, router], device="cpu").save(str(folder))
    check_layout(
        "Router after the network", folder, library_recipe(folder), backend="bi_encoder", exports="refused"
    )


def test_routes_of_other_names(tmp_path: Path, check_refused: Check) -> None:
    """A router without a route for documents is refused, with what to do."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    parts = modules_of(sentence_bert(tmp_path / "bert"))
    folder = tmp_path / "router"
    SentenceTransformer(modules=[Router({"query": parts, "doc": parts})], device="cpu").save(str(folder))
    message = "has modules for query, doc, and none for the role 'document'"
    check_refused("Router without document", folder, message, hint="rename its routes", backend="bi_encoder")


def test_lengths_by_role(tmp_path: Path, check_layout: Check) -> None:
    """A network with a length limit for each role."""
    folder = sentence_bert(tmp_path)
    limits = {"max_seq_length": 128, "query_length": 8, "document_length": 32}
    put(folder, "sentence_bert_config.json", limits)
    recipe = library_recipe(folder)
    check_layout("query_length and document_length", folder, recipe, backend="bi_encoder", exports="refused")


def test_tasks_of_the_makers_own_names(tmp_path: Path, check_layout: Check) -> None:
    """Where a module of the repository reads tasks, they are called as the prompts are."""
    prompts = {"retrieval.query": "find: ", "retrieval.passage": "text: "}
    folder = sentence_bert(tmp_path, prompts=prompts)
    put(folder, "custom_st.py", JINA_CODE)
    modules = [
        {"idx": 0, "name": "transformer", "path": "", "type": "custom_st.Transformer", "kwargs": ["task"]},
        {"idx": 1, "name": "pooler", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    put(folder, "modules.json", modules)

    def recipe(pairs: Any) -> list[float]:
        """Return what the card does: the name of the prompt is the task."""
        from sentence_transformers import SentenceTransformer

        own = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
        names = ("retrieval.query", "retrieval.passage")
        vectors = [
            [own.encode([text], task=name, prompt_name=name) for name, text in zip(names, pair, strict=True)]
            for pair in pairs
        ]
        return [float(own.similarity(left, right)[0, 0]) for left, right in vectors]

    family = "tasks retrieval.query, retrieval.passage (jina-embeddings-v3)"
    settings = {"backend": "bi_encoder", "pairs": TEXTS, "trust_remote_code": True}
    check_layout(family, folder, recipe, **settings)


def _shuffle(network: Any) -> None:
    """Give a network other weights."""
    import torch

    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.2, generator=generator)
