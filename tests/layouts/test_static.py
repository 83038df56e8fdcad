"""Static embeddings: a text's vector is the mean of its tokens' vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.embedding_models import (
    library_recipe,
    make_router,
    make_static,
    modules_of,
    set_modules,
    static_module,
)
from support.tiny_embedders import sentence_bert
from support.tiny_models import PAIRS, put
from support.tiny_tokenizers import bert_tokenizer

from evalkit.rerankers import load_reranker

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
Check = Callable[..., Any]


def make_model2vec(folder: Path, tensors: dict[str, Any] | None = None, **config: Any) -> Path:
    """Save a model in the layout of Model2Vec, with other tensors than one vector for each token if given."""
    import torch
    from safetensors.torch import save_file

    size = bert_tokenizer(folder).size
    torch.manual_seed(3)
    save_file(tensors or {"embeddings": torch.randn(size, 16)}, folder / "model.safetensors")
    named = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": 16, "normalize": True}
    put(folder, "config.json", {**named, **config})
    set_modules(folder, ("StaticEmbedding", "."), ("Normalize", "1_Normalize"))
    return folder


@pytest.mark.parametrize("most", [None, 20])
def test_static_embeddings(
    tmp_path: Path, check_layout: Check, check_refused: Check, most: int | None
) -> None:
    """Without special tokens; texts are cut only where the tokenizer's file says so. ONNX runs them, int8 cannot."""
    folder = make_static(tmp_path, most=most)
    recipe, cut = library_recipe(folder), f", cut at {most} tokens" * (most is not None)
    settings = {"backend": "bi_encoder", "pairs": [pair for pair in PAIRS if all(pair)]}
    check_layout(f"static embeddings{cut}", folder, recipe, **settings)
    check_layout(f"static embeddings{cut}, runtime: onnx", folder, recipe, runtime="onnx", **settings)
    if most is None:
        message = "has no weights that can be quantised"
        check_refused("static embeddings, int8", folder, message, backend="bi_encoder", precision="int8")


def test_tables_of_half_precision(tmp_path: Path, check_layout: Check) -> None:
    """Are computed in float32, unless the setting says otherwise."""
    folder = make_static(tmp_path, dtype="float16")
    family = "static embeddings saved in float16"
    check_layout(family, folder, library_recipe(folder, full=True), backend="bi_encoder")
    check_layout(
        f"{family}, fp16",
        folder,
        library_recipe(folder),
        backend="bi_encoder",
        precision="fp16",
        tolerance=1e-3,
    )


def test_model2vec(tmp_path: Path, check_layout: Check) -> None:
    """The layout of potion models, and with vectors that tokens share, weighted."""
    import torch

    folder = make_model2vec(tmp_path / "potion")
    check_layout("Model2Vec (potion)", folder, library_recipe(folder), backend="bi_encoder")
    size = bert_tokenizer(tmp_path / "size").size
    numbers = torch.Generator().manual_seed(4)
    tensors = {
        "embeddings": torch.randn(100, 16, generator=numbers),
        "mapping": torch.randint(0, 100, (size,), generator=numbers),
        "weights": torch.rand(size, generator=numbers),
    }
    folder = make_model2vec(tmp_path / "mapped", tensors)
    check_layout("Model2Vec with mapping and weights", folder, library_recipe(folder), backend="bi_encoder")


def test_model2vec_that_the_library_cannot_load(tmp_path: Path, check_refused: Check) -> None:
    """Without ``modules.json``, in whole numbers, and with a vector too few: refused by its kind."""
    import torch

    folder = make_model2vec(tmp_path / "bare")
    (folder / "modules.json").unlink()
    refused = {"backend": "bi_encoder"}
    check_refused("Model2Vec without modules.json", folder, "is a Model2Vec model without", **refused)
    folder = make_model2vec(tmp_path / "int8", embedding_dtype="int8")
    check_refused("Model2Vec in int8", folder, "quantised to int8", **refused)
    folder = make_model2vec(tmp_path / "short", {"embeddings": torch.randn(50, 16)})
    check_refused("Model2Vec with a vector too few", folder, "has vectors for 50 tokens", **refused)


def test_static_queries(tmp_path: Path, check_layout: Check) -> None:
    """Queries by static embeddings, documents by a network."""
    import torch
    from sentence_transformers.base.modules import Dense

    query = [static_module(tmp_path / "static"), Dense(16, 32, activation_function=torch.nn.Tanh())]
    document = modules_of(sentence_bert(tmp_path / "bert"))
    folder = make_router(tmp_path / "router", query, document)
    family = "Router of static queries"
    check_layout(family, folder, library_recipe(folder), backend="bi_encoder", exports="refused")


def test_empty_texts(tmp_path: Path) -> None:
    """A text without a token has the zero vector, as in the library, and the cosine 0, on both runtimes."""
    folder = make_static(tmp_path)
    for runtime in ("torch", "onnx"):
        reranker: Any = load_reranker("bi_encoder", model=str(folder), device="cpu", runtime=runtime)
        assert reranker.score_pairs([("", ""), ("a cat", ""), ("", "a cat")]).tolist() == [0, 0, 0]
        assert reranker.score_pairs([("a cat", "a cat")]) == pytest.approx(1)


def test_tokens_are_counted(tmp_path: Path) -> None:
    """`measure` counts the words, without special tokens; a configured limit cuts them."""
    folder = make_static(tmp_path)
    for settings in ({}, {"max_length_tokens": 2}):
        reranker: Any = load_reranker("bi_encoder", model=str(folder), device="cpu", **settings)
        most = settings.get("max_length_tokens", 100)
        ((one,), _), ((three,), (cut,)) = (
            reranker.measure([("", words)]) for words in ("the", "the the the")
        )
        assert (one, three, cut) == (1, min(3, most), most < 3)
        assert reranker.measure([("", "")])[0].tolist() == [0]
        assert reranker.facts()["max_length_tokens"] == settings.get("max_length_tokens")


def test_scores_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    """To the last bit: padding adds nothing."""
    reranker: Any = load_reranker("bi_encoder", model=str(make_static(tmp_path)), device="cpu")
    pairs = [pair for pair in PAIRS if len(pair[0]) < 400]
    together = reranker.score_pairs(pairs)
    assert np.concatenate([reranker.score_pairs([pair]) for pair in pairs]).tolist() == together.tolist()
